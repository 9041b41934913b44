"""The figures that a question is about, block by block, from what a results file keeps of trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum, isfinite, log, nan
from statistics import mode
from typing import Final

import numpy as np

from harness.records.entry import TrialMetrics, TrialSummary
from harness.records.metrics import METRICS
from harness.stats.sequential import Blocks, paired

_TURNS: Final = (
    ("candidate", "baseline", "baseline", "candidate"),
    ("baseline", "candidate", "candidate", "baseline"),
    ("candidate", "baseline"),
    ("baseline", "candidate"),
)
"""How the arms of a block may follow each other."""
_WHOLE: Final = 4


@dataclass(frozen=True)
class Observation:
    """One trial's figure; None where it has none. ``place`` is the trial's among all summaries of its kind.

    ``by_turns``: it was measured at the same time as one of the other arm, so that neither came before the other.
    """

    block: int
    arm: str
    figure: float | None
    void: bool
    place: int = 0
    by_turns: bool = False


def observations(
    metric: str, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics], *, relative: bool = False
) -> list[list[Observation]]:
    """The metric's figures, in the blocks and in the order in which they were measured.

    For a ``relative`` question those of arms that took turns in slices, where there are any, never beside those of
    whole trials: they are figures of unlike things.
    """
    known = METRICS[metric]
    by_turns = [told for told in figures if told.kind == "slices" and metric in told.values] if relative else []
    if by_turns:
        seen = [
            Observation(told.block, told.arm, told.values[metric], told.void is not None, by_turns=True)
            for told in by_turns
        ]
    elif known.kind == "latency":
        seen = [
            Observation(trial.block, trial.arm, known.figure(trial), trial.void is not None, place)
            for place, trial in enumerate(trials)
        ]
    else:
        seen = [
            Observation(told.block, told.arm, told.values.get(metric), told.void is not None)
            for told in figures
            if told.kind == known.kind
        ]
    return [list(members) for _, members in groupby(seen, key=lambda one: one.block)]


def sensor_windows(metric: str, figures: Sequence[TrialMetrics]) -> list[list[Observation]]:
    """Of an energy a sensor's watts, window by window in blocks of their own; none where the trials tell all there is.

    An energy is power times latency; the trials' figures have the mean watts of all windows in them.
    """
    told = [one for one in figures if one.kind == "energy" and metric not in one.values]
    return observations("power_mean", (), told) if metric == "energy_per_inference" else []


def is_usable(block: Sequence[Observation]) -> bool:
    """Whether every trial of a block counts and has a figure that can be one: positive and finite."""
    return bool(block) and all(
        not one.void and one.figure is not None and isfinite(one.figure) and one.figure > 0.0 for one in block
    )


def interleaved(blocks: Sequence[Sequence[Observation]]) -> Blocks:
    """Effects, on the logarithmic scale, of blocks in which both arms took turns; others are left out."""
    usable = [is_interleaved(block) for block in blocks]
    seen = [block for block, counts in zip(blocks, usable, strict=True) if counts]
    outside = np.array([block[0].arm == "candidate" for block in seen], dtype=np.bool_)
    if seen and all(len(block) == _WHOLE and not block[0].by_turns for block in seen):
        last = [nan, *(float(block[-1].arm == "candidate") for block in blocks[:-1])]
        before = np.array([one for one, counts in zip(last, usable, strict=True) if counts])
        return paired(np.array([[_logs(block) for block in seen]]), outside, before)
    effects = []
    for block in seen:
        logs, own = _logs(block), np.array([one.arm == "candidate" for one in block])
        effects.append(float(logs[own].mean() - logs[~own].mean()))
    return Blocks(np.array([effects]), np.where(outside, 1.0, -1.0))


def is_interleaved(block: Sequence[Observation]) -> bool:
    """Whether both arms took turns in a block, and all of it counts."""
    return is_usable(block) and tuple(one.arm for one in block) in _TURNS


def orientation(block: Sequence[Observation]) -> float:
    """1 where the candidate had the outer places of a block, -1 where it had the inner ones."""
    return 1.0 if block[0].arm == "candidate" else -1.0


def single_arm(blocks: Sequence[Sequence[Observation]]) -> Blocks:
    """Of the candidate's trials: the mean logarithm of a block's is its effect."""
    effects = []
    for block in blocks:
        own = [one for one in block if one.arm == "candidate"]
        if is_usable(own):
            effects.append(float(_logs(own).mean()))
    return Blocks(np.array([effects]), np.zeros(len(effects)))


def processes_a_block(blocks: Sequence[Sequence[Observation]]) -> int:
    """How many processes of the candidate most blocks have; 1 where none has any."""
    counts = [count for block in blocks if (count := sum(one.arm == "candidate" for one in block))]
    return mode(counts) if counts else 1


def resolution(arms: Sequence[Sequence[float]]) -> float:
    """The step of the instrument, as a share of the figures: the smallest gap between two that differ.

    0 where no two figures of an arm agree: then the steps are finer than what figures vary by.
    """
    agree = any(len(set(figures)) < len(figures) for figures in arms)
    logs = np.log(sorted({figure for figures in arms for figure in figures}))
    return float(np.diff(logs).min()) if agree and logs.size > 1 else 0.0


def per_trial(blocks: Sequence[Sequence[Observation]], arm: str) -> list[float]:
    """One arm's figures, trial by trial."""
    return [
        one.figure
        for block in blocks
        for one in block
        if one.arm == arm and one.figure is not None and is_usable([one])
    ]


def by_parent(blocks: Sequence[Sequence[Observation]], arm: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One arm's mean logarithms, one a block, and so one a parent process; void trials and blocks without are none."""
    parents: dict[int, list[float]] = {}
    for one in (one for block in blocks for one in block if one.arm == arm):
        if one.figure is not None and is_usable([one]):
            parents.setdefault(one.block, []).append(log(one.figure))
    return np.array([fsum(logs) / len(logs) for logs in parents.values()])


def _logs(block: Sequence[Observation]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.log(np.array([one.figure for one in block], dtype=np.float64))
