"""Counts of inferences per latency bin, for files and charts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.quantiles import finite_array

MAX_BINS = 256
"""The most a results file takes."""
BINS = 128
_TAIL_SHARE = 0.005
"""Of the slowest reads, which would else take most of the bins: they have TAIL_BINS of them."""
_TAIL_BINS = 16
_HALF_NANOSECOND = 0.5e-9
_DECIMALS = 13
"""Edges are told to a tenth of a picosecond, which keeps files small."""


def histogram(
    samples_s: Sequence[float] | NDArray[np.float64], bins: int = BINS, batch: int = 1
) -> tuple[list[float], list[int]]:
    """Edges in seconds (one more than counts) and counts of inferences, in at most ``bins`` bins.

    ``samples_s`` are positive seconds for one inference, each the mean of ``batch`` inferences, and counts
    for so many. Bins are equally wide in the logarithm; their width is Freedman and Diaconis' (1981).
    Where that takes more than ``bins``, the slowest 0.5 % have wider ones of their own, so that late outliers do
    not squeeze the rest into a few.
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
    wanted = _wanted(np.log(array))
    tail = float(np.quantile(array, 1.0 - _TAIL_SHARE))
    if wanted <= bins or bins <= 2 * _TAIL_BINS or not low < tail < high:
        return _short(_spaced(low, high, min(wanted, bins)))
    bulk = _spaced(low, tail, bins - _TAIL_BINS)
    return _short(np.concatenate([bulk, _spaced(tail, high, _TAIL_BINS)[1:]]))


def _wanted(logs: NDArray[np.float64]) -> int:
    """Bins of Freedman and Diaconis' width over the whole span, or more than MAX_BINS."""
    quartile_1, quartile_3 = np.quantile(logs, [0.25, 0.75])
    width = 2.0 * (quartile_3 - quartile_1) / np.cbrt(logs.size)
    span = float(logs.max() - logs.min())
    if width <= span / MAX_BINS:
        return MAX_BINS + 1
    return max(1, int(np.ceil(span / width)))


def _spaced(low: float, high: float, bins: int) -> NDArray[np.float64]:
    edges = np.geomspace(low, high, bins + 1)
    edges[0], edges[-1] = low, high
    return edges


def _short(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The edges with fewer digits inside, where that keeps them rising and their ends where they are."""
    short = np.round(edges, _DECIMALS)
    short[0], short[-1] = edges[0], edges[-1]
    # Spans of a few floating-point steps give edges that stand still.
    return short if (np.diff(short) > 0.0).all() else np.unique(edges)
