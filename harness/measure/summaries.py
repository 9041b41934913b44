"""Trials without their raw samples, for results.json."""

from harness.measure.samples import PERCENTILES, batched_s, mean_s, single_s, stage_median_s
from harness.records.board import Trial
from harness.records.metrics import STAGE_METRICS
from harness.records.results import Histogram, TrialMetrics, TrialSummary
from harness.stats import histogram, independent_samples, quantile, smallest_trial


def summarise(trial: Trial, void: str | None) -> TrialSummary:
    """The summary of a latency trial that lived; ``void`` says why it does not count.

    p90 and p99 are given where the trial has enough single reads for them not to be its largest ones.
    """
    samples = batched_s(trial)
    edges, counts = histogram(samples, batch=trial.batch)
    return TrialSummary(
        arm=trial.arm,
        block=trial.block,
        n=trial.n,
        batch=trial.batch,
        mean_s=mean_s(trial),
        quantiles=_quantiles(trial),
        histogram=Histogram(edges_s=edges, counts=counts),
        independent=_independent(trial),
        init_s=trial.init_s,
        first_inference_s=trial.first_inference_s,
        memory=trial.memory,
        telemetry=trial.telemetry,
        void=void,
    )


def figures_of(trial: Trial, void: str | None) -> TrialMetrics | None:
    """The figures of a memory or stages trial that lived; None for other kinds, and for one that died."""
    if trial.died is not None:
        return None
    if trial.kind == "memory":
        values = _memory(trial)
    elif trial.kind == "stages" and trial.stages is not None:
        values = {metric: stage_median_s(trial.stages, metric) for metric in STAGE_METRICS}
    else:
        return None
    return TrialMetrics(kind=trial.kind, arm=trial.arm, block=trial.block, values=values, void=void)


def _memory(trial: Trial) -> dict[str, float]:
    values = {} if trial.init_s is None else {"init_time": trial.init_s}
    if trial.memory is not None and trial.memory.hwm_bytes > 0:
        values["peak_memory"] = float(trial.memory.hwm_bytes)
        values["model_memory"] = float(trial.memory.hwm_bytes - trial.memory.hwm_before_bytes)
    return values


def _independent(trial: Trial) -> int | None:
    singles = single_s(trial)
    return independent_samples(singles) if singles.size else None


def _quantiles(trial: Trial) -> dict[str, float]:
    singles = single_s(trial)
    found = {"p50": quantile(batched_s(trial), 0.5)}
    for name, q in PERCENTILES.items():
        if singles.size >= smallest_trial(q):
            found[name] = quantile(singles, q)
    return found
