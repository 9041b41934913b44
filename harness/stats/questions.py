"""Answers to questions, from summaries of trials: the same for a board at work and for a stored run."""

from collections.abc import Callable, Sequence
from itertools import groupby
from math import ceil, exp, isfinite, log, log1p
from typing import Final

import numpy as np

from harness.records.question import Answer, Question
from harness.records.results import TrialSummary
from harness.stats.sequential import FAIL, OPEN, PASS, Blocks, Decision, decide, paired
from harness.stats.spending import Boundaries, boundaries

Figure = Callable[[TrialSummary], float | None]

TRIALS_A_BLOCK: Final = 4
FIGURES: Final[dict[str, Figure]] = {
    "latency_p50": lambda trial: trial.quantiles.get("p50"),
    "latency_p90": lambda trial: trial.quantiles.get("p90"),
    "latency_p99": lambda trial: trial.quantiles.get("p99"),
    "latency_mean": lambda trial: trial.mean_s,
    "first_inference": lambda trial: trial.first_inference_s,
    "throughput": lambda trial: 1.0 / trial.mean_s,
}
"""Metrics of which every latency trial has a figure of its own."""
_WORDS: Final = {FAIL: "fail", PASS: "pass", OPEN: "open"}
_OUTSIDE = ("candidate", "baseline", "baseline", "candidate")
_INSIDE = ("baseline", "candidate", "candidate", "baseline")


def answer(question: Question, trials: Sequence[TrialSummary]) -> Answer:
    """The answer that the trials of whole blocks give; ``trials`` in the order they were measured.

    A block is four trials that count: of both arms interleaved for a relative question, the candidate's alone
    otherwise, where two arms were measured the candidate's two. Blocks with a void trial are left out.
    """
    blocks = _relative(question, trials) if question.relative else _alone(question, trials)
    bounds = boundaries(question.alpha, question.miss, question.most_blocks)
    sign, limit = _scale(question)
    signed = Blocks(blocks.effects * sign, blocks.unrest)
    decision = decide(signed, np.array([limit]), bounds)
    return _told(question, decision, limit=limit, bounds=bounds)


def _scale(question: Question) -> tuple[float, float]:
    """The sign that makes larger worse, and the limit's logarithm on that scale."""
    higher = question.better == "higher"
    if question.relative:
        return (-1.0, -log1p(-question.limit)) if higher else (1.0, log1p(question.limit))
    return (-1.0, -log(question.limit)) if higher else (1.0, log(question.limit))


def _relative(question: Question, trials: Sequence[TrialSummary]) -> Blocks:
    logs, outside = [], []
    for block in _blocks(trials):
        arms = tuple(trial.arm for trial in block)
        figures = _figures(question, block)
        if arms in (_OUTSIDE, _INSIDE) and figures is not None:
            logs.append(figures)
            outside.append(arms == _OUTSIDE)
    if not logs:
        return _no_blocks()
    return paired(np.log(np.array([logs])), np.array(outside))


def _alone(question: Question, trials: Sequence[TrialSummary]) -> Blocks:
    """Blocks of the candidate's trials: the mean is the effect, what outer and inner ones differ by the unrest."""
    effects, unrest = [], []
    for block in _blocks([trial for trial in trials if trial.arm == "candidate"]):
        figures = _figures(question, block)
        if figures is not None and len(figures) in (2, TRIALS_A_BLOCK):
            logs = np.log(figures)
            effects.append(float(logs.mean()))
            outer, inner = abs(logs[0] - logs[-1]), abs(logs[len(logs) // 2 - 1] - logs[len(logs) // 2])
            unrest.append([float(outer), float(inner)])
    if not effects:
        return _no_blocks()
    return Blocks(np.array([effects]), np.array([unrest]))


def _no_blocks() -> Blocks:
    return Blocks(np.empty((1, 0)), np.empty((1, 0, 2)))


def _blocks(trials: Sequence[TrialSummary]) -> list[list[TrialSummary]]:
    """Trials that count, block by block."""
    blocks = [list(members) for _, members in groupby(trials, key=lambda trial: trial.block)]
    return [block for block in blocks if all(trial.void is None for trial in block)]


def _figures(question: Question, block: Sequence[TrialSummary]) -> list[float] | None:
    found = [FIGURES[question.metric](trial) for trial in block]
    known = [figure for figure in found if figure is not None and figure > 0.0 and isfinite(figure)]
    return known if len(known) == len(found) else None


def _told(question: Question, decision: Decision, *, limit: float, bounds: Boundaries) -> Answer:
    verdict = _WORDS[int(decision.verdicts[0])]
    low, high, mean = float(decision.low[0]), float(decision.high[0]), float(decision.mean[0])
    if not (isfinite(low) and isfinite(high)):
        return Answer(verdict=verdict, blocks=int(decision.blocks[0]), counted=int(decision.counted[0]),
                      value=None, low=None, high=None, needed=bounds.first)  # fmt: skip
    ends = sorted(_back(question, end) for end in (low, high))
    return Answer(
        verdict=verdict,
        blocks=int(decision.blocks[0]),
        counted=int(decision.counted[0]),
        value=_back(question, mean),
        low=ends[0],
        high=ends[1],
        needed=_needed(mean, low, high, limit=limit, counted=int(decision.counted[0])) if verdict == "open" else None,
    )


def _back(question: Question, worse: float) -> float:
    """From the logarithmic scale on which larger is worse to the metric, or to the share that is lost."""
    if question.relative:
        return 1.0 - exp(-worse) if question.better == "higher" else exp(worse) - 1.0
    return exp(-worse) if question.better == "higher" else exp(worse)


def _needed(mean: float, low: float, high: float, *, limit: float, counted: int) -> int | None:
    """Blocks after which the bound on the limit's side clears it, as its distance shrinks with their root."""
    reach = mean - low if mean > limit else high - mean
    distance = abs(mean - limit)
    return None if distance == 0.0 else ceil(counted * (reach / distance) ** 2)
