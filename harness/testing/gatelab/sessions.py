"""Sessions of many metrics through the real judge, and how often it and others were wrong."""

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from math import log, log1p, pi, sqrt
from typing import Any, Final, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from harness.stats.sequential import FAIL, OPEN, PASS, Blocks, Decision, decide, paired
from harness.stats.spending import boundaries
from harness.testing.gatelab.competitors import COMPETITORS, TRIALS_EACH
from harness.testing.gatelab.noise import Parameters, parse_noise
from harness.testing.gatelab.record_questions import RecordQuestion, RecordSession
from harness.testing.gatelab.trace import PARTS_OF_A_TRIAL, PROCESSES_A_BLOCK, Trace, turns_of_slices

Array = NDArray[np.float64]
Question = Literal["relative", "absolute", RecordQuestion]
Design = Literal["trials", "slices"]

_METRICS_AT_ONCE: Final = 20_000
"""So that a trace of all of them stays well under a gigabyte."""
_MOST_WINDOWS: Final = 10_400_000
"""Likewise, where time is followed within the processes."""
_CONFIDENCE: Final = 0.95
_VERDICTS: Final = {"fail": FAIL, "pass": PASS, "open": OPEN}
_MIDDLE_BLOCKS: Final = 10
_MIDDLE_ROWS: Final = 40_000
_BY_CHANCE: Final = 4.0
"""Standard errors within which a median is taken for the mean."""


@dataclass(frozen=True)
class Experiment:
    """What is simulated; ``limit`` and ``slowdown`` are shares (0.02 for 2 %).

    ``noise`` is a name, or NAME:key=value,... An absolute limit lies by ``limit`` above the mean that the noise has;
    it is about the candidate's trials alone, so that ``design`` is trials. ``percentile`` is what a limit on one is
    about; ``run_sd`` by how much two runs differ by themselves, and ``history_runs`` how many tell of it, where a base
    is stored.
    """

    noise: str
    sessions: int
    metrics: int
    slow_metrics: int
    limit: float
    slowdown: float
    seed: int = 0
    alpha: float = 0.005
    miss: float = 0.05
    max_blocks: int = 130
    question: Question = "relative"
    design: Design = "trials"
    trial_seconds: float = 1.0
    slice_ms: float = 20.0
    percentile: float = 0.9
    run_sd: float = 0.0
    history_runs: int = 0

    @property
    def asks_records(self) -> bool:
        """Whether the judge reads records of trials, one metric at a time."""
        return self.question in get_args(RecordQuestion)


@dataclass(frozen=True)
class Verdicts:
    """Arrays over metrics: FAIL, PASS or OPEN, and after how many blocks."""

    verdicts: NDArray[np.int64]
    blocks: NDArray[np.int64]


@dataclass
class SessionCounts:
    """Counts over all sessions; ``blocks`` are sums, of the slow metrics and of the others.

    The mean over blocks is the true slowdown. Where the median over blocks lies above it, by ``median_above_mean`` on
    the logarithmic scale, ``sessions_failed`` is of sessions in which the median is the true slowdown: the false-alarm
    rate is that of metrics of which both keep their limit. ``sessions_failed_by_mean`` is of the others.
    """

    experiment: Experiment
    median_above_mean: float
    sessions_failed: int = 0
    sessions_failed_by_mean: int = 0
    sessions_green: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    blocks_slow: int = 0
    blocks_others: int = 0
    competitors_failed: Counter[str] = field(default_factory=Counter)

    @property
    def upper95(self) -> float:
        """The upper end of a one-sided 95 % interval for the share of sessions that fail (Clopper-Pearson)."""
        from scipy.special import betaincinv

        failed, sessions = self.sessions_failed, self.experiment.sessions
        return 1.0 if failed == sessions else float(betaincinv(failed + 1, sessions - failed, _CONFIDENCE))

    def as_dict(self) -> dict[str, Any]:
        """What --json prints; shares are of sessions, blocks are means a metric."""
        what = self.experiment
        others = (what.metrics - what.slow_metrics) * what.sessions
        return {
            **asdict(what),
            "parameters": parse_noise(what.noise).values,
            "median_above_mean": self.median_above_mean,
            "sessions_failed": self.sessions_failed,
            "sessions_failed_by_mean": self.sessions_failed_by_mean,
            "sessions_green": self.sessions_green,
            "metrics_passed": self.verdicts["pass"],
            "metrics_failed": self.verdicts["fail"],
            "metrics_inconclusive": self.verdicts["open"],
            "blocks_mean": self.blocks_slow / (what.slow_metrics * what.sessions),
            "blocks_mean_others": self.blocks_others / others if others else None,
            "upper95": self.upper95,
            "competitors": {} if what.asks_records else {name: self.competitors_failed[name] for name in COMPETITORS},
        }


