"""model_size."""

from harness.measure.metrics.evidence import Evidence, exactly
from harness.records.artifact import Artifact
from harness.records.results import Measurement


def compute(evidence: Evidence) -> list[Measurement]:
    """Bytes of the file that was shipped."""
    return of_artifact(evidence.artifact)


def of_artifact(artifact: Artifact) -> list[Measurement]:
    """Known without a trial."""
    return [exactly("model_size", float(artifact.size_bytes))]
