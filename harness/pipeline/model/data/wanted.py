"""What a model asks of its data."""

from dataclasses import dataclass
from typing import Literal

from harness.pipeline.model.dataset import Score

Pixels = Literal["scaled", "bytes", "untold"]
"""Of a picture's pixels: the model takes them divided by 255; from 0 to 255, since it scales them itself; or which of
the two cannot be told from it, so that they are divided and it is said."""


@dataclass(frozen=True)
class Wanted:
    """What the architecture would like; only made-up data follows it, real data comes as it is.

    ``shape`` is one sample's, without the batch. ``seed`` decides how samples are dealt to the parts; it is
    independent of the build's.
    """

    shape: tuple[int, ...] | None
    classes: int | None
    score: Score = "top1"
    seed: int = 0
    dtype: str = "float32"
    """numpy's name of what the input holds: integers go to an input of integers as they are."""
    pixels: Pixels = "scaled"

    @property
    def integers(self) -> bool:
        """Whether the input holds integers."""
        return self.dtype.startswith(("int", "uint"))
