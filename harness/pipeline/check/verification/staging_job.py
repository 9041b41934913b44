"""What the limited process that runs a candidate's own stages on the host is asked, and what it tells."""

from typing import Literal

from harness.records.artifact import TensorInfo
from harness.records.base import Record

Phase = Literal["preprocess", "inference", "postprocess"]


class StagingJob(Record):
    """A stages file, raw samples, and the model between the two stages."""

    stages: str
    """The file as the user knows it, for messages."""
    copy_path: str
    """The copy that is run."""
    raw: str
    model: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    keep: int
    """At most so many raw samples are preprocessed."""
    keep_raw: int
    """At most so many raw samples are kept for the board, with their answers."""
    raw_path: str
    samples_path: str
    seconds: float
    """For each of the user's two functions over all samples."""


class PhaseDone(Record):
    """A phase is over; the last one's ``answers`` are JSON texts. ``refused``: the model cannot be run here."""

    phase: Phase
    samples: int = 0
    """Raw samples kept for the board."""
    answers: tuple[str, ...] = ()
    refused: str | None = None


class StagingFault(Record):
    """What is wrong with the stages file or the raw samples, in one line that names the file."""

    fault: str
