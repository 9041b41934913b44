"""An upper bound for a percentile of what a model takes, over all the processes that might have run it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.records.limit_test import UNSEEN_PART, bound_error, bounded_by_parents
from harness.stats.sequential import serial_inflation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PercentileBound:
    """``value`` in the samples' unit, None where too little stands behind it; ``draws`` is how much.

    They are parents, or processes where the percentile is one that so few parents could never tell.
    """

    value: float | None
    draws: int


@dataclass(frozen=True)
class _Reads:
    """All reads of a run: their values, and the weight of each in the mean of its parent's processes."""

    values: Array
    parents: NDArray[np.int64]
    weights: Array

    @classmethod
    def of(cls, parents: Sequence[Sequence[Array]]) -> "_Reads":
        trials = [(at, trial, len(parent)) for at, parent in enumerate(parents) for trial in parent]
        sizes = [trial.size for _, trial, _ in trials]
        return cls(
            values=np.concatenate([trial for _, trial, _ in trials]),
            parents=np.repeat([at for at, _, _ in trials], sizes),
            weights=np.repeat([1.0 / (trial.size * beside) for _, trial, beside in trials], sizes),
        )

    def shares_above(self, value: float) -> Array:
        """Of each parent the share of its reads that lies above a value, every process with the same weight."""
        above = np.bincount(self.parents, weights=self.weights * (self.values > value), minlength=self.parents[-1] + 1)
        return np.asarray(above, dtype=np.float64)


def percentile_bound(parents: Sequence[Sequence[Array]], q: float, confidence: float | None = None) -> PercentileBound:
    """An upper confidence bound for the q-quantile of the mixture over processes.

    ``parents`` in the order in which they ran, each with an array of samples for each of its processes; ``confidence``
    is at one look, None: so that over all looks it holds with 99 % (Bonferroni).

    The smallest sample above which at most 1 - q of all reads can lie: those that draws may have that were not seen,
    as a share p escapes n of them with the chance (1 - p)^n (success-run sampling), and those that were seen, by the
    upper end of Student's t over the parents' shares, which processes of one parent share, wider where neighbours
    resemble each other. No reads are taken for independent. Raises ValueError for no parents, or one without reads.
    """
    if not parents or not all(parent and all(trial.size for trial in parent) for parent in parents):
        raise ValueError("a bound needs at least one parent, and reads of each")
    error = bound_error(q) if confidence is None else 1.0 - confidence
    draws = len(parents) if bounded_by_parents(q) else sum(map(len, parents))
    unseen = 1.0 - (UNSEEN_PART * error) ** (1.0 / draws)
    if unseen > 1.0 - q or len(parents) < 2:
        return PercentileBound(None, draws)
    reads, allowed = _Reads.of(parents), (1.0 - q - unseen) / (1.0 - unseen)
    ordered = np.sort(reads.values)
    low, high = int(q * ordered.size), ordered.size - 1
    while low < high:
        middle = (low + high) // 2
        if _most_above(reads.shares_above(float(ordered[middle])), (1.0 - UNSEEN_PART) * error) <= allowed:
            high = middle
        else:
            low = middle + 1
    return PercentileBound(float(ordered[high]), draws)


def _most_above(shares: Array, error: float) -> float:
    """The upper end of Student's interval for the mean share, at one minus the error."""
    from scipy.special import stdtrit

    wider = float(serial_inflation(shares[np.newaxis, :])[0, -1])
    reach = float(-stdtrit(shares.size - 1, error)) * float(shares.std(ddof=1)) / shares.size**0.5
    return float(shares.mean() + reach * wider)
