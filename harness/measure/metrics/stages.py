"""preprocess, inference, postprocess, end_to_end."""

from harness.measure.metrics.evidence import Evidence, over_trials, unknown
from harness.measure.samples import stage_median_s
from harness.records.metrics import STAGE_METRICS
from harness.records.results import Measurement


def compute(evidence: Evidence) -> list[Measurement]:
    """Medians over trials of each trial's own median, in seconds; none at all for a model without such stages."""
    if evidence.artifact.stages is None:
        return []
    told = [trial.stages for trial in evidence.lived("stages") if trial.stages is not None]
    if not told:
        return [unknown(metric, evidence.absence("stages")) for metric in STAGE_METRICS]
    runs = sum(len(times.end_to_end_ns) for times in told)
    return [
        over_trials(metric, [stage_median_s(times, metric) for times in told], f"{runs} runs")
        for metric in STAGE_METRICS
    ]
