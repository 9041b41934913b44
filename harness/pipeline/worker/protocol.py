"""What a worker can be asked, one JSON line each (``kind`` says which), and what it answers."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from harness.pipeline.check.verification.own_metric_client import MetricSource
from harness.pipeline.model.job import BuildJob, FileDataJob
from harness.records.artifact import (
    StagesFile,
)
from harness.records.base import Record


class Prepare(Record):
    """Train a model where its weights are not kept, and export it into ``job.prepared``."""

    kind: Literal["prepare"] = "prepare"
    label: str
    job: BuildJob


class Convert(Record):
    """Make ``job.output`` from an exported model."""

    kind: Literal["convert"] = "convert"
    label: str
    job: BuildJob


class Quantize(Record):
    """Make ``output`` from a .tflite file, without TensorFlow."""

    kind: Literal["quantize"] = "quantize"
    label: str
    source: str
    recipe: str
    output: str
    samples: str | None
    seed: int


class Fix(Record):
    """Write a .tflite file anew: a signature's graph first, open sizes as the samples have them."""

    kind: Literal["fix"] = "fix"
    label: str
    source: str
    output: str
    signature: str | None
    samples: str | None


class FileData(FileDataJob):
    """Write the data set that was named for a .tflite file."""

    kind: Literal["file_data"] = "file_data"


class Stage(Record):
    """Run a candidate's pre- and post-processing on raw samples; gives Staging."""

    kind: Literal["stage"] = "stage"
    label: str
    stages: str
    raw: str
    model: str
    sha256: str
    cache_dir: str


class Verify(Record):
    """Run a model on the host and compare it with a reference; gives Verification.

    ``samples`` None: seeded random inputs. ``reference`` None: there is nothing to compare with. ``metric`` is the
    user's own, in place of the score.
    """

    kind: Literal["verify"] = "verify"
    label: str
    model: str
    sha256: str
    reference: str | None
    reference_sha256: str | None
    reference_name: str
    samples: str | None
    seed: int
    dataset: str | None
    score: Literal["top1", "auc"]
    accuracy_reason: str | None
    real: bool
    metric: MetricSource | None = None
    cache_dir: str
    deadline_s: float


Request = Prepare | Convert | Quantize | Fix | FileData | Stage | Verify
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])


class WorkerAnswer(Record):
    """A step begun, or the end of a request with the seconds it took and its result as JSON."""

    event: Literal["progress", "done", "error"]
    message: str = ""
    seconds: float = 0.0
    result: str = ""


class Staging(Record):
    """The stages as they are shipped, and the preprocessed samples."""

    file: StagesFile
    samples: str
