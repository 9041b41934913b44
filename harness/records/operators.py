"""Operators: how long each took and where it ran, as a trial tells it, as results keep it, and against a baseline."""

from pydantic import Field

from harness.records.base import Record

RESOLUTION_S = 1e-6
"""LiteRT's profiler counts in whole microseconds."""


class Placement(Record):
    """Which of the first graph's operators a delegate took, as the board's runtime lists them."""

    operators: tuple[str, ...] = Field(max_length=5000)
    """By name, in the order of the file."""
    delegated: tuple[int, ...]
    """Numbers of those that were taken; of a delegate's library what that library took."""
    parts: int
    """Into how many parts they were put together: each more is one more change between delegate and runtime."""


class OperatorTime(Record):
    """One operator as LiteRT's profiler names it, in the order they ran; XNNPACK's have names of its own."""

    name: str
    node: int | None
    """Its number in the model's first graph; None for one that a delegate made of the model's."""
    ns: float
    """Mean nanoseconds of an inference."""


class OperatorTimes(Record):
    """What one operators trial brought: means over the faster half of its inferences."""

    inference_ns: float
    runs: int
    operators: tuple[OperatorTime, ...] = Field(max_length=5000)


class OperatorFigure(Record):
    """One operator of the model file, or all of one kind. ``seconds`` are of one inference, means over processes.

    None where the profiler's operators cannot be told apart by those of the file; then ``delegated`` still holds.
    """

    name: str
    """As the TensorFlow Lite schema spells it, e.g. "CONV_2D", like ``Inside.operators``."""
    count: int = 1
    delegated: int
    """How many of them a delegate took, in this pass."""
    macs: int
    seconds: float | None
    ci_low: float | None = None
    """The ends of the 95 % interval over processes; None for one process."""
    ci_high: float | None = None
    share: float | None = None
    """Of the inference time of the same pass, 0..1."""


class KernelFigure(Record):
    """One operator that a delegate made, by its own name; where it cannot be told which of the file's it is."""

    name: str
    count: int
    seconds: float


class OperatorChange(Record):
    """One operator, or one kind, against the baseline's; seconds of one inference."""

    name: str
    """e.g. "CONV_2D 3", its place among all; of files whose operators differ "CONV_2D" for all of the kind."""
    before_s: float
    after_s: float
    difference_s: float
    ci_low: float
    ci_high: float
    """Ends of the difference's interval, at a level that all operators of the entry share."""

    @property
    def changed(self) -> bool:
        """Whether it is surely slower or surely faster."""
        return self.ci_low > 0.0 or self.ci_high < 0.0


class OperatorProfile(Record):
    """Where an inference's time goes, from processes of their own; ``reason`` says why it is not known."""

    reason: str | None = None
    path: str = ""
    """What ran the model, e.g. "CompiledModel of litert 2.3.0, 1 thread, xnnpack"."""
    inference_s: float | None = None
    """Mean of an inference in the same pass, which the profiler makes slower than it is alone."""
    told_share: float | None = None
    """The operators' sum over it: what is left is the runtime's own work, and the profiler's."""
    processes: int = 0
    runs: int = 0
    """Inferences behind it, of all processes."""
    resolution_s: float = RESOLUTION_S
    kinds: tuple[OperatorFigure, ...] = ()
    """Most time first; names and counts are those of the file's first graph."""
    operators: tuple[OperatorFigure, ...] = ()
    """In the order of the file."""
    kernels: tuple[KernelFigure, ...] = ()
    """What delegates ran, by their own names, most time first; only where ``seconds`` above are None for it."""
    untold: str | None = None
    """Why the time of some of the file's operators is not known."""
