"""What is made of which model: jobs of the worker, and what stands in the folders it fills."""

from typing import Literal

from harness.records.artifact import Rival, Training
from harness.records.base import Record
from harness.records.candidate import Argument

SAVED_MODEL = "saved_model"
CALIBRATION = "calibration.npz"
TEST = "test.npz"
RAW = "raw.npz"
SAMPLES = "samples.npz"
INFO = "prepared.json"
"""What stands in the folder of a prepared model; RAW only where the data set has raw samples, SAMPLES, by the
inputs' names, where there is no data set but real samples, or made-up ones of known tables; INFO is written last."""


class ModelSource(Record):
    """What makes a model: a factory with its arguments, a Keras file, or a SavedModel."""

    kind: Literal["factory", "keras", "saved_model"]
    source: str
    """module:function, or the absolute path of a file or folder."""
    label: str
    """As the user named it."""
    arguments: dict[str, Argument] = {}
    """Given to the factory by name."""
    search: list[str] = []
    """Folders put first on the module path."""
    base_dir: str | None = None
    """From where relative paths in arguments are found."""
    weights: str | None = None
    """An absolute path of weights that take the place of training."""
    data: str | None = None
    """The data set of a file, as text for ``harness.pipeline.model.data``."""
    samples: str | None = None
    """Of a file without a data set: real inputs (npz with i0, i1..., or .npy), an absolute path."""
    signature: str | None = None
    """Of a SavedModel: the signature that is taken; None: serving_default, or the only one."""


class TrainingStep(Record):
    """One training: the model's own (``step`` None), or that of a recipe's step, with the folder that keeps it."""

    step: str | None
    weights: str
    teacher: ModelSource | None = None
    """Where the step names one; without, it is the model of the training before."""
    teacher_weights: str | None = None


class BuildJob(Record):
    """One artifact to make, and where things go."""

    model: ModelSource
    trainings: list[TrainingStep]
    """In the order they are run; the last one's model is exported."""
    recipe: str
    seed: int
    prepared: str
    """The folder of the trained and exported model; made if it is not there."""
    output: str


class FileDataJob(Record):
    """The data set that was named for a .tflite file, to be written into ``folder`` as the file takes it."""

    label: str
    model: str
    data: str
    base_dir: str | None
    folder: str


class PreparedInfo(Record):
    """What stands beside an exported model: its data set's name, or why there is no accuracy; how it was trained."""

    dataset: str | None
    accuracy_reason: str | None
    score: Literal["top1", "auc"] = "top1"
    unscored: bool = False
    """The only reason is that outputs alone say nothing of the labels: a metric of the user's own may tell."""
    preprocessing: str | None = None
    trainings: tuple[Training, ...] = ()
    rival: Rival | None = None
    notes: tuple[str, ...] = ()
    """Sentences on how the model was exported and its data read, for whoever reads its figures."""
