"""Whether a ratio lies beyond its limit, within it, or cannot be told yet: one rule, for one metric or for many.

A block is ABBA or BAAB: two trials of each arm, interleaved, so that a linear drift cancels. Its effect is the mean
logarithm of the candidate's trials less that of the baseline's; after every block Student's t of the effects against
the limit's logarithm is held against boundaries that pay for the peeking (``harness.stats.spending``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.stats.spending import Boundaries

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

FAIL: Final = 1
PASS: Final = -1
OPEN: Final = 0
_UNSTEADY: Final = 5.0
"""Standard deviations of a difference between two trials of one arm beyond which a block does not count."""
_MAD_OF_NORMAL: Final = 0.6744897501960817
"""The median absolute value of a standard normal variable."""
_MOST_ALIKE: Final = 0.95
"""The largest correlation of neighbours that is reckoned with."""
_SCALE_GROWTH: Final = 1.4
"""The usual difference between two trials is worked out anew whenever there are so many times more blocks."""


@dataclass(frozen=True)
class Blocks:
    """What blocks say of metrics, on the logarithmic scale.

    ``effects`` (metrics, blocks): the candidate's mean less the baseline's. ``unrest`` (metrics, blocks, 2): the
    absolute difference between the two trials of each arm.
    """

    effects: Array
    unrest: Array

    def of(self, metrics: Counts) -> "Blocks":
        """The blocks of some metrics."""
        return Blocks(self.effects[metrics], self.unrest[metrics])


@dataclass(frozen=True)
class Decision:
    """Arrays over metrics: FAIL, PASS or OPEN, after how many blocks, and how many of them counted.

    ``mean`` is the mean effect of the blocks that counted, ``error`` its standard error. ``low`` and ``high`` bound it
    on the logarithmic scale, the lower at the false-alarm rate and the upper at the miss rate, whenever one looks;
    infinite before a first look.
    """

    verdicts: Counts
    blocks: Counts
    counted: Counts
    mean: Array
    error: Array
    low: Array
    high: Array


def paired(logs: Array, candidate_outside: Flags) -> Blocks:
    """Blocks from the logarithms of four trials each, (metrics, blocks, 4), in the order they were measured.

    ``candidate_outside`` (blocks,) tells where the candidate had the first and last place, the baseline the middle.
    Raises ValueError for numbers that are not finite.
    """
    if not np.isfinite(logs).all():
        raise ValueError("a logarithm of a trial is not finite: figures of trials must be positive numbers")
    outer, inner = logs[..., 0] + logs[..., 3], logs[..., 1] + logs[..., 2]
    signs = np.where(candidate_outside, 0.5, -0.5)
    unrest = np.stack([np.abs(logs[..., 0] - logs[..., 3]), np.abs(logs[..., 1] - logs[..., 2])], axis=-1)
    return Blocks(effects=(outer - inner) * signs, unrest=unrest)


def decide(blocks: Blocks, log_limits: Array, bounds: Boundaries, *, serial: bool = False) -> Decision:
    """The decision on each metric, taken at the first look that allows one; what comes later does not enter.

    ``log_limits`` (metrics,) are logarithms of the largest ratios that keep the limit. A block counts where neither
    arm changed its speed between its two trials: a clock that steps amid a block moves one trial of an arm and not the
    other, and the block's effect with it. Of normal trials the difference of two is independent of their sum, so that
    leaving blocks out by it leaves the effect unbiased; the usual difference comes from a median over earlier blocks.
    ``serial`` widens the error where one block's effect resembles the next one's, as where nothing was interleaved.
    """
    metrics, there = blocks.effects.shape
    found = Decision(
        verdicts=np.full(metrics, OPEN, dtype=np.int64),
        blocks=np.full(metrics, min(there, bounds.last), dtype=np.int64),
        counted=np.zeros(metrics, dtype=np.int64),
        mean=np.full(metrics, np.nan),
        error=np.full(metrics, np.nan),
        low=np.full(metrics, -np.inf),
        high=np.full(metrics, np.inf),
    )
    for first, last in _spans(min(there, bounds.last), bounds.first):
        waiting = np.flatnonzero(found.verdicts == OPEN)
        if waiting.size:
            looks = _Looks.at(blocks.of(waiting), first, last, serial=serial)
            _take(found, waiting, looks, log_limits[waiting], bounds)
    return found


def serial_inflation(effects: Array) -> Array:
    """By what the standard error of a mean of (metrics, blocks) grows where neighbours resemble each other.

    sqrt((1 + r) / (1 - r)) for a first-order autoregression with the lag-one correlation r (Bartlett, "Some aspects
    of the time-correlation problem", J. R. Stat. Soc. 98, 1935); r is corrected for its bias of -(1 + 4 r) / n in
    short series (Kendall, "Note on bias in the estimation of autocorrelation", Biometrika 41, 1954) and never
    taken for negative.
    """
    blocks = effects.shape[1]
    centred = effects - effects.mean(axis=1, keepdims=True)
    spread = np.sum(centred * centred, axis=1)
    product = np.sum(centred[:, 1:] * centred[:, :-1], axis=1)
    raw = np.divide(product, spread, out=np.zeros_like(spread), where=spread > 0.0)
    likely = np.clip(raw + (1.0 + 4.0 * raw) / blocks, 0.0, _MOST_ALIKE)
    inflation: Array = np.sqrt((1.0 + likely) / (1.0 - likely))
    return inflation


def _spans(there: int, first: int) -> Iterator[tuple[int, int]]:
    """First and last look of each span in which the usual difference stays the same."""
    while first <= there:
        following = max(first + 1, int(first * _SCALE_GROWTH))
        yield first, min(following - 1, there)
        first = following


@dataclass(frozen=True)
class _Looks:
    """Of a span, (metrics, looks): blocks that count so far, their mean effect and its standard error."""

    first: int
    counted: Counts
    mean: Array
    error: Array

    @classmethod
    def at(cls, blocks: Blocks, first: int, last: int, *, serial: bool) -> "_Looks":
        usual = np.median(blocks.unrest[:, :first].reshape(len(blocks.effects), -1), axis=1) / _MAD_OF_NORMAL
        keep = blocks.unrest[:, :last].max(axis=2) <= _UNSTEADY * usual[:, np.newaxis]
        kept = np.where(keep, blocks.effects[:, :last], 0.0)
        span = slice(first - 1, last)
        counted = np.cumsum(keep, axis=1)[:, span]
        sums, squares = np.cumsum(kept, axis=1)[:, span], np.cumsum(kept * kept, axis=1)[:, span]
        mean = sums / np.maximum(counted, 1)
        variance = np.maximum(squares - sums * mean, 0.0) / np.maximum(counted - 1, 1)
        error = np.sqrt(variance / np.maximum(counted, 1))
        if serial:
            error *= serial_inflation(blocks.effects[:, :first])[:, np.newaxis]
        return cls(first, counted, mean, error)


def _take(found: Decision, waiting: Counts, looks: _Looks, log_limits: Array, bounds: Boundaries) -> None:
    """Write the first decision of each waiting metric in a span, or how it stands at the span's end."""
    enough = looks.counted >= bounds.fewest
    place = np.clip(looks.counted - bounds.fewest, 0, len(bounds.fail) - 1)
    low = np.where(enough, looks.mean - bounds.fail[place] * looks.error, -np.inf)
    high = np.where(enough, looks.mean + bounds.passes[place] * looks.error, np.inf)
    fails, passes = low > log_limits[:, np.newaxis], high <= log_limits[:, np.newaxis]
    decided = fails | passes
    at = np.where(decided.any(axis=1), decided.argmax(axis=1), decided.shape[1] - 1)
    rows = np.arange(len(waiting))
    found.verdicts[waiting] = np.where(fails[rows, at], FAIL, np.where(passes[rows, at], PASS, OPEN))
    found.blocks[waiting] = looks.first + at
    for name, values in _columns(looks, low, high):
        getattr(found, name)[waiting] = values[rows, at]


def _columns(looks: _Looks, low: Array, high: Array) -> tuple[tuple[str, Array | Counts], ...]:
    return (("counted", looks.counted), ("mean", looks.mean), ("error", looks.error), ("low", low), ("high", high))
