"""What a process' memory consists of, in bytes, as a board tells it and as results.json keeps it."""

from typing import Final

from harness.records.base import Record

PARTS: Final = {
    "runtime_bytes": "runtime, no model",
    "weights_bytes": "weights",
    "packed_bytes": "packed weights, heap",
    "arena_bytes": "tensor arena",
    "stacks_bytes": "stacks",
    "libraries_bytes": "libraries",
}
"""The parts of a process' memory, by field, with what people call them."""


class MemoryParts(Record):
    """What one process that ran a model consists of. ``pss_bytes`` is measured apart from its parts."""

    pss_bytes: int
    """The proportional set size of the whole process."""
    runtime_bytes: int
    """Its share before a model was loaded: Python, numpy, the interpreter."""
    weights_bytes: int
    """Of the model's file, as mapped; copied to the heap where ``weights_mapped`` says so."""
    weights_mapped: bool
    packed_bytes: int
    """What loading allocated and running only reads: weights in the kernels' own order, the graph, heap."""
    arena_bytes: int
    """What feeding and running wrote: inputs, outputs, activations, scratch buffers."""
    stacks_bytes: int
    libraries_bytes: int
    """Pages of libraries that were not touched before."""


class MemoryAccount(Record):
    """The mean over processes of what they consist of, with what no part explains."""

    pss_bytes: float
    runtime_bytes: float
    weights_bytes: float
    weights_mapped: bool
    packed_bytes: float
    arena_bytes: float
    stacks_bytes: float
    libraries_bytes: float
    unexplained_bytes: float
    """PSS less all parts; below zero where parts hold more, as after a library's pages came to be shared."""
    processes: int
    peak_bytes: float | None = None
    """VmHWM, which counts shared pages whole."""
    load_peak_bytes: float | None = None
    run_peak_bytes: float | None = None
    """Of feeding and running alone, from what was resident when the model was loaded."""

    @property
    def parts(self) -> dict[str, float]:
        """The parts by what people call them, the unexplained last."""
        named = {title: float(getattr(self, field)) for field, title in PARTS.items()}
        return {**named, "unexplained": self.unexplained_bytes}

    @property
    def unexplained_share(self) -> float:
        """Of PSS, as a fraction; the sign says whether parts are missing or too many."""
        return self.unexplained_bytes / self.pss_bytes if self.pss_bytes else 0.0
