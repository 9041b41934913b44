"""A model's load from the board's storage, as a board tells it."""

from harness.records.base import Record


class TrialLoad(Record):
    """From a process that has imported the runtime to the end of the first inference, cold or warm."""

    cold: bool
    """Whether the model's file was put out of memory before."""
    load_s: float | None = None
    by: str | None = None
    """What put it out: posix_fadvise | drop_caches"""
    not_cold: str | None = None
    """Why it is in memory still; then nothing was timed."""
    medium: str | None = None
    """The kind of disk the store lies on; None where the kernel does not tell."""
    read_bytes: int | None = None
    read_s: float | None = None
    """Seconds of reading ``read_bytes`` of the store's medium from begin to end."""
    unread: str | None = None
    """Why the medium's rate is not known."""
