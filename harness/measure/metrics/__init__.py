"""One file for each family of metrics; a new family is a file here and a name in METRIC_FAMILIES."""

from collections.abc import Callable

from harness.measure.metrics import accuracy, energy, latency, memory, size, stages, startup, throughput
from harness.measure.metrics.evidence import Evidence
from harness.records.results import Measurement

METRIC_FAMILIES: tuple[Callable[[Evidence], list[Measurement]], ...] = (
    latency.compute,
    startup.compute,
    stages.compute,
    throughput.compute,
    memory.compute,
    size.compute,
    accuracy.compute,
    energy.compute,
)


def compute_all(evidence: Evidence) -> list[Measurement]:
    """Every family's measurements, each metric once; those of stages only for an artifact that has them."""
    return [measurement for compute in METRIC_FAMILIES for measurement in compute(evidence)]


__all__ = ["METRIC_FAMILIES", "Evidence", "compute_all"]
