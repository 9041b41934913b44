"""Answers to questions, from summaries of trials: the same for a board at work and for a stored run."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, exp, expm1, inf, isfinite, log, log1p, sqrt
from typing import Final, Literal

import numpy as np

from harness.records.limit_test import LimitTest, LimitTestResult
from harness.records.metrics import METRICS
from harness.records.results import TrialMetrics, TrialSummary
from harness.stats.observations import Observation, interleaved, observations, per_trial, single_arm
from harness.stats.quantiles import needed_samples
from harness.stats.sequential import FAIL, OPEN, PASS, Array, Blocks, Decision, decide, serial_inflation
from harness.stats.spending import Boundaries, boundaries, last_look, one_look

_LAST_LOOK_SHARE: Final = 0.5
"""Of alpha; looks that were due and could not be taken had the other half."""
_MOST_LOG: Final = 65.0
_MOST_NEEDED: Final = 1_000_000_000
"""Blocks beyond which a figure lies on its limit but for the last digits."""
_WORDS: Final[dict[int, Literal["fail", "pass", "open"]]] = {FAIL: "fail", PASS: "pass", OPEN: "open"}


def run_limit_test(
    question: LimitTest,
    trials: Sequence[TrialSummary],
    figures: Sequence[TrialMetrics] = (),
    *,
    within: int | None = None,
    final: bool = False,
) -> LimitTestResult:
    """The answer that the trials of whole blocks give; ``trials`` and ``figures`` in the order they were measured.

    A block is four trials that count, or two where a block has one of each arm: of both arms interleaved for a
    relative question, the candidate's alone otherwise. Blocks with a void trial are left out. A percentile is not
    answered before the independent reads that it needs are there (``needed_samples``). ``within`` is how many blocks
    the time limit had room for, where that is fewer than the plan's; it enters ``detectable`` alone. ``final``: no more
    will be measured; where no look was possible until then, there is one at whatever there is, with half of alpha.
    """
    found = _answered(question, trials, figures, within=within)
    if not final or found.value is not None or question.most_blocks is None:
        return found
    return _answered(question, trials, figures, within=within, last=True)


def _answered(
    question: LimitTest,
    trials: Sequence[TrialSummary],
    figures: Sequence[TrialMetrics],
    *,
    within: int | None,
    last: bool = False,
) -> LimitTestResult:
    seen = observations(question.metric, trials, figures, relative=question.relative)
    sign, limit = _scale(question)
    exact = _compared_exactly(question, seen, sign=sign, limit=limit)
    if exact is not None:
        return exact
    blocks = _blocks(question, seen)
    first = _first_look(question, trials, seen)
    bounds = _bounds(question, blocks, first, last=last) if first is not None else None
    if bounds is None:
        return _no_look(blocks.effects.shape[1])
    signed = Blocks(blocks.effects * sign, blocks.unrest)
    decision = decide(signed, np.array([limit]), bounds, serial=not question.relative)
    if float(decision.error[0]) == 0.0:
        # Times that agree to the last digit from process to process were not measured: no clock is so coarse.
        return _no_look(blocks.effects.shape[1])
    found = _told(question, decision, limit=limit, bounds=bounds, within=within)
    return found.model_copy(update={"trials": question.most_blocks is None and not question.relative})


def unpaired_test(
    question: LimitTest, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics] = ()
) -> LimitTestResult:
    """The answer to a relative question where the arms were measured at different times: one look, trial by trial.

    Welch's t (Biometrika 34, 1947) on logarithms, each arm's error widened where neighbouring trials resemble each
    other. What the board's state did to one arm and not to the other is in the effect: nothing takes it out.
    """
    seen = observations(question.metric, trials, figures)
    sign, limit = _scale(question)
    exact = _compared_exactly(question, seen, sign=sign, limit=limit)
    if exact is not None:
        return exact
    arms = [np.log(np.array(per_trial(seen, arm))) for arm in ("candidate", "baseline")]
    fewest = min(arm.size for arm in arms)
    shares = [_variance_of_mean(arm) for arm in arms] if fewest > 1 else [0.0, 0.0]
    if min(shares) == 0.0:
        return _no_look(fewest)
    degrees = sum(shares) ** 2 / sum(share**2 / (arm.size - 1) for share, arm in zip(shares, arms, strict=True))
    bounds = one_look(question.alpha, question.miss, fewest, degrees=degrees)
    mean, error = sign * float(arms[0].mean() - arms[1].mean()), sqrt(sum(shares))
    low, high = mean - float(bounds.fail[0]) * error, mean + float(bounds.passes[0]) * error
    ends = sorted(_back(question, end) for end in (low, high))
    return LimitTestResult(
        verdict="fail" if low > limit else "pass" if high <= limit else "open",
        blocks=fewest,
        counted=fewest,
        value=_back(question, mean),
        low=ends[0],
        high=ends[1],
        detectable=_back(question, limit + (float(bounds.fail[0]) + bounds.reserve) * error),
    )


def _variance_of_mean(logs: Array) -> float:
    inflation = float(serial_inflation(logs[np.newaxis, :])[0])
    return float(logs.var(ddof=1)) / logs.size * inflation**2


def _blocks(question: LimitTest, seen: Sequence[Sequence[Observation]]) -> Blocks:
    if question.relative:
        return interleaved(seen)
    if question.most_blocks is None:
        return single_arm([[one] for block in seen for one in block if one.arm == "candidate"])
    return single_arm(seen)


def _bounds(question: LimitTest, blocks: Blocks, first: int, *, last: bool) -> Boundaries | None:
    """The boundaries of the looks from ``first`` on, or of the one; None where no look is due."""
    there = blocks.effects.shape[1]
    if last:
        return last_look(question.alpha * _LAST_LOOK_SHARE, question.miss, there) if there > 1 else None
    if question.most_blocks is None:
        return one_look(question.alpha, question.miss, there) if there > 1 else None
    bounds = boundaries(question.alpha, question.miss, question.most_blocks)
    return replace(bounds, first=max(first, bounds.first)) if first <= bounds.last else None


def _first_look(
    question: LimitTest, trials: Sequence[TrialSummary], seen: Sequence[Sequence[Observation]]
) -> int | None:
    """The first block at which each arm has the independent reads that a percentile needs; 0 for other metrics.

    None where there are too few: then no look is due. A trial that does not say how many of its reads were
    independent has none.
    """
    percentile = METRICS[question.metric].percentile
    if percentile is None:
        return 0
    arms = ("candidate", "baseline") if question.relative else ("candidate",)
    reads = dict.fromkeys(arms, 0)
    for number, block in enumerate(seen, start=1):
        for one in block:
            if one.arm in reads and not one.void:
                reads[one.arm] += trials[one.place].independent or 0
        if min(reads.values()) >= needed_samples(percentile):
            return number
    return None


def _compared_exactly(
    question: LimitTest, seen: Sequence[Sequence[Observation]], *, sign: float, limit: float
) -> LimitTestResult | None:
    """The answer where a metric that tends not to vary agrees to the byte in two trials of each arm; else None."""
    if METRICS[question.metric].repeats != "identical":
        return None
    arms = [per_trial(seen, arm) for arm in (("candidate", "baseline") if question.relative else ("candidate",))]
    if any(len(figures) < 2 or len(set(figures)) > 1 for figures in arms):
        return None
    worse = sign * (log(arms[0][0]) - (log(arms[1][0]) if question.relative else 0.0))
    value = _back(question, worse)
    there = min(map(len, arms))
    verdict: Literal["fail", "pass"] = (
        "fail" if worse > limit and not np.isclose(worse, limit, rtol=0.0, atol=1e-12) else "pass"
    )
    return LimitTestResult(verdict=verdict, blocks=there, counted=there, value=value, low=value, high=value, exact=True)


def _no_look(blocks: int) -> LimitTestResult:
    return LimitTestResult(verdict="open", blocks=blocks, counted=0, value=None, low=None, high=None)


def _scale(question: LimitTest) -> tuple[float, float]:
    """The sign that makes larger worse, and the limit's logarithm on that scale."""
    higher = question.better == "higher"
    if question.relative:
        return (-1.0, -log1p(-question.limit)) if higher else (1.0, log1p(question.limit))
    bound = log(max(question.limit, sys.float_info.min))
    return (-1.0, -bound) if higher else (1.0, bound)


