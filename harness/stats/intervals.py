"""Confidence intervals over trials, each trial one number from a process of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from harness.stats.quantiles import finite_array


@dataclass(frozen=True)
class Interval:
    """Both ends in the values' unit; ``confidence`` is the level that was asked for (0..1)."""

    low: float
    high: float
    confidence: float


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


def _t_interval(array: NDArray[np.float64], confidence: float) -> Interval:
    half = t_quantile(confidence, int(array.size) - 1) * float(array.std(ddof=1)) / sqrt(array.size)
    mean = float(array.mean())
    return Interval(mean - half, mean + half, confidence)


def _check_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
