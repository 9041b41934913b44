"""What the process that asks LiteRT about XNNPACK is told, and what it answers."""

from harness.records.base import Record


class DelegationJob(Record):
    """A model to load."""

    model: str


class DelegationAnswer(Record):
    """The operators of the model's first graph in the order they run, and which of them were taken; or the refusal."""

    operators: tuple[str, ...] = ()
    taken: tuple[int, ...] = ()
    parts: int = 0
    refused: str | None = None
    unresolved: str | None = None
    """What LiteRT says of a custom operator that it does not have."""
