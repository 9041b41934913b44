"""first_inference and init_time."""

from harness.measure.metrics.evidence import Evidence, over_trials, unknown
from harness.records.metrics import METRICS, TrialKind
from harness.records.results import Measurement


def compute(evidence: Evidence) -> list[Measurement]:
    """Seconds of the first invoke in latency trials, and of making an interpreter in processes exec'd anew."""
    first = [trial.first_inference_s for trial in evidence.lived("latency")]
    init = [trial.init_s for trial in evidence.lived("memory")]
    return [
        _known(evidence, "first_inference", first, "latency"),
        _known(evidence, "init_time", init, "memory"),
    ]


def _known(evidence: Evidence, metric: str, values: list[float | None], kind: TrialKind) -> Measurement:
    told = [value for value in values if value is not None]
    if told:
        return over_trials(metric, told)
    return unknown(metric, f"no trial told its {METRICS[metric].title}" if values else evidence.absence(kind))
