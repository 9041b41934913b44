"""Whether a short series rises or falls: Kendall's rank correlation with its order, exact, and the slope."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from statistics import median


@dataclass(frozen=True)
class Trend:
    """``tau`` from -1 (falls at every step) to 1, its two-sided ``p``, and the ``slope`` a step."""

    tau: float
    p: float
    slope: float


def trend_of(values: Sequence[float]) -> Trend:
    """The trend of at least two values in their order.

    Kendall's tau-a with the exact distribution of independent values without ties (Kendall, Rank Correlation Methods,
    1948); ties make p larger, never smaller. The slope is Theil's and Sen's median over all pairs.
    """
    pairs = list(combinations(enumerate(values), 2))
    score = sum((later > earlier) - (later < earlier) for (_, earlier), (_, later) in pairs)
    slope = median((later - earlier) / (j - i) for (i, earlier), (j, later) in pairs)
    return Trend(tau=score / len(pairs), p=_two_sided(len(values), abs(score)), slope=slope)


def _two_sided(n: int, score: int) -> float:
    """The chance that n independent values give a score at least so far from 0."""
    pairs = n * (n - 1) // 2
    counts = _inversions(n)
    far = sum(count for inversions, count in enumerate(counts) if abs(pairs - 2 * inversions) >= score)
    return far / factorial(n)


def _inversions(n: int) -> list[int]:
    """How many orders of n values have 0, 1, 2... inversions (Mahonian numbers)."""
    counts = [1]
    for size in range(2, n + 1):
        sums = [0]
        for count in counts:
            sums.append(sums[-1] + count)
        length = len(counts) + size - 1
        ends = [(min(k + 1, len(counts)), max(0, k + 1 - size)) for k in range(length)]
        counts = [sums[high] - sums[low] for high, low in ends]
    return counts
