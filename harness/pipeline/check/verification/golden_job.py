"""What the limited process that runs a model on the host is asked, and what it answers."""

from typing import Literal

from harness.records.artifact import TensorInfo
from harness.records.base import Record


class GoldenJob(Record):
    """A model to run on the host, and with what."""

    model: str
    samples: str | None
    """npz with i0, i1... and, for what is scored, labels; None: seeded random inputs."""
    keep: int
    """At most so many samples are kept with their outputs."""
    seed: int
    score: Literal["top1", "auc"] | None
    """How each labelled sample is scored; None: not at all."""
    threads: int
    inputs_path: str
    outputs_path: str
    scores_path: str
    builtin_path: str


class GoldenAnswer(Record):
    """How many samples were kept and what the outputs are; or the refusal. The first of all answers."""

    samples: int = 0
    outputs: tuple[TensorInfo, ...] = ()
    refused: str | None = None
    bad_samples: str | None = None
    """What is wrong with the samples that were given."""


class ScoreAnswer(Record):
    """How many samples were scored, or why none was."""

    n: int = 0
    reason: str | None = None


class BuiltinAnswer(Record):
    """How far the built-in kernels' outputs are from XNNPACK's; None where they are the same bits. The last answer."""

    sqnr_db: float | None = None
    reason: str | None = None
    """Why they are not known."""
