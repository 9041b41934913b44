"""Limits judged in one look: of arms measured at different times, and of energies that share a sensor's windows."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Final, Literal

import numpy as np

from harness.records.entry import TrialMetrics, TrialSummary
from harness.records.limit_test import FIRST_LOOK, LimitTest, LimitTestResult, RunSpread, fewest_to_fail
from harness.stats.limit_scale import compare_exactly, from_scale, no_look, to_scale
from harness.stats.observations import by_parent, observations, sensor_windows
from harness.stats.sequential import Array, serial_inflation
from harness.stats.spending import Boundaries, one_look, unseen

_DOUBLINGS: Final = 20
"""Of the candidate's blocks, after which more of them would never settle what a stored base leaves open."""


def windows_test(question: LimitTest, effects: Array, windows: Array) -> LimitTestResult:
    """The answer of trials whose energies share a sensor's mean watts, and of its windows: one look.

    The two errors are independent and add up (Welch and Satterthwaite). Fewer windows than a sign test takes must also
    clear what they may not have shown. ``blocks`` and ``needed`` are of windows an arm.
    """
    sign, limit = to_scale(question)
    if min(windows.size, effects.size) < 2:
        return no_look(windows.size).model_copy(update={"needed": FIRST_LOOK, "windows": True})
    parts = tuple(_Part.of_mean(logs, serial=not question.relative) for logs in (windows, effects))
    if sum(part.variance for part in parts) == 0.0:
        return no_look(windows.size).model_copy(update={"windows": True})
    look = _OneLook(question, sign * float(effects.mean()), windows.size, parts, few_clear_more=True)
    return look.result(limit, blocks=windows.size).model_copy(update={"windows": True})


def unpaired_test(
    question: LimitTest,
    trials: Sequence[TrialSummary],
    figures: Sequence[TrialMetrics] = (),
    *,
    between: RunSpread | None = None,
) -> LimitTestResult:
    """The answer to a relative question where the arms were measured at different times: one look, parent by parent.

    Welch's t (Biometrika 34, 1947) on mean logarithms, one a block: its trials come from one parent process, share its
    layout of addresses, and are one draw of it. Each arm's error is widened where neighbouring blocks resemble each
    other. ``between``, where it is known, is by how much runs differ by themselves, and in the error of either arm;
    else what the board's state did to one arm and not to the other is in the effect: nothing takes it out.
    ``blocks`` are those of the arm that has fewer; ``needed`` are the candidate's, as the base's are what they are.
    """
    seen = observations(question.metric, trials, figures)
    sign, limit = to_scale(question)
    exact = compare_exactly(question, seen, sign=sign, limit=limit)
    if exact is not None:
        return exact
    own, base = (by_parent(seen, arm) for arm in ("candidate", "baseline"))
    fewest = min(own.size, base.size)
    parts = [_Part.of_mean(arm) for arm in (own, base)] if fewest > 1 else []
    if not parts or min(part.variance for part in parts) == 0.0:
        return no_look(fewest).model_copy(update={"needed": FIRST_LOOK})
    seen_windows = sensor_windows(question.metric, figures)
    windows = [by_parent(seen_windows, arm) for arm in ("candidate", "baseline")] if seen_windows else []
    if windows and min(logs.size for logs in windows) < 2:
        return no_look(fewest).model_copy(update={"needed": FIRST_LOOK})
    parts += [_Part.of_mean(logs) for logs in windows]
    if between is not None:
        parts.append(_Part(2.0 * between.sd**2, between.degrees))
    # Welch and Satterthwaite take a spread that few runs told for better known than it is.
    most = between.degrees if between is not None else inf
    apart = _OneLook(question, sign * float(own.mean() - base.mean()), own.size, tuple(parts), most)
    return apart.result(limit, blocks=fewest)


@dataclass(frozen=True)
class _Part:
    """A part of the variance of a difference, and the degrees of freedom it is known by."""

    variance: float
    degrees: float

    @classmethod
    def of_mean(cls, logs: Array, *, serial: bool = True) -> "_Part":
        """Of independent figures; ``serial``: neighbours may resemble each other, which widens it."""
        if np.ptp(logs) == 0.0:
            return cls(0.0, logs.size - 1.0)
        inflation = float(serial_inflation(logs[np.newaxis, :])[0, -1]) if serial else 1.0
        return cls(float(logs.var(ddof=1)) / logs.size * inflation**2, logs.size - 1.0)


@dataclass(frozen=True)
class _OneLook:
    """A mean logarithm whose variance has several ``parts``, the first of so many blocks; more of them would help."""

    question: LimitTest
    mean: float
    blocks: int
    parts: tuple[_Part, ...]
    most_degrees: float = inf
    few_clear_more: bool = False
    """Whether a FAIL on fewer blocks than a sign test takes must also clear what they may not have shown."""

    def at(self, blocks: int) -> tuple[Boundaries, float]:
        """The boundaries and the standard error, were there so many blocks (Welch and Satterthwaite)."""
        own, *others = self.parts
        grown = _Part(own.variance * self.blocks / blocks, own.degrees + blocks - self.blocks)
        whole = sum(part.variance for part in (grown, *others))
        degrees = whole**2 / sum(part.variance**2 / part.degrees for part in (grown, *others))
        return one_look(self.question.alpha, self.question.miss, blocks, degrees=min(degrees, self.most_degrees)), sqrt(
            whole
        )

    def ends(self, blocks: int) -> tuple[float, float]:
        """The lower end at alpha and the upper one at the miss rate."""
        bounds, error = self.at(blocks)
        return self.mean - float(bounds.fail[0]) * error, self.mean + float(bounds.passes[0]) * error

    def verdict(self, limit: float, blocks: int) -> Literal["fail", "pass", "open"]:
        """The verdict, were there so many blocks like those seen."""
        low, high = self.ends(blocks)
        few = self.few_clear_more and blocks < fewest_to_fail(self.question.alpha)
        margin = float(unseen(self.question.alpha, np.array(float(blocks)))) if few else 0.0
        return "fail" if low - margin > limit else "pass" if high <= limit else "open"

    def result(self, limit: float, *, blocks: int) -> LimitTestResult:
        """The answer at the blocks that there are; ``blocks`` is how many are told."""
        low, high = self.ends(self.blocks)
        verdict = self.verdict(limit, self.blocks)
        ends = sorted(from_scale(self.question, end) for end in (low, high))
        bounds, error = self.at(self.blocks)
        return LimitTestResult(
            verdict=verdict,
            blocks=blocks,
            value=from_scale(self.question, self.mean),
            low=ends[0],
            high=ends[1],
            needed=self.needed(limit) if verdict == "open" else None,
            detectable=from_scale(self.question, limit + (float(bounds.fail[0]) + bounds.reserve) * error),
        )

    def needed(self, limit: float) -> int | None:
        """The fewest blocks that would settle it, were they like those seen; None where the rest leaves it open."""

        def settles(blocks: int) -> bool:
            return self.verdict(limit, blocks) != "open"

        enough = next(
            (self.blocks << doubled for doubled in range(1, _DOUBLINGS) if settles(self.blocks << doubled)), 0
        )
        if not enough:
            return None
        return enough // 2 + bisect_left(range(enough // 2, enough), x=True, key=settles)
