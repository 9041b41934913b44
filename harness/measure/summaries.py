"""Trials without their raw samples, for results.json."""

from harness.measure.samples import PERCENTILES, batched_s, mean_s, single_s
from harness.records.board import Trial
from harness.records.results import Histogram, TrialSummary
from harness.stats import histogram, quantile, smallest_trial


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
        init_s=trial.init_s,
        first_inference_s=trial.first_inference_s,
        memory=trial.memory,
        telemetry=trial.telemetry,
        void=void,
    )


def _quantiles(trial: Trial) -> dict[str, float]:
    singles = single_s(trial)
    found = {"p50": quantile(batched_s(trial), 0.5)}
    for name, q in PERCENTILES.items():
        if singles.size >= smallest_trial(q):
            found[name] = quantile(singles, q)
    return found
