"""How sure the difference of two figures over the same samples is, whatever function gives them: a paired bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
_MOST_UNDEFINED: Final = 0.05
"""Of the resamples: where the figure is undefined on more, e.g. for want of a class, those left are no random ones."""
_CHUNK: Final = 2**22
"""Numbers that are drawn at a time."""


@dataclass(frozen=True)
class BootstrapInterval:
    """The interval of a figure; None for both ends where too many resamples had no figure.

    ``undefined`` of ``resamples`` had none, and are left out.
    """

    low: float | None
    high: float | None
    resamples: int
    undefined: int = 0


def bootstrap_mean(values: NDArray[Any], *, resamples: int, seed: int, confidence: float = 0.95) -> BootstrapInterval:
    """The interval of the mean of each sample's own value, e.g. of paired differences.

    Percentiles of the means of samples drawn with replacement: Efron and Tibshirani, "An Introduction to the
    Bootstrap", 1993, section 13.3.
    """
    rng, n = np.random.default_rng(seed), len(values)
    at_a_time = max(1, _CHUNK // n)
    means = [
        values[rng.integers(0, n, (min(at_a_time, resamples - done), n))].mean(axis=1)
        for done in range(0, resamples, at_a_time)
    ]
    return _percentiles(np.concatenate(means), resamples, confidence)


def bootstrap_figure(
    figure: Callable[[Indices], float], n: int, *, resamples: int, seed: int, confidence: float = 0.95
) -> BootstrapInterval:
    """The interval of what ``figure`` gives for ``n`` samples, called with the indices of each resample.

    For figures that are no mean over samples, such as a mean average precision: all of it is computed anew. Percentiles
    as in ``bootstrap_mean``. NaN is an undefined figure.
    """
    rng = np.random.default_rng(seed)
    drawn = np.array([figure(rng.integers(0, n, n)) for _ in range(resamples)], np.float64)
    return _percentiles(drawn, resamples, confidence)


def _percentiles(drawn: NDArray[np.float64], resamples: int, confidence: float) -> BootstrapInterval:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    known = drawn[np.isfinite(drawn)]
    undefined = resamples - len(known)
    if undefined > _MOST_UNDEFINED * resamples:
        return BootstrapInterval(None, None, resamples, undefined)
    low, high = (float(end) for end in np.quantile(known, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]))
    return BootstrapInterval(low, high, resamples, undefined)
