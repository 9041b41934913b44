"""Where a series of figures went to another level and stayed there."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from harness.stats.quantiles import finite_array

LEAST = 3
"""Points a level must have; so a last point alone, or two, never make a change."""
FARTHEST = 200
"""Points that are looked at, the newest."""
_PENALTY = 16.0
"""What another change must gain in squared error, in variances; steps of 3 sd are found after ten points."""
_AWAY = 4.0
"""Standard errors by which the levels' medians must differ."""
_QUIET = 1e-3
"""The least noise that is assumed, as a share of the usual figure: what repeats exactly has none of its own."""
_OUTLYING = 3.0
_MAD_OF_NORMAL = 0.6744897501960817
_MEDIAN_ERROR = 1.2533141373155001
"""The standard error of a median in that of a mean, for normal noise: sqrt(pi / 2)."""


@dataclass(frozen=True)
class Changepoint:
    """A change of level: the first place on the new level, and the medians before and after."""

    at: int
    before: float
    after: float


def changepoints(values: Sequence[float] | NDArray[np.float64]) -> list[Changepoint]:
    """The changes of level in a series, oldest first; none for fewer than six points.

    Single outliers are put aside (a Hampel filter over five points), levels are found by PELT (Killick, Fearnhead
    and Eckley, JASA 107, 2012; in ``ruptures``), and each must then hold in the figures as they are: the medians of
    both sides differ by four standard errors, and three in four points of either side lie on their own side of the
    middle. The noise is the median difference between neighbours, which a few steps do not move.
    """
    array = finite_array(values)
    first = max(0, array.size - FARTHEST)
    recent = array[first:]
    if recent.size < 2 * LEAST:
        return []
    noise = _noise(recent)
    cuts = _confirmed(recent, _cuts(_without_outliers(recent, noise) / noise), noise)
    ends = [0, *cuts, recent.size]
    levels = [float(np.median(recent[start:end])) for start, end in pairwise(ends)]
    return [Changepoint(first + cut, levels[place], levels[place + 1]) for place, cut in enumerate(cuts)]


def _noise(array: NDArray[np.float64]) -> float:
    between = float(np.median(np.abs(np.diff(array)))) / _MAD_OF_NORMAL / sqrt(2)
    sizes = np.abs(array)
    usual = float(np.median(sizes)) or float(sizes.max()) or 1.0
    rounding = float(np.spacing(sizes.max()))  # or an ordinary figure among vanishing ones is infinitely far away
    return max(between, _QUIET * usual, rounding)


def _without_outliers(array: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    around = [float(np.median(array[max(0, place - 2) : place + 3])) for place in range(array.size)]
    return np.where(np.abs(array - around) > _OUTLYING * noise, around, array)


def _cuts(array: NDArray[np.float64]) -> list[int]:
    try:
        from ruptures import KernelCPD  # loads scipy.stats
    except ModuleNotFoundError:  # no release for this Python; docs/history.md says so
        return []
    found = KernelCPD(kernel="linear", min_size=LEAST).fit(array.reshape(-1, 1)).predict(pen=_PENALTY)
    return [int(cut) for cut in found[:-1]]


def _confirmed(array: NDArray[np.float64], cuts: list[int], noise: float) -> list[int]:
    """The cuts without those that do not hold, the weakest taken away first, since that joins its neighbours."""
    while cuts:
        ends = [0, *cuts, array.size]
        found = [
            _distance(array[start:cut], array[cut:end], noise)
            for start, cut, end in zip(ends, ends[1:], ends[2:], strict=False)
        ]
        weakest = int(np.argmin(found))
        if found[weakest] >= _AWAY:
            return cuts
        cuts = cuts[:weakest] + cuts[weakest + 1 :]
    return cuts


def _distance(left: NDArray[np.float64], right: NDArray[np.float64], noise: float) -> float:
    """How many standard errors the medians are apart; 0 where points of either side lie beyond the middle."""
    before, after = float(np.median(left)), float(np.median(right))
    middle, rises = (before + after) / 2, after > before
    for side, above in ((left, not rises), (right, rises)):
        astray = np.count_nonzero((side > middle) != above)
        if astray > side.size // 4:
            return 0.0
    error = _MEDIAN_ERROR * noise * sqrt(1 / left.size + 1 / right.size)
    return abs(after - before) / error