def run_experiment(what: Experiment) -> SessionCounts:
    """Simulate all sessions: the same seed gives the same outcome. Raises ValueError for a noise that is none."""
    noise = parse_noise(what.noise)
    rng = np.random.default_rng(what.seed)
    outcome = SessionCounts(what, _median_above_mean(_unchanged(what)))
    windows = _trace(what, noise, rng, 1).windows.size
    at_once = max(1, min(_METRICS_AT_ONCE, _MOST_WINDOWS // windows) // what.metrics)
    for begun in range(0, what.sessions, at_once):
        _run_some(what, noise, min(at_once, what.sessions - begun), rng, outcome)
    return outcome


def draw_trials(what: Experiment) -> tuple[Array, NDArray[np.bool_]]:
    """The logarithms of trials by turns of one metric a session, (sessions, blocks, 4), in the order they ran.

    Beside them, for each block, whether the candidate had the outer places.
    """
    noise = parse_noise(what.noise)
    trace = _trace(what, noise, np.random.default_rng(what.seed), what.sessions)
    logs = _read(noise, trace, noise.logs(trace), np.full(what.sessions, log1p(what.slowdown)))
    return logs.reshape(what.sessions, what.max_blocks, PROCESSES_A_BLOCK), _outer_places(what)


def _trace(what: Experiment, noise: Parameters, rng: np.random.Generator, rows: int) -> Trace:
    """The processes of whole sessions, in the order in which the design runs them."""
    if what.design == "slices":
        pairs = what.max_blocks * PROCESSES_A_BLOCK // 2
        return turns_of_slices(rng, rows, pairs, slice_s=what.slice_ms / 1000.0, trial_s=what.trial_seconds)
    if what.question == "absolute":
        candidate = np.ones(what.max_blocks * PROCESSES_A_BLOCK, dtype=np.bool_)
    else:
        outside = _outer_places(what)[:, np.newaxis]
        candidate = np.where(outside, [True, False, False, True], [False, True, True, False]).ravel()
    return _trials(what, noise, rng, rows, candidate)


def _trials(
    what: Experiment, noise: Parameters, rng: np.random.Generator, rows: int, candidate: NDArray[np.bool_]
) -> Trace:
    parts = PARTS_OF_A_TRIAL if noise.noise.timed else 1
    return Trace(
        rng, rows, candidate,
        windows=np.arange(len(candidate) * parts).reshape(-1, parts),
        window_s=what.trial_seconds / parts,
        trial_s=what.trial_seconds,
        session_s=what.max_blocks * PROCESSES_A_BLOCK * what.trial_seconds,
    )  # fmt: skip


def _run_some(
    what: Experiment, noise: Parameters, sessions: int, rng: np.random.Generator, outcome: SessionCounts
) -> None:
    rows = sessions * what.metrics
    slow = np.tile(np.arange(what.metrics) < what.slow_metrics, sessions)
    shift = np.where(slow, log1p(what.slowdown), 0.0)
    if what.asks_records:
        _count(_answered(what, noise, rng, shift), slow, outcome)
        outcome.sessions_failed = outcome.sessions_failed_by_mean
        return
    trace = _trace(what, noise, rng, rows)
    drawn = noise.logs(trace)
    _count(_decided(what, _read(noise, trace, drawn, shift)), slow, outcome)
    if outcome.median_above_mean > 0.0:
        decision = _decided(what, _read(noise, trace, drawn, shift - outcome.median_above_mean))
        outcome.sessions_failed += _sessions_failed(decision, what)
    else:
        outcome.sessions_failed = outcome.sessions_failed_by_mean
    one_after_the_other = np.repeat([False, True], TRIALS_EACH)
    trace = _trials(what, noise, rng, rows, one_after_the_other)
    times = np.exp(_read(noise, trace, noise.logs(trace), shift))
    for name, alarm in COMPETITORS.items():
        alarms = alarm(times[:, :TRIALS_EACH], times[:, TRIALS_EACH:]).reshape(sessions, what.metrics)
        outcome.competitors_failed[name] += int(alarms.any(axis=1).sum())


def _unchanged(what: Experiment) -> Experiment:
    """A few blocks of the same noise, whatever the limit, the slowdown and the number of sessions."""
    return replace(
        what,
        sessions=1,
        metrics=1,
        slow_metrics=1,
        limit=0.0,
        slowdown=0.0,
        seed=0,
        alpha=0.0,
        max_blocks=_MIDDLE_BLOCKS,
    )


@cache
def _median_above_mean(few: Experiment) -> float:
    """By how much the median over blocks lies above the mean, on the logarithmic scale; 0 where not beyond chance."""
    if few.asks_records:
        return 0.0
    noise = parse_noise(few.noise)
    trace = _trace(few, noise, np.random.default_rng(0), _MIDDLE_ROWS)
    effects = _blocks(few, noise.logs(trace)).effects
    above = float(np.median(effects) - effects.mean())
    return above if above > _BY_CHANCE * float(effects.std()) * sqrt(pi / 2.0 / effects.size) else 0.0


def _read(noise: Parameters, trace: Trace, logs: Array, shift: Array) -> Array:
    """The logarithms of the times that are read, where the candidate is truly slower by ``shift`` (metrics,)."""
    return noise.read(trace.rng, logs + shift[:, np.newaxis] * trace.candidate)


def _decided(what: Experiment, logs: Array) -> Decision:
    """The judge's decision, every metric at its share of alpha."""
    relative = what.question == "relative"
    arms = 2 if relative else 1
    bounds = boundaries(
        what.alpha / what.metrics, what.miss, what.max_blocks, processes=PROCESSES_A_BLOCK // arms, lost=arms
    )
    floor = _steps(logs) * np.sqrt(arms / 12.0)
    limits = np.full(len(logs), log(1.0 + what.limit))
    return decide(_blocks(what, logs), limits, bounds, serial=not relative, floor=floor)


def _blocks(what: Experiment, logs: Array) -> Blocks:
    by_block = logs.reshape(len(logs), what.max_blocks, PROCESSES_A_BLOCK)
    if what.design == "slices":
        effects = (by_block[..., ::2] - by_block[..., 1::2]).mean(axis=2)
        return Blocks(effects, np.where(_outer_places(what), 1.0, -1.0))
    if what.question == "relative":
        return paired(by_block, _outer_places(what))
    return Blocks(by_block.mean(axis=2), np.zeros(what.max_blocks))


def _steps(logs: Array) -> Array:
    """The step of each metric's instrument, as ``harness.stats.observations.resolution`` finds it."""
    gaps = np.diff(np.sort(logs, axis=1), axis=1)
    found = np.where(gaps > 0.0, gaps, np.inf).min(axis=1)
    steps: Array = np.where((gaps == 0.0).any(axis=1) & np.isfinite(found), found, 0.0)
    return steps


def _outer_places(what: Experiment) -> NDArray[np.bool_]:
    """Whether the candidate has the outer places of a block: at random in each pair of blocks, once in either."""
    pairs = np.random.default_rng(what.seed).random(what.max_blocks // 2 + 1) < 0.5
    outer: NDArray[np.bool_] = np.column_stack([pairs, ~pairs]).ravel()[: what.max_blocks]
    return outer


def _answered(what: Experiment, noise: Parameters, rng: np.random.Generator, shift: Array) -> Verdicts:
    """The verdicts on metrics whose judge reads records."""
    asked = RecordSession(
        question=cast("RecordQuestion", what.question),
        limit=what.limit,
        alpha=what.alpha / what.metrics,
        miss=what.miss,
        max_blocks=what.max_blocks,
        percentile=what.percentile,
        run_sd=what.run_sd,
        history_runs=what.history_runs,
    )

    def logs(candidate: NDArray[np.bool_]) -> Array:
        trace = _trials(what, noise, rng, shift.size, candidate)
        return noise.read(rng, noise.logs(trace))

    told = [(_VERDICTS[verdict], blocks) for verdict, blocks in asked.answers(logs, shift, rng)]
    return Verdicts(*np.array(told, dtype=np.int64).T)


def _count(decision: Decision | Verdicts, slow: NDArray[np.bool_], outcome: SessionCounts) -> None:
    verdicts = decision.verdicts.reshape(-1, outcome.experiment.metrics)
    outcome.sessions_failed_by_mean += _sessions_failed(decision, outcome.experiment)
    outcome.sessions_green += int((verdicts == PASS).all(axis=1).sum())
    failed, passed = int((verdicts == FAIL).sum()), int((verdicts == PASS).sum())
    outcome.verdicts.update({"fail": failed, "pass": passed, "open": verdicts.size - failed - passed})
    outcome.blocks_slow += int(decision.blocks[slow].sum())
    outcome.blocks_others += int(decision.blocks[~slow].sum())


def _sessions_failed(decision: Decision | Verdicts, what: Experiment) -> int:
    return int((decision.verdicts.reshape(-1, what.metrics) == FAIL).any(axis=1).sum())
