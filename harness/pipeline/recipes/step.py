"""What a recipe step is, and how the arguments of its call are read. ``harness.pipeline.recipes`` lists all steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.pipeline.recipes.recipe_grammar import Call
from harness.records.errors import CandidateSpecError
from harness.records.nearest import did_you_mean


@dataclass(frozen=True)
class ModelStep:
    """A step that changes a Keras model before it is exported.

    ``check`` raises CandidateSpecError for arguments the step does not take. ``module`` trains: it is named by text,
    since it loads Keras, and holds what ``harness.pipeline.model.training.step_trainer.StepTrainer`` says. An argument
    called ``teacher`` names another candidate: it is built first, and its weights reach the trainer.
    """

    name: str
    check: Callable[[Call], None]
    module: str
    new_model: bool = False
    """Whether what comes out is another model, so that what steps before it did is lost."""


@dataclass(frozen=True)
class NumberFormat:
    """A step that sets the converter's number format; a recipe has at most one, its last."""

    name: str
    optimized: bool = True
    """Whether the converter makes weights smaller (Optimize.DEFAULT)."""
    weights: str | None = None
    """The type that weights are stored in, by TensorFlow's name; None: what the converter chooses."""
    operators: str | None = None
    """The operators that may be used, by their name in OpsSet; None: the built-in ones."""
    ports: str | None = None
    """The type of inputs and outputs, by TensorFlow's name; None: as trained."""
    whole: bool = False
    """Integers throughout: what still computes floats is refused."""
    activation_bits: int | None = None
    """Of its integer activations, whose ranges are calibrated; None: activations stay floats."""

    @property
    def calibrated(self) -> bool:
        """Whether it needs to see inputs, which set the ranges of its integers."""
        return self.activation_bits is not None

    @property
    def weights_only(self) -> bool:
        """Whether it makes weights smaller and leaves all else as floats."""
        return self.optimized and not self.calibrated


Step = ModelStep | NumberFormat


def step_arguments(call: Call, names: Sequence[str], *, usage: str) -> dict[str, object]:
    """What was given, by name: positional ones in the order of ``names``. Raises CandidateSpecError."""
    if len(call.positional) > len(names):
        raise CandidateSpecError(f'step "{call}" has {len(call.positional)} values; write {usage}')
    given = dict(zip(names, call.positional, strict=False))
    for name, value in call.keywords:
        if name not in names:
            hint = did_you_mean(name, names, after=" ")
            raise CandidateSpecError(f'step "{call}" takes no {name}: {hint}write {usage}')
        if name in given:
            raise CandidateSpecError(f'step "{call}" gives {name} twice; write {usage}')
        given[name] = value
    return given


def number(value: object) -> float | None:
    """A value as a number; None for anything else, truths included."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
