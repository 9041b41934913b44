"""latency_p50, latency_p90, latency_p99, latency_mean."""

from harness.measure.metrics.evidence import Evidence, over_trials, unknown
from harness.measure.samples import PERCENTILES, batched_s, mean_s, single_s
from harness.records.board import Trial
from harness.records.results import Measurement
from harness.stats import needed_samples, percentile_bound, quantile, smallest_trial


def compute(evidence: Evidence) -> list[Measurement]:
    """Medians over trials of each trial's own figure, in seconds.

    A percentile is claimed only where all trials together hold as many single reads as it needs at 99 %
    confidence, and no trial so few that its percentile is merely its largest read.
    """
    trials = evidence.lived("latency")
    if not trials:
        reason = evidence.absence("latency")
        return [unknown(f"latency_{word}", reason) for word in ("p50", *PERCENTILES, "mean")]
    batch = _batch_note(trials)
    return [
        over_trials("latency_p50", [quantile(batched_s(trial), 0.5) for trial in trials], batch),
        *(_percentile(f"latency_{word}", q, trials) for word, q in PERCENTILES.items()),
        over_trials("latency_mean", [mean_s(trial) for trial in trials], batch),
    ]


def _percentile(metric: str, q: float, trials: tuple[Trial, ...]) -> Measurement:
    reads = [single_s(trial) for trial in trials]
    total, fewest = sum(r.size for r in reads), min(r.size for r in reads)
    if total < needed_samples(q):
        return unknown(metric, f"too few single reads: {total}, needs {needed_samples(q)}; raise --num-runs")
    if fewest < smallest_trial(q):
        return unknown(
            metric,
            f"too few single reads in one trial: {fewest}, needs {smallest_trial(q)}; raise --num-runs",
        )
    bound = percentile_bound(reads, q)
    note = f"{total} reads{_clock_note(trials)}, worth {bound.independent} independent ones"
    found = over_trials(metric, [quantile(r, q) for r in reads], note)
    return found.model_copy(update={"upper_bound": bound.value, "independent": bound.independent})


def _batch_note(trials: tuple[Trial, ...]) -> str:
    largest = max(trial.batch for trial in trials)
    return f"clock read once for up to {largest} inferences" if largest > 1 else "clock read for each inference"


def _clock_note(trials: tuple[Trial, ...]) -> str:
    costs = [trial.clock_cost_ns for trial in trials if trial.clock_cost_ns is not None]
    return f", each with {max(costs)} ns of clock in it" if costs else ""
