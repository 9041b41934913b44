"""throughput."""

from harness.measure.metrics.evidence import Evidence, over_trials, unknown
from harness.measure.samples import mean_s
from harness.records.results import Measurement


def compute(evidence: Evidence) -> list[Measurement]:
    """Inferences per second of timed span, one after the other: feeding inputs is not in it."""
    trials = evidence.lived("latency")
    if not trials:
        return [unknown("throughput", evidence.absence("latency"))]
    return [over_trials("throughput", [1.0 / mean_s(trial) for trial in trials], "without copying inputs")]
