"""Whether a ratio lies beyond its limit, within it, or cannot be told yet: one rule, for one metric or for many.

A block is ABBA or BAAB: two trials of each arm, interleaved, so that a linear drift cancels. Its effect is the mean
logarithm of the candidate's trials less that of the baseline's, so that the mean effect is a ratio of geometric means
over processes. Every block counts: nothing is left out for its value. After every block Student's t of the effects
against the limit's logarithm is held against boundaries that pay for the peeking (``harness.stats.spending``). A FAIL
also takes a sign test: most blocks lie beyond the limit themselves, unless a slow minority pulls the mean up. So the
false-alarm rate is that of a metric of which both the mean and the median over blocks keep the limit; the miss rate
is that of the mean.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.stats.carry_over import TrialCarryOver
from harness.stats.spending import Boundaries

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

FAIL: Final = 1
PASS: Final = -1
OPEN: Final = 0
_MOST_ALIKE: Final = 0.95
"""The largest correlation of neighbours that is reckoned with."""
_CHANCE_FOR_PASS: Final = 0.25
_CHANCE_FOR_FAIL: Final = 1.0
"""Standard errors of a skewness that are put down to chance. A pass is held to more of it: a slow minority that was
seen too rarely makes the mean look smaller than it is, and the boundary towards a pass is the nearer one."""
_FEWEST_A_TURN: Final = 2
"""Blocks of either orientation from which on the effect of the order is told from that of the arms."""


@dataclass(frozen=True)
class Blocks:
    """What blocks say of metrics, on the logarithmic scale.

    ``effects`` (metrics, blocks): the candidate's mean less the baseline's. ``turns`` (blocks,): 1 where the candidate
    had the outer places, -1 where it had the inner ones, 0 where one arm was measured alone. ``carry_over`` is None
    where blocks do not show it.
    """

    effects: Array
    turns: Array
    carry_over: TrialCarryOver | None = None

    def times(self, sign: float) -> "Blocks":
        """The same blocks where larger effects are worse with the sign 1, smaller ones with -1."""
        shown = None if self.carry_over is None else replace(self.carry_over, shown=self.carry_over.shown * sign)
        return Blocks(self.effects * sign, self.turns, shown)


@dataclass(frozen=True)
class Decision:
    """Arrays over metrics: FAIL, PASS or OPEN, and after how many blocks.

    ``mean`` is the mean effect, ``error`` its standard error. ``low`` and ``high`` bound it on the logarithmic scale,
    the lower at the false-alarm rate and the upper at the miss rate, whenever one looks; infinite before a first look.
    """

    verdicts: Counts
    blocks: Counts
    mean: Array
    error: Array
    low: Array
    high: Array


def paired(logs: Array, candidate_outside: Flags, candidate_before: Array | None = None) -> Blocks:
    """Blocks from the logarithms of four trials each, (metrics, blocks, 4), in the order they were measured.

    ``candidate_outside`` (blocks,) tells where the candidate had the first and last place, the baseline the middle;
    ``candidate_before`` what came before a block, as ``TrialCarryOver.of`` wants it, where blocks do not follow each
    other.
    Raises ValueError for numbers that are not finite.
    """
    if not np.isfinite(logs).all():
        raise ValueError("a logarithm of a trial is not finite: figures of trials must be positive numbers")
    outer, inner = logs[..., 0] + logs[..., 3], logs[..., 1] + logs[..., 2]
    turns = np.where(candidate_outside, 1.0, -1.0)
    if candidate_before is None:
        candidate_before = np.concatenate([[np.nan], candidate_outside[:-1]])[: len(turns)]
    carry_over = TrialCarryOver.of(logs, candidate_outside, candidate_before)
    return Blocks((outer - inner) * turns / 2.0, turns, carry_over)


def decide(
    blocks: Blocks, log_limits: Array, bounds: Boundaries, *, serial: bool = False, floor: Array | float = 0.0
) -> Decision:
    """The first decision that the blocks allow, metric by metric, or OPEN after all of them.

    ``log_limits`` (metrics,) is the logarithm of the ratio that may just not be exceeded. A look uses the blocks up to
    it only, so more blocks never change a decision that was reached. ``serial``: what the blocks share with their
    neighbours has not dropped out, and widens the error. ``floor`` (metrics,) or one number: what the instrument's
    steps may shift a mean by, however many blocks there are; it is added in quadrature.
    """
    metrics, there = blocks.effects.shape
    last = min(there, bounds.last)
    if last < bounds.first:
        nothing = np.full(metrics, np.nan)
        return Decision(
            verdicts=np.full(metrics, OPEN, dtype=np.int64), blocks=np.full(metrics, last, dtype=np.int64),
            mean=nothing, error=nothing, low=np.full(metrics, -np.inf), high=np.full(metrics, np.inf),
        )  # fmt: skip
    looks = _Looks.at(blocks, bounds.first, last, serial=serial, floor=np.broadcast_to(floor, metrics))
    count = last - bounds.first + 1
    low = looks.end(-bounds.fail[:count], _CHANCE_FOR_FAIL)
    high = looks.end(bounds.passes[:count], _CHANCE_FOR_PASS)
    if blocks.carry_over is not None:
        low, high = blocks.carry_over.allow(low, high, mean=looks.mean, error=looks.error, first=bounds.first)
    limits = log_limits[:, np.newaxis]
    enough = np.cumsum(blocks.effects[:, :last] > limits, axis=1)[:, bounds.first - 1 :] >= bounds.beyond[:count]
    fails, passes = low - bounds.fail_margins[:count] > limits, high + bounds.pass_margins[:count] <= limits
    # Skewed upwards, the mean lies above the median because a minority is slow, and a slow minority is to be found.
    fails &= enough | (looks.skewness > 0.0)
    decided = fails | passes
    at = np.where(decided.any(axis=1), decided.argmax(axis=1), count - 1)
    rows = np.arange(metrics)
    return Decision(
        verdicts=np.where(fails[rows, at], FAIL, np.where(passes[rows, at], PASS, OPEN)),
        blocks=bounds.first + at,
        mean=looks.mean[rows, at],
        error=looks.error[rows, at],
        low=low[rows, at],
        high=high[rows, at],
    )


def serial_inflation(effects: Array) -> Array:
    """By what the standard error of a mean grows where neighbours resemble each other, (metrics, blocks).

    The last axis is over how many of the first blocks there are. sqrt((1 + r) / (1 - r)) for a first-order
    autoregression with the lag-one correlation r (Bartlett, "Some aspects of the time-correlation problem", J. R. Stat.
    Soc. 98, 1935); r is corrected for its bias of -(1 + 4 r) / n in short series (Kendall, "Note on bias in the
    estimation of autocorrelation", Biometrika 41, 1954) and never taken for negative.
    """
    n = np.arange(1, effects.shape[1] + 1, dtype=np.float64)
    sums = np.cumsum(effects, axis=1)
    mean = sums / n
    spread = np.cumsum(effects * effects, axis=1) - n * mean**2
    neighbours = np.zeros_like(effects)
    neighbours[:, 1:] = np.cumsum(effects[:, 1:] * effects[:, :-1], axis=1)
    product = neighbours - mean * (2.0 * sums - effects[:, :1] - effects) + (n - 1.0) * mean**2
    raw = np.divide(product, spread, out=np.zeros_like(spread), where=spread > 0.0)
    likely = np.clip(raw + (1.0 + 4.0 * raw) / n, 0.0, _MOST_ALIKE)
    inflation: Array = np.sqrt((1.0 + likely) / (1.0 - likely))
    return inflation


def order_fitted(turns: Array) -> Flags:
    """Whether the order's effect is taken out when there are so many of the first blocks, (blocks,)."""
    outer, inner = np.cumsum(turns > 0.0), np.cumsum(turns < 0.0)
    fitted: Flags = np.minimum(outer, inner) >= _FEWEST_A_TURN
    return fitted


@dataclass(frozen=True)
class _Looks:
    """(metrics, looks): the mean effect so far, its standard error, and the effects' skewness.

    ``blocks`` (looks,) is how many there are. Where both orientations were measured, mean and error are those of a
    regression on the orientation, so that what the first place of a block costs is no scatter.
    """

    blocks: Array
    mean: Array
    error: Array
    skewness: Array

    @classmethod
    def at(cls, blocks: Blocks, first: int, last: int, *, serial: bool, floor: Array) -> "_Looks":
        # About the first effect, so that sums of powers lose no digits where effects are large and alike.
        origin = blocks.effects[:, :1]
        x, turns = blocks.effects[:, :last] - origin, blocks.turns[:last]
        span = slice(first - 1, last)
        n = np.arange(first, last + 1, dtype=np.float64)
        fitted = order_fitted(turns)[span]
        sums = [np.cumsum(x**power, axis=1)[:, span] for power in (1, 2, 3)]
        turned = [np.cumsum(turns * x**power, axis=1)[:, span] for power in (0, 1, 2)]
        mean, order = _line(n, turned[0], sums[0], turned[1], fitted)
        degrees = n - 1.0 - fitted
        variance = np.maximum(sums[1] - mean * sums[0] - order * turned[1], 0.0) / np.maximum(degrees, 1.0)
        third = _third_moment(n, mean, order, sums, turned)
        skewness = np.divide(third, variance**1.5, out=np.zeros_like(third), where=variance > 0.0)
        balance = np.where(fitted, 1.0 - (turned[0] / n) ** 2, 1.0)
        squared = variance / (n * balance)
        if serial:
            squared *= serial_inflation(x)[:, span] ** 2
        return cls(n, mean + origin, np.sqrt(squared + floor[:, np.newaxis] ** 2), skewness)

    def end(self, quantiles: Array, by_chance: float) -> Array:
        """An end of an interval, (metrics, looks): the upper one for positive ``quantiles``, the lower for negative.

        By Hall's transformation of Student's t ("On the removal of skewness by transformation", J. R. Stat. Soc. B 54,
        1992), where the skewness is beyond so many of its standard errors, sqrt(6 / n), and widens the interval.
        """
        root = np.sqrt(self.blocks)
        side = np.sign(quantiles)
        with np.errstate(invalid="ignore"):
            skew = side * np.maximum(side * self.skewness - by_chance * np.sqrt(6.0) / root, 0.0)
            inside = 1.0 - skew * (quantiles / root + skew / (6.0 * self.blocks))
            hall = np.divide(3.0 * (1.0 - np.cbrt(inside)) * root, skew, out=np.zeros_like(skew), where=skew != 0.0)
            widened = np.where(skew == 0.0, quantiles, side * np.maximum(side * hall, side * quantiles))
            end: Array = self.mean + widened * self.error
        return end


def _line(n: Array, turned: Array, sums: Array, products: Array, fitted: Flags) -> tuple[Array, Array]:
    """Mean effect and effect of the orientation by least squares; the plain mean and 0 where it is not fitted."""
    determinant = np.where(fitted, n * n - turned * turned, 1.0)
    order = np.where(fitted, (n * products - turned * sums) / determinant, 0.0)
    return (sums - order * turned) / n, order


def _third_moment(n: Array, mean: Array, order: Array, sums: list[Array], turned: list[Array]) -> Array:
    """The mean cube of what the line leaves, from sums of powers; the orientation's square is 1 where it is fitted."""
    expanded = (
        sums[2]
        - 3.0 * (mean * sums[1] + order * turned[2])
        + 3.0 * ((mean**2 + order**2) * sums[0] + 2.0 * mean * order * turned[1])
        - n * (mean**3 + 3.0 * mean * order**2)
        - turned[0] * (3.0 * mean**2 * order + order**3)
    )
    third: Array = expanded / n
    return third
