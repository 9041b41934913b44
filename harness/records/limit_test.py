"""What a budget asks of trials: whether a figure keeps its limit, at which error rates."""

from typing import Final, Literal

from harness.records.base import Record
from harness.records.metrics import Better

FIRST_LOOK: Final = 6
"""Blocks before which no limit is judged: with fewer, Student's t asks for more than any effect shows."""


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


class LimitTestResult(Record):
    """What the trials say to a question, after ``blocks`` of which ``counted`` were steady.

    ``value`` with ``low`` and ``high`` is the metric itself, or with a relative question the share by which the
    candidate is worse (negative: better); the end towards FAIL holds at the question's alpha, the other at its miss
    rate, however often one looked. None: no answer was possible yet. ``exact``: the figure never varied, and was
    compared as it is. ``needed`` is about how many blocks an open question would have taken. ``detectable`` is the
    value that would have failed with the chance 1 - miss, had measuring gone on as long as it could.
    """

    verdict: Literal["fail", "pass", "open"]
    blocks: int
    counted: int
    value: float | None
    low: float | None
    high: float | None
    exact: bool = False
    needed: int | None = None
    trials: bool = False
    """Whether ``blocks``, ``counted`` and ``needed`` are of single trials: where there is one look at all of them."""
    detectable: float | None = None
