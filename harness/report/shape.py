"""The shape of many latencies from the histograms of their trials: a range to show, and heights over it."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from harness.records.results import Histogram

BINS = 80
KEPT_SHARE = 0.995
"""The axis ends where so large a share of each recipe's inferences is drawn; the caption counts the rest."""
LOG_FROM = 3.0
"""From such a ratio of the slowest to the fastest on, an axis is logarithmic."""


@dataclass(frozen=True)
class Axis:
    """The latencies an axis shows, in seconds."""

    low_s: float
    high_s: float

    @property
    def log(self) -> bool:
        """Whether latencies are so far apart that a logarithmic scale is due."""
        return self.high_s / self.low_s >= LOG_FROM

    def edges(self) -> list[float]:
        """BINS + 1 bin edges in seconds, evenly spaced on the scale."""
        steps = [step / BINS for step in range(BINS + 1)]
        if self.log:
            return [self.low_s * (self.high_s / self.low_s) ** step for step in steps]
        return [self.low_s + (self.high_s - self.low_s) * step for step in steps]


def usable(histogram: Histogram) -> bool:
    """Whether a histogram is one: as many counts as bins, rising edges above zero, something counted."""
    edges, counts = histogram.edges_s, histogram.counts
    rising = all(left < right for left, right in pairwise(edges))
    return len(edges) == len(counts) + 1 and rising and edges[0] > 0 and sum(counts) > 0 and min(counts) >= 0


def fastest(histograms: list[Histogram]) -> float:
    """The left edge of the first bin with something in it."""
    return min(left for h in histograms for left, count in zip(h.edges_s, h.counts, strict=False) if count)


def nearly_slowest(histograms: list[Histogram]) -> float:
    """The right edge of the bin below which KEPT_SHARE of all inferences lie."""
    bins = sorted((right, count) for h in histograms for right, count in zip(h.edges_s[1:], h.counts, strict=True))
    wanted, seen = KEPT_SHARE * sum(count for _, count in bins), 0
    for right, count in bins:
        seen += count
        if seen >= wanted:
            return right
    return bins[-1][0]


def heights(histograms: list[Histogram], edges: list[float]) -> list[float]:
    """Inferences per chart bin; a bin of the file gives each chart bin its share by overlap."""
    found = [0.0] * (len(edges) - 1)
    for histogram in histograms:
        for (left, right), count in zip(pairwise(histogram.edges_s), histogram.counts, strict=True):
            if count:
                _share_out(found, edges, left=left, right=right, count=count)
    return found


def _share_out(found: list[float], edges: list[float], *, left: float, right: float, count: int) -> None:
    index = max(0, bisect_right(edges, left) - 1)
    while index < len(found) and edges[index] < right:
        overlap = min(right, edges[index + 1]) - max(left, edges[index])
        if overlap > 0:
            found[index] += count * overlap / (right - left)
        index += 1


def slower_than(histograms: list[Histogram], limit_s: float) -> int:
    """Inferences in bins that start at or above a limit."""
    return sum(count for h in histograms for left, count in zip(h.edges_s, h.counts, strict=False) if left >= limit_s)