def _told(
    question: LimitTest, decision: Decision, *, limit: float, bounds: Boundaries, within: int | None
) -> LimitTestResult:
    verdict = _WORDS[int(decision.verdicts[0])]
    low, high, mean = float(decision.low[0]), float(decision.high[0]), float(decision.mean[0])
    blocks, counted = int(decision.blocks[0]), int(decision.counted[0])
    if not (isfinite(low) and isfinite(high)):
        return LimitTestResult(verdict=verdict, blocks=blocks, counted=counted, value=None, low=None, high=None,
                      needed=bounds.first)  # fmt: skip
    ends = sorted(_back(question, end) for end in (low, high))
    longest = max(counted, min(bounds.last, within or bounds.last))
    return LimitTestResult(
        verdict=verdict,
        blocks=blocks,
        counted=counted,
        value=_back(question, mean),
        low=ends[0],
        high=ends[1],
        needed=_needed(mean, low, high, limit=limit, counted=counted) if verdict == "open" else None,
        detectable=_back(question, _detectable(decision, bounds, limit=limit, blocks=longest)),
    )


def _detectable(decision: Decision, bounds: Boundaries, *, limit: float, blocks: int) -> float:
    """What would fail with the chance 1 - miss at so many blocks as noisy as those seen, on the logarithmic scale."""
    place = min(max(blocks, bounds.fewest), bounds.last) - bounds.fewest
    error = float(decision.error[0]) * sqrt(int(decision.counted[0]) / blocks)
    return limit + (float(bounds.fail[place]) + bounds.reserve) * error


def _back(question: LimitTest, worse: float) -> float:
    """From the logarithmic scale on which larger is worse to the metric, or to the share that is lost.

    What a bound of very few blocks says beyond every quantity is cut to what a record holds.
    """
    worse = min(max(worse, -_MOST_LOG), _MOST_LOG)
    if question.relative:
        return -expm1(-worse) if question.better == "higher" else expm1(worse)
    return exp(-worse) if question.better == "higher" else exp(worse)


def _needed(mean: float, low: float, high: float, *, limit: float, counted: int) -> int | None:
    """Blocks after which the bound on the limit's side clears it, as its distance shrinks with their root.

    None where no number of blocks that could ever be measured would.
    """
    reach = mean - low if mean > limit else high - mean
    distance = abs(mean - limit)
    wanted = counted * (reach / distance) ** 2 if distance > 0.0 else inf
    return ceil(wanted) if wanted <= _MOST_NEEDED else None
