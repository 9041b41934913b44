"""What a budget's limit asks of trials: whether a figure keeps it, at which error rates. A plan calls it a question.

A limit is text first (``harness.gates.limits``), then a question here (``harness.gates.limit_tests``), which is
answered from trials (``harness.stats.limit_test``).
"""

from math import ceil, log, log2
from typing import Final, Literal

from harness.records.base import Record
from harness.records.metrics import Better

JUDGING_RULE: Final = 3
"""Which rule judges limits by trials. 1 left out unsteady blocks and spent its errors evenly, 2 had no sign test; their
runs keep their verdicts, as figures that were measured for one rule say little of the errors of another."""
FIRST_LOOK: Final = 6
"""Blocks before which no limit is judged while measuring: with fewer, Student's t asks for more than effects show."""

CHANGE_ALPHA: Final = 0.05
"""The chance, at most, that a run in which no metric changed against its baseline shows any of them as changed."""

SLOW_MINORITY: Final = 0.1
"""The share of processes a slowdown in which is still looked for: what fewer of them do is outside the promise."""
LARGEST_FACTOR: Final = 2.0
"""How much slower or faster than the others the processes of such a minority are reckoned to be at most."""


def fewest_to_fail(alpha: float) -> int:
    """Blocks from which on a limit of this alpha may be failed by its interval alone, at least FIRST_LOOK.

    Were the limit kept exactly, so many blocks would all lie beyond it with a chance of alpha whatever their
    distribution is, as long as its middle is its mean: no verdict rests on the tails of a normal distribution alone.
    """
    return max(FIRST_LOOK, ceil(log2(1.0 / alpha)))


def fewest_to_pass(miss: float, processes: int) -> int:
    """Blocks of so many processes an arm from which on a limit may be passed by its interval alone.

    With them a slowdown in SLOW_MINORITY of the processes has shown itself at least once with the chance 1 - miss.
    """
    return max(FIRST_LOOK, ceil(ceil(log(miss) / log(1.0 - SLOW_MINORITY)) / processes))


PERCENTILE_ERROR: Final = 0.01
"""The chance that a percentile's bound lies below the percentile, over all looks at it."""
UNSEEN_PART: Final = 0.9
"""Of that error, for what the draws may not have shown; the rest for the scatter of what they did."""
_LOOKS: Final = (64, 96)


def bounded_by_parents(percentile: float) -> bool:
    """Whether parents are the draws that a percentile's bound rests on; else processes, as so many parents never run.

    A parent's layout of addresses is shared by its processes. Parents rarer than SLOW_MINORITY are outside the promise.
    """
    return percentile <= 1.0 - SLOW_MINORITY


def bound_looks(percentile: float) -> tuple[int, ...]:
    """Blocks after which one looks whether a percentile's bound keeps a limit, beside once when measuring ends."""
    return _LOOKS if bounded_by_parents(percentile) else ()


def bound_error(percentile: float) -> float:
    """The chance of an error at one of those looks, so that all of them keep PERCENTILE_ERROR (Bonferroni)."""
    return PERCENTILE_ERROR / (1 + len(bound_looks(percentile)))


def fewest_draws(percentile: float) -> int:
    """Draws of which one at least lies beyond the percentile, but for the unseen part of an error: p90 56, p99 469."""
    return ceil(log(UNSEEN_PART * bound_error(percentile)) / log(percentile))


class LimitTest(Record):
    """One limit on one sampled metric, fixed before the board is touched.

    ``limit`` is in the metric's SI base unit; with ``relative`` it is the share by which the candidate may be worse
    than the baseline (0.02 for 2 %). ``alpha`` bounds the chance that a metric at its limit fails, ``miss`` that it
    passes, over all the looks that ``most_blocks`` allow; with None there is one look, at all there is.
    """

    metric: str
    better: Better
    limit: float
    relative: bool
    alpha: float
    miss: float
    most_blocks: int | None


class RunSpread(Record):
    """By how much runs of one artifact differ by themselves: the standard deviation of a run's logarithm.

    ``degrees`` of freedom it is known by: earlier runs less one for each artifact they are of.
    """

    sd: float
    degrees: int


class LimitTestResult(Record):
    """What the trials say to a question, after so many ``blocks`` that count.

    ``value`` with ``low`` and ``high`` is the metric itself, or with a relative question the share by which the
    candidate is worse (negative: better); the end towards FAIL holds at the question's alpha, the other at its miss
    rate, however often one looked. None: no answer was possible yet. ``exact``: the figure never varied, and was
    compared as it is. ``needed`` is about how many blocks an open question would have taken. ``detectable`` is the
    value that would have failed with the chance 1 - miss, had measuring gone on as long as it could. ``carry_over`` is
    the share by which trials that follow the candidate's are slower, where it is beyond chance: an end of the interval
    allows for it.
    """

    verdict: Literal["fail", "pass", "open"]
    blocks: int
    value: float | None
    low: float | None
    high: float | None
    exact: bool = False
    needed: int | None = None
    trials: bool = False
    """Whether ``blocks`` and ``needed`` are of single trials: where there is one look at all of them."""
    windows: bool = False
    """Whether they are of a power sensor's windows, one of each arm, beside the trials."""
    detectable: float | None = None
    carry_over: float | None = None
