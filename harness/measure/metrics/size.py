"""model_size."""

from harness.measure.metrics.evidence import Evidence, exactly
from harness.records.results import Measurement


def compute(evidence: Evidence) -> list[Measurement]:
    """Bytes of the file that was shipped."""
    return [exactly("model_size", float(evidence.artifact.size_bytes))]
