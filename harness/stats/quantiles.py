"""Quantiles of samples, and how many samples a percentile needs before it may be claimed."""

from collections.abc import Sequence
from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray


def finite_array(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """The values as a float64 array; ValueError for none, NaN, infinity or more than one dimension."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"expected at least one value in one dimension, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("expected finite values, got NaN or infinity")
    return array


PERCENTILE_CONFIDENCE = 0.99


def quantile(values: Sequence[float] | NDArray[np.float64], q: float) -> float:
    """The q-quantile (0..1) of at least one value, interpolated linearly, in the values' unit.

    Raises ValueError for no values, values that are not finite, or q outside 0..1.
    Definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages" (1996).
    """
    if not 0.0 <= q <= 1.0:
        raise ValueError(f"quantile {q} is outside 0..1")
    return float(np.quantile(finite_array(values), q))


@cache
def needed_samples(q: float, confidence: float = PERCENTILE_CONFIDENCE) -> int:
    """How many independent samples show the q-quantile with this confidence, one excess allowed.

    The smallest n for which the chance that at most one of n samples lies above the quantile is
    at most 1 - confidence: q^n + n (1 - q) q^(n - 1). At 0.99: p90 64, p95 130, p99 662.
    The rule is that of success-run sampling plans with one failure allowed.
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"a percentile needs a q between 0 and 1, not {q}")
    n = 2
    while q**n + n * (1.0 - q) * q ** (n - 1) > 1.0 - confidence:
        n += 1
    return n


def independent_samples(values: Sequence[float] | NDArray[np.float64]) -> int:
    """How many independent samples a series is worth whose neighbours resemble each other; from 1 to its length.

    The length over the integrated autocorrelation time, the autocorrelations added up in pairs until a pair is
    negative (the initial positive sequence of Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7,
    1992). Raises ValueError for no values.
    """
    array = finite_array(values)
    centred = array - array.mean()
    spread = float(centred @ centred)
    if array.size < 4 or spread == 0.0:
        return int(array.size)
    transformed = np.fft.rfft(centred, 2 * array.size)
    correlations = np.fft.irfft(transformed * np.conj(transformed))[: array.size] / spread
    pairs = correlations[: array.size // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0.0)
    time = 2.0 * float(pairs[: negative[0] if negative.size else pairs.size].sum()) - 1.0
    return int(min(array.size, max(1.0, array.size / max(time, 1.0))))


def smallest_trial(q: float) -> int:
    """The fewest samples of one process whose q-quantile is not merely its largest value: 1 / (1 - q)."""
    if not 0.0 < q < 1.0:
        raise ValueError(f"a percentile needs a q between 0 and 1, not {q}")
    # The rounding takes away binary noise: 1 / (1 - 0.9) is 10.000000000000002.
    return ceil(round(1.0 / (1.0 - q), 9))
