"""Every metric of one arm, from its trials and its artifact.

A metric of latency trials is all in the table of ``harness.records.metrics``, which says how a trial's summary gives
it; what is written here for it are the sentences about its reads. Energy has a file of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure import delegation, energy
from harness.measure.arm_evidence import ArmEvidence, exactly, over_trials, unknown
from harness.measure.trial_summary import (
    batched_s,
    mean_s,
    reads_by_parent,
    single_s,
    trial_metrics,
    trial_quantiles,
)
from harness.records.artifact import Artifact
from harness.records.board import Trial, TwoSpeeds
from harness.records.entry import Measurement
from harness.records.metrics import METRICS, Metric
from harness.records.storage import TrialLoad
from harness.records.units import format_quantity
from harness.stats import needed_samples, percentile_bound, quantile, smallest_trial, two_speeds


def compute_all(evidence: ArmEvidence) -> list[Measurement]:
    """Every metric once, in the order of the table; those of stages only for an artifact that has them."""
    of_energy = {found.metric: found for found in energy.compute(evidence)}
    of_delegate = {found.metric: found for found in delegation.compute(evidence)}
    known = {found.metric: found for found in artifact_metrics(evidence.artifact)} | of_energy | of_delegate
    return [
        known[metric.name] if metric.name in known else _of_trials(metric, evidence)
        for metric in METRICS.values()
        if metric.kind != "stages" or evidence.artifact.stages is not None
    ]


def artifact_metrics(artifact: Artifact) -> list[Measurement]:
    """What is known without a trial: bytes of the file that is shipped, and its accuracy or why it is unknown."""
    return [exactly("model_size", float(artifact.size_bytes)), _accuracy(artifact)]


def _accuracy(artifact: Artifact) -> Measurement:
    """The artifact's share of rightly classified test samples (0..1), or the user's own figure; else unknown."""
    found = artifact.verification.accuracy
    if found is None:
        why = artifact.verification.accuracy_reason or "no labelled test set comes with the model"
        return unknown("accuracy", why)
    where = f"{found.dataset}, {found.obtained}"
    if found.metric is not None:
        own = exactly("accuracy", found.value)
        return own.model_copy(update={"unit": found.unit, "better": found.metric.better, "obtained": where})
    counted = "" if found.correct is None else f"{found.correct} of {found.n} right, "
    return exactly("accuracy", found.value, f"{counted}{where}")


def _of_trials(metric: Metric, evidence: ArmEvidence) -> Measurement:
    """The geometric mean over trials of each trial's own figure."""
    if metric.kind is None:
        raise LookupError(f"{metric.name} is no figure of trials, and artifact_metrics does not give it")
    trials = evidence.lived(metric.kind)
    if not trials:
        return unknown(metric.name, evidence.absence(metric.kind))
    if metric.percentile is not None:
        return _percentile(metric, metric.percentile, trials)
    told = [figure for trial in trials if (figure := _figure(metric, trial)) is not None]
    if not told:
        return unknown(metric.name, _untold(metric, trials))
    speeds = two_speeds([batched_s(trial) for trial in trials]) if metric.batched else None
    found = over_trials(metric.name, told, _note(metric, trials) + _speeds_note(speeds))
    return found.model_copy(update={"speeds": speeds})


@dataclass(frozen=True)
class _Latency:
    """What of a latency trial's summary a metric may be read from."""

    mean_s: float
    quantiles: dict[str, float]
    first_inference_s: float | None


def _figure(metric: Metric, trial: Trial) -> float | None:
    """A trial's own figure; of memory from memory trials only: a forked process counts the pages it touched itself."""
    if metric.kind == "latency":
        return metric.figure(_Latency(mean_s(trial), trial_quantiles(trial), trial.first_inference_s))
    figures = trial_metrics(trial, None)
    return figures.values.get(metric.name) if figures is not None else None


def _percentile(metric: Metric, q: float, trials: Sequence[Trial]) -> Measurement:
    """Claimed only where all trials together hold as many single reads as it needs at 99 % confidence.

    And no trial has so few that its percentile is merely its largest read.
    """
    reads = [single_s(trial) for trial in trials]
    total, fewest = sum(r.size for r in reads), min(r.size for r in reads)
    if total < needed_samples(q):
        return unknown(metric.name, f"too few single reads: {total}, needs {needed_samples(q)}; raise --num-runs")
    if fewest < smallest_trial(q):
        few = f"too few single reads in one trial: {fewest}, needs {smallest_trial(q)}; raise --num-runs"
        return unknown(metric.name, few)
    bound = percentile_bound(reads_by_parent(trials), q)
    note = f"{total} reads{_clock_note(trials)}, of {len(trials)} processes"
    found = over_trials(metric.name, [quantile(r, q) for r in reads], note)
    return found.model_copy(update={"upper_bound": bound.value, "independent": bound.draws})


def _note(metric: Metric, trials: Sequence[Trial]) -> str:
    """What belongs to how a figure was obtained beyond the metric's own sentence."""
    if metric.batched:
        largest = max(trial.batch for trial in trials)
        return f"clock read once for up to {largest} inferences" if largest > 1 else "clock read for each inference"
    if metric.kind == "stages":
        return f"{sum(len(trial.stages.end_to_end_ns) for trial in trials if trial.stages is not None)} runs"
    if metric.kind == "load":
        return (
            "" if metric.name == "warm_load" else _load_note([trial.load for trial in trials if trial.load is not None])
        )
    if metric.name == "peak_memory":
        before = min(t.memory.hwm_before_bytes for t in trials if t.memory is not None and t.memory.hwm_bytes > 0)
        return f"{before / 1e6:.1f} MB of it Python, numpy and the runtime before a model"
    return ""


def _load_note(loads: Sequence[TrialLoad]) -> str:
    """The store's medium, and what put the file out of memory."""
    medium = next((load.medium for load in loads if load.medium), None) or "a medium that the board does not name"
    means = next((load.by for load in loads if load.by), None)
    return f"from {medium}{f'; out of memory by {means}, checked by mincore' if means else ''}"


def _speeds_note(found: TwoSpeeds | None) -> str:
    """That the board ran at two speeds, if it did: then a figure over all inferences is between them, or either."""
    if found is None:
        return ""
    fast, slow = (format_quantity(seconds, "s") for seconds in (found.fast_s, found.slow_s))
    return (
        f"; this board ran at two speeds, x{found.factor:.2f} apart: {fast}, and {slow} for "
        f"{100 * found.slow_share:.0f} % of the time"
    )


def _untold(metric: Metric, trials: Sequence[Trial]) -> str:
    loads = [trial.load for trial in trials if trial.load is not None]
    reasons = [load.unread if metric.name == "storage_read" else load.not_cold for load in loads if load.cold]
    why = next(filter(None, reasons), None)
    if why is not None and metric.kind == "load":
        return f"not cold: {why}"
    told = {
        "peak_memory": "the board's kernel does not tell VmHWM",
        "model_memory": "the board's kernel does not tell VmHWM",
        "load_peak_memory": "the board's kernel does not begin VmHWM anew, so that loading has no peak of its own",
    }
    return told.get(metric.name, f"no trial told its {metric.title}")


def _clock_note(trials: Sequence[Trial]) -> str:
    costs = [trial.clock_cost_ns for trial in trials if trial.clock_cost_ns is not None]
    return f", each with {max(costs)} ns of clock in it" if costs else ""
