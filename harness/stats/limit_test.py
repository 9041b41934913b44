"""Answers to questions, from summaries of trials: the same for a board at work and for a stored run."""

from collections.abc import Sequence
from math import ceil, inf, isfinite, sqrt
from typing import Final, Literal

import numpy as np

from harness.records.entry import TrialMetrics, TrialSummary
from harness.records.limit_test import FIRST_LOOK, LimitTest, LimitTestResult
from harness.records.metrics import METRICS
from harness.stats.limit_scale import compare_exactly, from_scale, no_look, to_scale
from harness.stats.observations import (
    Observation,
    by_parent,
    interleaved,
    observations,
    per_trial,
    processes_a_block,
    resolution,
    sensor_windows,
    single_arm,
)
from harness.stats.quantiles import needed_samples
from harness.stats.sequential import FAIL, OPEN, PASS, Array, Blocks, Decision, decide, order_fitted
from harness.stats.single_look import windows_test
from harness.stats.spending import Boundaries, boundaries, one_look, window_boundaries

_LAST_LOOK_SHARE: Final = 0.5
"""Of alpha; looks that were due and could not be taken had the other half."""
_SPREAD_CONFIDENCE: Final = 0.98
"""At which the spread is taken for "would have caught": at 90 % the promised power was real in fewer than 90 % of the
sessions where neighbours resemble each other."""
_FEWEST_FOR_KURTOSIS: Final = 3
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

    A block is four trials, or two where a block has one of each arm: of both arms interleaved for a relative question,
    the candidate's alone otherwise. A trial is void by what the board told of its state, never for its figure, and
    voids its whole block. A percentile is not answered before the independent reads that it needs are there
    (``needed_samples``). ``within`` is how many blocks the time limit had room for, where that is fewer than the
    plan's; it enters ``detectable`` alone. ``final``: no more will be measured; where no look was possible until then,
    there is one at whatever there is, with half of alpha.
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
    sign, limit = to_scale(question)
    exact = compare_exactly(question, seen, sign=sign, limit=limit)
    if exact is not None:
        return exact
    blocks = _blocks(question, seen)
    first = _first_look(question, trials, seen)
    windows = sensor_windows(question.metric, figures)
    if windows:
        effects, watts = (
            interleaved(one).effects[0] if question.relative else by_parent(one, "candidate") for one in (seen, windows)
        )
        return windows_test(question, effects, watts)
    bounds = (
        _bounds(question, blocks, first, processes=processes_a_block(seen), last=last) if first is not None else None
    )
    by_windows = METRICS[question.metric].by_windows and question.most_blocks is not None
    if bounds is None:
        return no_look(blocks.effects.shape[1]).model_copy(
            update={"needed": FIRST_LOOK, "windows": True} if by_windows else {}
        )
    signed = blocks.times(sign)
    floor = max(_error_of_steps(question, seen), _error_of_windows(question, figures))
    decision = decide(signed, np.array([limit]), bounds, serial=not question.relative, floor=floor)
    if decision.error[0] == 0.0:
        # Times that agree to the last digit from process to process were not measured: no clock is so coarse.
        return no_look(blocks.effects.shape[1])
    found = _told(question, decision, bounds, effects=signed.effects[0], within=within)
    after = blocks.carry_over.told(found.blocks) if blocks.carry_over is not None else None
    alone = question.most_blocks is None and not question.relative
    return found.model_copy(update={"trials": alone, "carry_over": after, "windows": by_windows})


def _error_of_steps(question: LimitTest, seen: Sequence[Sequence[Observation]]) -> float:
    """The standard error, as a share, of figures that an instrument rounds to steps: a uniform distribution's, an arm.

    Every trial may be rounded alike, so that it does not shrink with their number. A metric whose step is known has at
    least that one.
    """
    names = ("candidate", "baseline") if question.relative else ("candidate",)
    arms = [per_trial(seen, name) for name in names]
    known = METRICS[question.metric].step
    step = max(resolution(arms), known / max(map(max, filter(None, arms)), default=inf))
    return step * sqrt(len(arms) / 12.0)


def _error_of_windows(question: LimitTest, figures: Sequence[TrialMetrics]) -> float:
    """The standard error, as a share, of what a power sensor's steps may hide: an even chance of all of it, an arm."""
    hidden = max((one.hidden for one in figures if one.kind == METRICS[question.metric].kind), default=0.0)
    return hidden * sqrt((2.0 if question.relative else 1.0) / 3.0)


def _blocks(question: LimitTest, seen: Sequence[Sequence[Observation]]) -> Blocks:
    if question.relative:
        return interleaved(seen)
    if question.most_blocks is None:
        return single_arm([[one] for block in seen for one in block if one.arm == "candidate"])
    return single_arm(seen)


