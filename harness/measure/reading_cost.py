"""What reading a board's state around trials costs: the same trials with and without, paired."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

from harness.records.board import Trial
from harness.records.errors import TrialError
from harness.records.plan import BlockSpec, RunnerSpec, TrialSpec

if TYPE_CHECKING:
    from harness.board import Board

_ORDERS = ((True, False, False, True), (False, True, True, False))
"""Whether the state is read around each trial of a block: each way has the same mean place."""


@dataclass(frozen=True)
class CostRatio:
    """Trials with reading over trials without, 1 where it costs nothing; a 95 % interval over blocks."""

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        low, high = (f"{100 * (end - 1):+.2f}" for end in (self.low, self.high))
        return f"{100 * (self.ratio - 1):+.2f} % ({low} to {high} %)"


@dataclass(frozen=True)
class ReadingCost:
    """What reading does to a trial's median latency, and how much of a trial's time it takes."""

    blocks: int
    latency: CostRatio
    reading_s: float
    """Mean seconds that reading took, at both ends of a trial together, as the board counted them."""
    trial_s: float
    """Median seconds of a trial from its process' begin to its answer, without reading."""

    @property
    def share(self) -> float:
        """Of a trial's time."""
        return self.reading_s / self.trial_s


def measure_reading_cost(
    board: "Board", trial: TrialSpec, runner: RunnerSpec, *, blocks: int, now: Callable[[], float]
) -> ReadingCost:
    """The cost for a latency trial whose files are on the board, from at least two blocks of four and one before them.

    Raises TrialError where a trial dies, and what the board raises.
    """
    from statistics import fmean, median

    orders = random.Random(trial.seed)  # noqa: S311 - an order, no secret
    logs: list[float] = []
    reading: list[float] = []
    spent: list[float] = []
    for index in range(blocks):
        order = _ORDERS[orders.random() < 0.5]
        # The first trial of a parent pays for what the others share.
        spec = _block(trial, runner, index=index, order=(True, *order))
        found: list[tuple[Trial, float]] = []
        before = now()
        for one in board.run_block(spec):
            found.append((one, now() - before))
            before = now()
        logs.append(_log_ratio([one for one, _ in found[1:]], order))
        for one, seconds in found[1:]:
            took_s = _reading_s(one)
            spent += [seconds] if took_s is None else []
            reading += [] if took_s is None else [took_s]
    return ReadingCost(blocks, _interval(logs), fmean(reading), median(spent))


def _block(trial: TrialSpec, runner: RunnerSpec, *, index: int, order: Sequence[bool]) -> BlockSpec:
    first = index * len(order)
    trials = [trial.model_copy(update={"index": first + place, "read_state": on}) for place, on in enumerate(order)]
    return BlockSpec(index=index, runner=runner, trials=tuple(trials))


def _reading_s(trial: Trial) -> float | None:
    """What reading took; None where nothing was read."""
    found = trial.telemetry.conditions if trial.telemetry is not None else None
    return None if found is None else found.reading_s


def _log_ratio(trials: Sequence[Trial], order: Sequence[bool]) -> float:
    from harness.measure.trial_summary import trial_median_s

    sums = {True: 0.0, False: 0.0}
    for trial, on in zip(trials, order, strict=True):
        median_s = trial_median_s(trial)
        if median_s is None:
            raise TrialError(f"trial {trial.index} died: {trial.died}")
        sums[on] += log(median_s)
    return (sums[True] - sums[False]) / (len(order) / 2)


def _interval(logs: Sequence[float]) -> CostRatio:
    from harness.stats import mean_interval

    found = mean_interval(logs)
    if found is None:
        raise TrialError("one block gives no interval: expected at least two")
    return CostRatio(exp(sum(logs) / len(logs)), exp(found.low), exp(found.high))
