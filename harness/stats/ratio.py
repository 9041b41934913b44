"""How two arms compare: the ratio of their times, block by block where they were interleaved, else trial by trial.

And by how much two runs of the same thing differ by themselves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.records.limit_test import RunSpread
from harness.stats.intervals import t_quantile
from harness.stats.quantiles import finite_array

FEWEST_DEGREES: Final = 3
"""Of a spread from run to run: known by fewer it says next to nothing."""


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


def unpaired_ratio(candidate: Sequence[float], other: Sequence[float], confidence: float = 0.95) -> RatioInterval:
    """The ratio of two arms measured one after the other, one positive number a trial.

    What both would share in a common block does not drop out here. The ends and ``sd``, the pooled spread of the
    trials' logarithms, are None where an arm has one trial; ``blocks`` is the smaller number of trials. ValueError
    for no trials, or numbers that are not positive.
    Source: Welch's t interval (Biometrika 34, 1947) on logs, hence a ratio of geometric means.
    """
    ratio = exp(_mean_log(candidate) - _mean_log(other))
    counts = (len(candidate), len(other))
    if min(counts) < 2:
        return RatioInterval(ratio, None, None, None, min(counts), confidence)
    variances = [float(np.log(finite_array(values)).var(ddof=1)) for values in (candidate, other)]
    shares = [variance / n for variance, n in zip(variances, counts, strict=True)]
    error = sum(shares)
    if error == 0.0:
        return RatioInterval(ratio, ratio, ratio, 0.0, min(counts), confidence)
    degrees = error**2 / sum(share**2 / (n - 1) for share, n in zip(shares, counts, strict=True))
    half = t_quantile(confidence, degrees) * sqrt(error)
    pooled = sqrt(sum(v * (n - 1) for v, n in zip(variances, counts, strict=True)) / (sum(counts) - 2))
    return RatioInterval(ratio, exp(log(ratio) - half), exp(log(ratio) + half), pooled, min(counts), confidence)


def run_spread(groups: Iterable[Sequence[float]]) -> RunSpread | None:
    """The spread from run to run of positive figures, one a run, grouped by what they are of; None for too few.

    The pooled standard deviation of their logarithms, so that groups need have nothing in common but the board.
    """
    logs = [np.log(finite_array(values)) for values in groups if len(values) > 1]
    degrees = sum(one.size - 1 for one in logs)
    if degrees < FEWEST_DEGREES:
        return None
    return RunSpread(sd=sqrt(sum(float(((one - one.mean()) ** 2).sum()) for one in logs) / degrees), degrees=degrees)


def _mean_log(values: Sequence[float] | NDArray[np.float64]) -> float:
    array = finite_array(values)
    if (array <= 0.0).any():
        raise ValueError("a ratio needs positive numbers in both arms")
    return float(np.log(array).mean())
