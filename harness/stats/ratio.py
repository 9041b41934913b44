"""How two interleaved arms compare: the ratio of their times, block by block."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

from harness.stats.arrays import finite_array
from harness.stats.intervals import t_quantile


@dataclass(frozen=True)
class RatioInterval:
    """Candidate over baseline (1.02: two per cent slower); ends are None for one block.

    ``sd`` is the standard deviation of the blocks' log ratios, None for one block.
    """

    ratio: float
    low: float | None
    high: float | None
    sd: float | None
    blocks: int
    confidence: float


def ratio_interval(
    candidate: Sequence[Sequence[float]], baseline: Sequence[Sequence[float]], confidence: float = 0.95
) -> RatioInterval:
    """The ratio of two arms measured in the same blocks, with a t interval over blocks.

    Both are sequences over the same blocks of one positive number a trial. A block gives the difference
    of its arms' mean logarithms, from which anything the block's trials share, and in ABBA order a
    linear drift, drops out. ValueError for no blocks, unequal counts, or numbers that are not positive.
    Source: a paired t interval on logs, hence a ratio of geometric means, as Fleming and Wallace ask for
    in "How not to lie with statistics" (1986).
    """
    if len(candidate) != len(baseline) or len(candidate) == 0:
        raise ValueError(f"expected the same blocks of both arms, got {len(candidate)} and {len(baseline)}")
    logs = np.array([_mean_log(c) - _mean_log(b) for c, b in zip(candidate, baseline, strict=True)])
    centre = float(logs.mean())
    if logs.size == 1:
        return RatioInterval(exp(centre), None, None, None, 1, confidence)
    sd = float(logs.std(ddof=1))
    half = t_quantile(confidence, int(logs.size) - 1) * sd / sqrt(logs.size)
    return RatioInterval(exp(centre), exp(centre - half), exp(centre + half), sd, int(logs.size), confidence)


def _mean_log(values: Sequence[float] | NDArray[np.float64]) -> float:
    array = finite_array(values)
    if (array <= 0.0).any():
        raise ValueError("a ratio needs positive numbers in both arms")
    return float(np.log(array).mean())
