"""What a model asks of its data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.pipeline.dataset import Score


@dataclass(frozen=True)
class Wanted:
    """What the architecture would like; only made-up data follows it, real data comes as it is.

    ``shape`` is one sample's, without the batch. ``seed`` decides how samples are dealt to the parts; it is
    independent of the build's.
    """

    shape: tuple[int, ...] | None
    classes: int | None
    score: "Score" = "top1"
    seed: int = 0
