"""What a recipe's step is handed in the worker, what it gives, and where its training stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from harness.pipeline.model.dataset import Dataset, Schedule
from harness.pipeline.recipes.recipe_grammar import Call
from harness.pipeline.recipes.step import ModelStep
from harness.records.artifact import Rival, Training
from harness.records.candidate import Argument


@dataclass(frozen=True)
class LoadedModel:
    """A Keras model with its data; trained unless the place where it is handed over says otherwise."""

    model: Any
    dataset: Dataset | None
    accuracy_reason: str | None
    schedule: Schedule


@dataclass(frozen=True)
class StepContext:
    """What a model step works on. Everything is made when it is asked for: with cached weights little is."""

    previous: Callable[[], LoadedModel]
    """The trained model of the training before."""
    fresh: Callable[[Mapping[str, Argument]], LoadedModel]
    """The factory called anew with other arguments, its weights not trained. Raises BuildError where it takes none."""
    teacher: Callable[[], LoadedModel] | None
    """The trained teacher that the step names; None: it names none."""
    seed: int
    say: Callable[[str], None]
    label: str


@dataclass(frozen=True)
class StepOutcome:
    """How a model step's training went."""

    training: Training
    rival: Rival | None = None


class StepTrainer(Protocol):
    """The two functions of a module that a ModelStep names."""

    def architecture(self, context: StepContext, call: Call) -> Any:  # noqa: ANN401 - keras is not typed
        """The model whose weights are trained, or loaded where they are kept."""

    def train(self, model: Any, context: StepContext, call: Call) -> StepOutcome:  # noqa: ANN401
        """Train it in place. Raises BuildError."""


def load_trainer(step: ModelStep) -> StepTrainer:
    """The module that trains a step, imported."""
    return cast(StepTrainer, import_module(step.module))
