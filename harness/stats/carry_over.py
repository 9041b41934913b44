"""What a trial takes over from the one before it, and by how much that shifts a ratio of arms that take turns.

A model that heats the board slows whatever follows it. In ABBA and BAAB the inner trials follow one of either arm, so
that the difference between the two, of one arm and side by side, shows it, and a linear drift drops out over both
orders. The arms follow each other more often than themselves: the ratio is shifted by a part of it.
"""

from dataclasses import dataclass
from math import expm1, inf, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

TO_PASS: Final = 1.75
TO_FAIL: Final = 2.5
"""Standard errors from which on a carry-over that works against a verdict is allowed for. The lower one costs 2 % more
blocks where there is none; what lies below it goes unseen. The boundary towards FAIL is far, and costs more."""
_MATTERS: Final = 0.001
_UNKNOWN: Final = 0.5
"""How much of the candidate precedes the first block of all."""


@dataclass(frozen=True)
class TrialCarryOver:
    """Of blocks of four trials, on the logarithmic scale.

    ``shown`` (metrics, blocks): how much longer the inner trial after the candidate took than the one after the
    baseline. ``load`` (blocks,): how much more of the candidate preceded the candidate's trials than the baseline's.
    """

    shown: Array
    load: Array

    @classmethod
    def of(cls, logs: Array, candidate_outside: Flags, candidate_before: Array) -> "TrialCarryOver":
        """From the logarithms of four trials each, (metrics, blocks, 4), in the order they were measured.

        ``candidate_before`` (blocks,): 1 where the candidate was measured last before the block, 0 where the baseline
        was; NaN where neither is known to have been.
        """
        before = np.where(np.isnan(candidate_before), _UNKNOWN, candidate_before) / 2.0
        shown = (logs[..., 1] - logs[..., 2]) * np.where(candidate_outside, 1.0, -1.0)
        return cls(shown, np.where(candidate_outside, before - _UNKNOWN, -before))

    def told(self, blocks: int) -> float | None:
        """Of the first metric: the share by which what follows the candidate is slower after so many blocks.

        None where it is within TO_FAIL standard errors of nothing, or too small to matter.
        """
        seen = self.shown[0, :blocks]
        error = float(seen.std(ddof=1)) / sqrt(seen.size) if seen.size > 1 else inf
        mean = float(seen.mean()) if seen.size else 0.0
        return expm1(mean) if abs(mean) > max(TO_FAIL * error, _MATTERS) else None

    def allow(self, low: Array, high: Array, *, mean: Array, error: Array, first: int) -> tuple[Array, Array]:
        """An interval (metrics, looks) that is widened where a carry-over was seen; looks begin at ``first`` blocks.

        The end towards a pass moves up where the shift hides a slowdown, the one towards a failure down where the
        shift feigns it; neither ever moves inwards, so that no error rate grows.
        """
        last = first - 1 + mean.shape[1]
        n = np.arange(1, last + 1, dtype=np.float64)
        sums, squares = (np.cumsum(self.shown[:, :last] ** power, axis=1) for power in (1, 2))
        span = slice(first - 1, last)
        load = (np.cumsum(self.load[:last]) / n)[span]
        seen = sums / n
        spread = np.maximum(squares - n * seen**2, 0.0) / np.maximum(n - 1.0, 1.0) / n
        seen, own_error = seen[:, span], np.sqrt(spread)[:, span]
        shift = load * seen
        with np.errstate(divide="ignore", invalid="ignore"):
            wider = np.where(error > 0.0, np.hypot(1.0, load * own_error / error), 1.0)
        upper, lower = mean - shift + (high - mean) * wider, mean - shift - (mean - low) * wider
        hides, feigns = -shift > TO_PASS * np.abs(load) * own_error, shift > TO_FAIL * np.abs(load) * own_error
        return (
            np.where(feigns, np.minimum(low, lower), low),
            np.where(hides, np.maximum(high, upper), high),
        )
