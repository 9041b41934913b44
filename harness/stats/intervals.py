"""Confidence intervals over trials, each trial one number from a process of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, exp, sqrt

import numpy as np
from numpy.typing import NDArray

from harness.stats.quantiles import finite_array


@dataclass(frozen=True)
class Interval:
    """Both ends in the values' unit; ``confidence`` is the level that was asked for (0..1)."""

    low: float
    high: float
    confidence: float


def median_interval(values: Sequence[float] | NDArray[np.float64], confidence: float = 0.95) -> Interval | None:
    """An interval for the median of what the values were drawn from; None for a single value.

    Distribution-free by order statistics where n allows the confidence (n >= 6 at 0.95, 8 at 0.99):
    the narrowest symmetric pair of ranks whose binomial coverage reaches it (David and Nagaraja,
    "Order Statistics", section 7.1). Below, a t interval on the logarithms, which is one for the
    median of log-normal values; on the values themselves if some are not positive.
    """
    array = np.sort(finite_array(values))
    if array.size == 1:
        return None
    if array[0] == array[-1]:
        # Without this, logarithms would give ends that differ in the last digit.
        return Interval(float(array[0]), float(array[0]), confidence)
    rank = median_rank(array.size, confidence)
    if rank is not None:
        return Interval(float(array[rank - 1]), float(array[array.size - rank]), confidence)
    return _few_values_interval(array, confidence)


@cache
def median_rank(n: int, confidence: float) -> int | None:
    """The rank r, from 1, for which values r and n + 1 - r enclose the median; None if n is too small."""
    _check_confidence(confidence)
    tail, found = 0, None
    for rank in range(1, n // 2 + 1):
        tail += comb(n, rank - 1)
        if 1.0 - 2.0 * (tail / 2**n) < confidence:
            break
        found = rank
    return found


def mean_interval(values: Sequence[float] | NDArray[np.float64], confidence: float = 0.95) -> Interval | None:
    """Student's t interval for the mean, in the values' unit; None for a single value."""
    array = finite_array(values)
    return _t_interval(array, confidence) if array.size > 1 else None


def t_quantile(confidence: float, degrees: float) -> float:
    """The two-sided quantile of Student's t distribution for a confidence and degrees of freedom."""
    # scipy.special loads in a fraction of the time of scipy.stats.
    from scipy.special import stdtrit

    _check_confidence(confidence)
    return float(stdtrit(degrees, 0.5 + confidence / 2.0))


def _few_values_interval(array: NDArray[np.float64], confidence: float) -> Interval:
    """Of two values or more."""
    if (array <= 0.0).any():
        return _around_median(array, _t_interval(array, confidence))
    logs = _t_interval(np.log(array), confidence)
    return _around_median(array, Interval(exp(logs.low), exp(logs.high), confidence))


def _t_interval(array: NDArray[np.float64], confidence: float) -> Interval:
    half = t_quantile(confidence, int(array.size) - 1) * float(array.std(ddof=1)) / sqrt(array.size)
    mean = float(array.mean())
    return Interval(mean - half, mean + half, confidence)


def _around_median(array: NDArray[np.float64], interval: Interval) -> Interval:
    # A mean can lie away from the median that is reported; the interval always encloses that one.
    median = float(np.median(array))
    return Interval(min(interval.low, median), max(interval.high, median), interval.confidence)


def _check_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
