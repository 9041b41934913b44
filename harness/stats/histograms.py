"""Counts of inferences per latency bin, for files and charts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.arrays import finite_array

MAX_BINS = 256
_HALF_NANOSECOND = 0.5e-9


def histogram(
    samples_s: Sequence[float] | NDArray[np.float64], bins: int = MAX_BINS, batch: int = 1
) -> tuple[list[float], list[int]]:
    """Edges in seconds (one more than counts) and counts of inferences, in at most ``bins`` bins.

    ``samples_s`` are positive seconds for one inference, each the mean of ``batch`` inferences, and counts
    for so many. Bins are equally wide in the logarithm, so that one late outlier does not squeeze
    the rest into one bin; their width is Freedman and Diaconis' (1981).
    """
    if not 1 <= bins <= MAX_BINS:
        raise ValueError(f"expected 1 to {MAX_BINS} bins, got {bins}")
    array = finite_array(samples_s)
    if (array <= 0.0).any():
        raise ValueError("a latency histogram needs positive samples")
    edges = _edges(array, bins)
    counts, _ = np.histogram(array, edges)
    return [float(edge) for edge in edges], [int(count) * batch for count in counts]


def _edges(array: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    low, high = float(array.min()), float(array.max())
    if high - low <= 2 * _HALF_NANOSECOND:
        # Clocks tell nanoseconds: what lies within one is one bin.
        return np.array([max(low - _HALF_NANOSECOND, low / 2), high + _HALF_NANOSECOND])
    edges = np.geomspace(low, high, _count(np.log(array), bins) + 1)
    edges[0], edges[-1] = low, high
    return edges


def _count(logs: NDArray[np.float64], bins: int) -> int:
    quartile_1, quartile_3 = np.quantile(logs, [0.25, 0.75])
    width = 2.0 * (quartile_3 - quartile_1) / np.cbrt(logs.size)
    span = float(logs.max() - logs.min())
    if width <= span / bins:
        return bins
    return max(1, int(np.ceil(span / width)))
