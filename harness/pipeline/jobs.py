"""What the pipeline's own processes are asked, and what they answer: one JSON line each."""

from typing import Literal

from harness.records.base import Record

SAVED_MODEL = "saved_model"
CALIBRATION = "calibration.npz"
TEST = "test.npz"
INFO = "prepared.json"
"""What stands in the folder of a prepared model; the last is written last."""


class BuildJob(Record):
    """One artifact to make: the factory, the recipe, and where things go."""

    factory: str
    """module:function"""
    label: str
    """The factory as the user named it."""
    search: list[str]
    """Folders put first on the module path."""
    recipe: str
    seed: int
    prepared: str
    """The folder of the trained and exported model; made if it is not there."""
    output: str


class WorkerAnswer(Record):
    """A step begun, or the end of a job."""

    event: Literal["progress", "done", "error"]
    message: str = ""


class PreparedInfo(Record):
    """What stands beside an exported model: its data set's name, or why there is no accuracy."""

    dataset: str | None
    accuracy_reason: str | None


class GoldenJob(Record):
    """A model to run on the host, and with what."""

    model: str
    samples: str | None
    """npz with i0, i1... and, for a classifier, labels; None: seeded random inputs."""
    keep: int
    """At most so many samples are kept with their outputs."""
    seed: int
    inputs_path: str
    outputs_path: str


class GoldenAnswer(Record):
    """How many samples were kept, and of all ``n`` labelled ones how many were right; or the refusal."""

    samples: int = 0
    n: int = 0
    correct: int | None = None
    refused: str | None = None
    bad_samples: str | None = None
    """What is wrong with the samples that were given."""
