"""accuracy."""

from harness.measure.metrics.evidence import Evidence, exactly, unknown
from harness.records.artifact import Artifact
from harness.records.results import Measurement


def compute(evidence: Evidence) -> list[Measurement]:
    """The artifact's share of rightly classified test samples (0..1); unknown where none was evaluated."""
    return of_artifact(evidence.artifact)


def of_artifact(artifact: Artifact) -> list[Measurement]:
    """Known without a trial."""
    found = artifact.verification.accuracy
    if found is None:
        why = artifact.verification.accuracy_reason or "no labelled test set comes with the model"
        return [unknown("accuracy", why)]
    note = f"{found.correct} of {found.n} right, {found.dataset}, {found.obtained}"
    return [exactly("accuracy", found.value, note)]
