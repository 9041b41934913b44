"""What the limited process that quantises a .tflite file is asked, and what it answers."""

from harness.records.base import Record


class QuantizeJob(Record):
    """A float32 model file, the number format wanted, and what it is calibrated with."""

    source: str
    number_format: str
    output: str
    samples: str | None
    """npz with i0, i1..., or an .npy file; None: ``made_up`` random inputs by ``seed``."""
    made_up: int
    most_samples: int
    seed: int


class QuantizeAnswer(Record):
    """Done, or in one line why not."""

    refused: str | None = None
