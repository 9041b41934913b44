"""What the limited process that fixes a .tflite file's signature and sizes is asked, and what it answers."""

from harness.records.base import Record


class FixJob(Record):
    """A model file, and what of it is to be measured."""

    source: str
    output: str
    signature: str | None
    """The signature whose graph comes first; None: the first one stays."""
    samples: str | None
    """npz with i0, i1..., or an .npy file, whose shapes the open sizes get; None: sizes stay open."""


class FixAnswer(Record):
    """Done, or in one line why not."""

    refused: str | None = None
