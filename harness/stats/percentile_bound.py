"""An upper bound for a percentile of what a model takes, over all the processes that might have run it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.stats.quantiles import independent_samples

Array = NDArray[np.float64]

LOOK_AFTER: Final = (6, 12, 24, 48, 96)
"""Blocks after which one looks whether the bound keeps a limit; once more when measuring ends."""
CONFIDENCE: Final = 1.0 - 0.01 / (len(LOOK_AFTER) + 1)
"""Of the bound at one look, so that over all of them it holds with 99 % (Bonferroni)."""
_UNDERRATED: Final = 0.01
"""The chance that the spread between trials is larger than reckoned with."""


@dataclass(frozen=True)
class PercentileBound:
    """``value`` in the samples' unit, None where too few independent samples stand behind it; and their number."""

    value: float | None
    independent: int


def percentile_bound(trials: Sequence[Array], q: float, confidence: float = CONFIDENCE) -> PercentileBound:
    """An upper confidence bound for the q-quantile of the mixture over processes, one array of samples a process.

    The order statistic whose binomial tail keeps the confidence (David and Nagaraja, "Order Statistics", section
    7.1), at as many independent samples as the trials are worth: as many as their neighbours' resemblance leaves,
    and no more than the spread of the trials' own shares below the quantile allows (the design effect of cluster
    samples: Kish, "Survey Sampling", 1965, section 5.4). That spread is estimated from few trials: the upper end of
    its chi-squared interval is taken. Raises ValueError for no trials.
    """
    if not trials:
        raise ValueError("a bound needs at least one trial")
    pooled = np.sort(np.concatenate(trials))
    at = float(np.quantile(pooled, q))
    below = [(trial <= at).astype(np.float64) for trial in trials]
    worth = min(_by_neighbours(below), _by_trials(below, q), float(pooled.size))
    independent = floor(worth)
    rank = _rank(independent, q, confidence)
    if rank is None:
        return PercentileBound(None, independent)
    place = min(pooled.size - 1, int(np.ceil(rank / independent * pooled.size)) - 1)
    return PercentileBound(float(pooled[place]), independent)


def _by_neighbours(below: Sequence[Array]) -> float:
    return float(sum(independent_samples(one) for one in below))


def _by_trials(below: Sequence[Array], q: float) -> float:
    """Independent samples that would spread as the trials' shares below the quantile do; none for one trial."""
    from scipy.special import chdtri

    shares = np.array([one.mean() for one in below])
    if shares.size == 1:
        return 0.0
    degrees = shares.size - 1
    most = float(shares.var(ddof=1)) * degrees / float(chdtri(degrees, 1.0 - _UNDERRATED))
    return float("inf") if most == 0.0 else q * (1.0 - q) * shares.size / most


def _rank(n: int, q: float, confidence: float) -> int | None:
    """The smallest rank whose order statistic lies above the quantile with the confidence; None for too few."""
    from scipy.special import bdtr

    if n < 2:
        return None
    ranks = np.arange(1, n)
    enough = np.flatnonzero(bdtr(ranks - 1.0, n, q) >= confidence)
    return int(ranks[enough[0]]) if enough.size else None
