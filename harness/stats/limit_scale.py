"""The scale on which limits are judged, logarithms on which larger is worse; and what is answered without a look."""

import sys
from collections.abc import Sequence
from math import exp, expm1, log, log1p
from typing import Final, Literal

import numpy as np

from harness.records.limit_test import LimitTest, LimitTestResult
from harness.records.metrics import METRICS
from harness.stats.observations import Observation, per_trial

_MOST_LOG: Final = 65.0


def compare_exactly(
    question: LimitTest, seen: Sequence[Sequence[Observation]], *, sign: float, limit: float
) -> LimitTestResult | None:
    """The answer where a metric that tends not to vary agrees to the byte in two trials of each arm; else None."""
    if METRICS[question.metric].repeats != "identical":
        return None
    arms = [per_trial(seen, arm) for arm in (("candidate", "baseline") if question.relative else ("candidate",))]
    if any(len(figures) < 2 or len(set(figures)) > 1 for figures in arms):
        return None
    worse = sign * (log(arms[0][0]) - (log(arms[1][0]) if question.relative else 0.0))
    value = from_scale(question, worse)
    there = min(map(len, arms))
    verdict: Literal["fail", "pass"] = (
        "fail" if worse > limit and not np.isclose(worse, limit, rtol=0.0, atol=1e-12) else "pass"
    )
    return LimitTestResult(verdict=verdict, blocks=there, value=value, low=value, high=value, exact=True)


def no_look(blocks: int) -> LimitTestResult:
    """The result where no look was possible at so many blocks."""
    return LimitTestResult(verdict="open", blocks=blocks, value=None, low=None, high=None)


def to_scale(question: LimitTest) -> tuple[float, float]:
    """The sign that makes larger worse, and the limit's logarithm on that scale."""
    higher = question.better == "higher"
    if question.relative:
        return (-1.0, -log1p(-question.limit)) if higher else (1.0, log1p(question.limit))
    bound = log(max(question.limit, sys.float_info.min))
    return (-1.0, -bound) if higher else (1.0, bound)


def from_scale(question: LimitTest, worse: float) -> float:
    """From the logarithmic scale on which larger is worse to the metric, or to the share that is lost.

    What a bound of very few blocks says beyond every quantity is cut to what a record holds.
    """
    worse = min(max(worse, -_MOST_LOG), _MOST_LOG)
    if question.relative:
        return -expm1(-worse) if question.better == "higher" else expm1(worse)
    return exp(-worse) if question.better == "higher" else exp(worse)
