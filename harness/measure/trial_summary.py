"""What one trial says: its samples in seconds, and its summary without them, as results.json keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from harness.records.board import StageTimes, Trial, TrialMemory, TrialTelemetry, Turns
from harness.records.entry import Histogram, TrialMetrics, TrialSummary
from harness.records.metrics import metrics_of, percentiles
from harness.records.storage import TrialLoad
from harness.stats import histogram, independent_samples, quantile, smallest_trial

Seconds = NDArray[np.float64]


def batched_s(trial: Trial) -> Seconds:
    """Seconds for one inference from each clock read, each the mean of the trial's batch."""
    return np.asarray(trial.samples_ns, dtype=np.float64) / (1e9 * trial.batch)


def single_s(trial: Trial) -> Seconds:
    """Seconds of inferences with a clock read each: the samples themselves, or the pass with single reads."""
    if trial.batch == 1:
        return batched_s(trial)
    return np.asarray(trial.singles_ns, dtype=np.float64) / 1e9


def reads_by_parent(trials: Sequence[Trial]) -> list[list[Seconds]]:
    """Single reads of each latency trial, in a list for each block, whose trials come from one parent process."""
    return [[single_s(trial) for trial in members] for _, members in groupby(trials, key=lambda one: one.block)]


def mean_s(trial: Trial) -> float:
    """The trial's mean seconds for one inference."""
    return float(batched_s(trial).mean())


def trial_median_s(trial: Trial) -> float | None:
    """The median seconds for one inference of a trial that lived, by whole trial or by slices; None for other kinds."""
    if trial.died is None and trial.kind == "slices" and trial.turns is not None:
        return trial.turns.p50_ns / 1e9
    if trial.died is None and trial.kind == "latency" and trial.samples_ns:
        return quantile(batched_s(trial), 0.5)
    return None


def stage_median_s(times: StageTimes, stage: str) -> float:
    """The median over a trial's runs of one stage, or of "end_to_end"."""
    return quantile(np.asarray(getattr(times, f"{stage}_ns"), dtype=np.float64) / 1e9, 0.5)


def trial_quantiles(trial: Trial) -> dict[str, float]:
    """A latency trial's quantiles by name, in seconds.

    Percentiles of single reads are given where the trial has enough of them not to be its largest ones.
    """
    singles = single_s(trial)
    found = {"p50": quantile(batched_s(trial), 0.5)}
    for metric in percentiles():
        q = metric.percentile or 0.0
        if singles.size >= smallest_trial(q):
            found[metric.quantile] = quantile(singles, q)
    return found


def summarise(trial: Trial, void: str | None) -> TrialSummary:
    """The summary of a latency trial that lived; ``void`` says why it does not count."""
    samples, singles = batched_s(trial), single_s(trial)
    edges, counts = histogram(samples, batch=trial.batch)
    return TrialSummary(
        arm=trial.arm,
        block=trial.block,
        n=trial.n,
        batch=trial.batch,
        mean_s=mean_s(trial),
        quantiles=trial_quantiles(trial),
        histogram=Histogram(edges_s=edges, counts=counts),
        independent=independent_samples(singles) if singles.size else None,
        init_s=trial.init_s,
        first_inference_s=trial.first_inference_s,
        memory=trial.memory,
        telemetry=trial.telemetry,
        void=void,
    )


def trial_metrics(trial: Trial, void: str | None) -> TrialMetrics | None:
    """The figures of a memory, stages, load or slices trial that lived; None for other kinds, and for one that died."""
    if trial.died is not None:
        return None
    if trial.kind == "memory":
        values = _memory(trial)
    elif trial.kind == "load" and trial.load is not None:
        values = _load(trial.load)
    elif trial.kind == "slices" and trial.turns is not None:
        values = _by_turns(trial.turns)
    elif trial.kind == "stages" and trial.stages is not None:
        values = {metric.name: stage_median_s(trial.stages, metric.name) for metric in metrics_of("stages")}
    else:
        return None
    return TrialMetrics(
        kind=trial.kind, arm=trial.arm, block=trial.block, values=values, void=void, telemetry=_telemetry(trial, void)
    )


def _telemetry(trial: Trial, void: str | None) -> TrialTelemetry | None:
    """What is kept of it: slices are many, so all of the board's state only where it made the trial void."""
    if trial.telemetry is None or void is not None:
        return trial.telemetry
    return trial.telemetry.model_copy(update={"conditions": None})


@dataclass(frozen=True)
class _TurnsSummary:
    """What the slices of a process tell a metric."""

    mean_s: float
    quantiles: dict[str, float]
    first_inference_s: float | None = None


def _by_turns(turns: Turns) -> dict[str, float]:
    """Each metric of inferences that may be read several at a time."""
    told = _TurnsSummary(turns.mean_ns / 1e9, {"p50": turns.p50_ns / 1e9})
    figures = {metric.name: metric.figure(told) for metric in metrics_of("latency") if metric.batched}
    return {name: figure for name, figure in figures.items() if figure is not None}


def _memory(trial: Trial) -> dict[str, float]:
    values = {} if trial.init_s is None else {"init_time": trial.init_s}
    memory = trial.memory
    if memory is None or memory.hwm_bytes <= 0:
        return values
    told = {
        "peak_memory": memory.hwm_bytes,
        "model_memory": model_peak(memory) - memory.hwm_before_bytes,
        "load_peak_memory": memory.load_hwm_bytes,
        "memory_mean": memory.mean_rss_bytes,
    }
    return values | {name: float(value) for name, value in told.items() if value is not None}


def _load(told: TrialLoad) -> dict[str, float]:
    values = {} if told.load_s is None else {"cold_load" if told.cold else "warm_load": told.load_s}
    if told.read_s and told.read_bytes:
        values["storage_read"] = told.read_bytes / told.read_s
    return values


def model_peak(memory: TrialMemory) -> int:
    """The high water mark since the model was loaded; of the whole process where the kernel tells no other."""
    marks = [mark for mark in (memory.load_hwm_bytes, memory.run_hwm_bytes) if mark is not None]
    return max(marks, default=memory.hwm_bytes)