def _bounds(question: LimitTest, blocks: Blocks, first: int, *, processes: int, last: bool) -> Boundaries | None:
    """The boundaries of the looks from ``first`` on, or of the one; None where no look is due."""
    there = blocks.effects.shape[1]
    lost = 1 + int(there > 0 and bool(order_fitted(blocks.turns)[-1]))
    if last and there > lost:
        alpha = question.alpha * _LAST_LOOK_SHARE
        return one_look(alpha, question.miss, there, degrees=there - lost, processes=processes)
    if question.most_blocks is None and there > lost:
        return one_look(question.alpha, question.miss, there, degrees=there - lost)
    if last or question.most_blocks is None:
        return None
    lost = 2 if question.relative else 1
    if METRICS[question.metric].by_windows:
        bounds = window_boundaries(question.alpha, question.miss, question.most_blocks, lost=lost)
    else:
        bounds = boundaries(question.alpha, question.miss, question.most_blocks, processes=processes, lost=lost)
    return bounds.from_look(first) if first <= bounds.last else None


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


def _told(
    question: LimitTest, decision: Decision, bounds: Boundaries, *, effects: Array, within: int | None
) -> LimitTestResult:
    verdict = _WORDS[int(decision.verdicts[0])]
    low, high, mean = float(decision.low[0]), float(decision.high[0]), float(decision.mean[0])
    blocks = int(decision.blocks[0])
    if not isfinite(mean):
        return no_look(blocks).model_copy(update={"needed": bounds.first})
    ends = sorted(from_scale(question, end) for end in (low, high))
    longest = max(blocks, min(bounds.last, within or bounds.last))
    return LimitTestResult(
        verdict=verdict,
        blocks=blocks,
        value=from_scale(question, mean),
        low=ends[0],
        high=ends[1],
        needed=_needed(decision, bounds, limit=to_scale(question)[1]) if verdict == "open" else None,
        detectable=None
        if longest < bounds.fail_from
        else from_scale(question, _detectable(question, decision, bounds, effects=effects[:blocks], blocks=longest)),
    )


def _detectable(question: LimitTest, decision: Decision, bounds: Boundaries, *, effects: Array, blocks: int) -> float:
    """What would fail with the chance 1 - miss at so many blocks as noisy as those seen, on the logarithmic scale.

    The spread of the effects seen is taken at the upper end of its own interval: seen in few blocks, it may be larger.
    Half of all symmetric effects are skewed downwards by chance and take the sign test, so it may fail twice as often.
    """
    from scipy.special import betaincinv, ndtri

    place = min(max(blocks, bounds.first), bounds.last) - bounds.first
    error = float(decision.error[0]) * _largest_spread(effects) * sqrt(effects.size / blocks)
    by_mean = float(bounds.fail[place]) + bounds.reserve
    beyond = float(bounds.beyond[place])
    share = betaincinv(beyond, blocks - beyond + 1.0, 1.0 - 2.0 * question.miss) if 0.0 < beyond <= blocks else 0.5
    return to_scale(question)[1] + max(by_mean, float(ndtri(share)) * sqrt(blocks)) * error


def _largest_spread(effects: Array) -> float:
    """How many times the standard deviation of some effects that of all may be.

    The upper end of chi-squared's interval, with degrees of freedom divided by 1 + k / 2 for an excess kurtosis of k
    (Box, "Non-normality and tests on variances", Biometrika 40, 1953).
    """
    from scipy.special import chdtri
    from scipy.stats import kurtosis

    varied = effects.size > _FEWEST_FOR_KURTOSIS and float(np.ptp(effects)) > 0.0
    excess = max(0.0, float(kurtosis(effects - effects.mean(), bias=False))) if varied else 0.0
    degrees = (effects.size - 1) / (1.0 + excess / 2.0)
    return sqrt(degrees / float(chdtri(degrees, _SPREAD_CONFIDENCE)))


def _needed(decision: Decision, bounds: Boundaries, *, limit: float) -> int | None:
    """Blocks after which the bound on the limit's side clears it, as its distance shrinks with their root.

    At least those that the verdict takes. None where no number of blocks that could ever be measured would.
    """
    mean, low, high = (float(one[0]) for one in (decision.mean, decision.low, decision.high))
    beyond = mean > limit
    reach, distance = mean - low if beyond else high - mean, abs(mean - limit)
    wanted = int(decision.blocks[0]) * (reach / distance) ** 2 if distance > 0.0 else inf
    least = bounds.fail_from if beyond else bounds.pass_from
    return max(least, ceil(wanted)) if wanted <= _MOST_NEEDED else None
