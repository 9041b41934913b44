"""What a recipe step is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from harness.pipeline.model.dataset import Dataset, Schedule
    from harness.pipeline.recipes.recipe_grammar import Call
    from harness.records.artifact import Rival, Training
    from harness.records.candidate import Argument


@dataclass(frozen=True)
class Made:
    """A Keras model with its data; trained unless the place where it is handed over says otherwise."""

    model: Any
    dataset: "Dataset | None"
    accuracy_reason: str | None
    schedule: "Schedule"


@dataclass(frozen=True)
class Subject:
    """What a model step works on. Everything is made when it is asked for: with cached weights little is."""

    previous: Callable[[], Made]
    """The trained model of the stage before."""
    fresh: "Callable[[Mapping[str, Argument]], Made]"
    """The factory called anew with other arguments, its weights not trained. Raises BuildError where it takes none."""
    teacher: Callable[[], Made] | None
    """The trained teacher that the step names; None: it names none."""
    seed: int
    say: Callable[[str], None]
    label: str


@dataclass(frozen=True)
class StepOutcome:
    """How a model step's training went."""

    training: "Training"
    rival: "Rival | None" = None


@dataclass(frozen=True)
class Conversion:
    """A TensorFlow Lite converter being set up, and what integer steps calibrate it with."""

    tensorflow: Any
    """The tensorflow module: steps must not import it at the top of their files."""
    converter: Any
    calibration: Callable[[], Iterator[dict[str, Any]]]
    """Gives one-sample inputs (numpy arrays), keyed by the signature's input names."""


@dataclass(frozen=True)
class ModelStep:
    """A step that changes a Keras model before it is exported.

    ``architecture`` gives the model whose weights are trained or loaded; ``train`` trains it in place.
    ``check`` raises CandidateSpecError for arguments the step does not take.
    """

    name: str
    check: "Callable[[Call], None]"
    architecture: "Callable[[Subject, Call], Any]"
    train: "Callable[[Any, Subject, Call], StepOutcome]"
    stage: Literal["model"] = "model"


@dataclass(frozen=True)
class FormatStep:
    """A step that sets the converter's number format; a recipe has at most one, its last."""

    name: str
    configure: Callable[[Conversion], None]
    whole: bool = False
    """Integers throughout: what still computes floats is refused."""
    calibrated: bool = False
    """Needs to see inputs, which set the ranges of its integers."""
    stage: Literal["number_format"] = "number_format"


Step = ModelStep | FormatStep
