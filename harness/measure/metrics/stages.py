"""preprocess, inference, postprocess, end_to_end."""

import numpy as np

from harness.measure.metrics.evidence import Evidence, over_trials, unknown
from harness.records.board import StageTimes
from harness.records.metrics import STAGE_METRICS
from harness.records.results import Measurement
from harness.stats import quantile


def compute(evidence: Evidence) -> list[Measurement]:
    """Medians over trials of each trial's own median, in seconds; none at all for a model without such stages."""
    if evidence.artifact.stages is None:
        return []
    told = [trial.stages for trial in evidence.lived("stages") if trial.stages is not None]
    if not told:
        return [unknown(metric, evidence.absence("stages")) for metric in STAGE_METRICS]
    runs = sum(len(times.end_to_end_ns) for times in told)
    return [
        over_trials(metric, [_median_s(times, metric) for times in told], f"{runs} runs") for metric in STAGE_METRICS
    ]


def _median_s(times: StageTimes, metric: str) -> float:
    samples = np.asarray(getattr(times, f"{metric}_ns"), dtype=np.float64)
    return quantile(samples / 1e9, 0.5)
