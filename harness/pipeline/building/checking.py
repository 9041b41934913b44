"""In a worker: a model is run on the host, and what that shows."""

from pathlib import Path

from harness.pipeline.building.requests import Checked, Verify
from harness.pipeline.verification.expected import Expected, Inputs, expected_outputs
from harness.records.artifact import AccuracyResult


def check(request: Verify) -> Checked:
    """What running the model shows. Raises BuildError for samples that do not fit it."""
    expected = expected_outputs(
        Path(request.model),
        request.sha256,
        inputs=Inputs(Path(request.samples) if request.samples else None, request.seed),
        cache_dir=Path(request.cache_dir),
        deadline_s=request.deadline_s,
    )
    accuracy = _accuracy(expected, request)
    reason = request.accuracy_reason or expected.reason or "its output names no class"
    return Checked(
        golden=expected.golden,
        golden_reason=expected.reason,
        accuracy=accuracy,
        accuracy_reason=None if accuracy else reason,
    )


def _accuracy(expected: Expected, request: Verify) -> AccuracyResult | None:
    claimed = request.dataset is not None and request.accuracy_reason is None
    if not claimed or request.dataset is None or expected.golden is None or expected.correct is None:
        return None
    return AccuracyResult(
        value=expected.correct / expected.n,
        correct=expected.correct,
        n=expected.n,
        dataset=request.dataset,
        obtained=f"top-1 on {expected.n} held-out samples, by {expected.golden.runtime} on the host",
    )
