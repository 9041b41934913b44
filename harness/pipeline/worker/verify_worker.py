"""In a worker: a model is run on the host, and what that shows."""

from pathlib import Path

from harness.pipeline.check.verification.golden_client import HostInputs
from harness.pipeline.check.verification.verify import Claims, Reference, verify
from harness.pipeline.worker.protocol import Verify
from harness.records.artifact import Verification


def check(request: Verify) -> Verification:
    """What running the model shows. Raises BuildError for samples that do not fit it."""
    return verify(
        Path(request.model),
        request.sha256,
        reference=_reference(request),
        inputs=HostInputs(Path(request.samples) if request.samples else None, request.seed),
        claims=Claims(request.dataset, request.score, request.accuracy_reason, request.real, request.metric),
        cache_dir=Path(request.cache_dir),
        deadline_s=request.deadline_s,
    )


def _reference(request: Verify) -> Reference | None:
    if request.reference is None or request.reference_sha256 is None:
        return None
    return Reference(Path(request.reference), request.reference_sha256, request.reference_name)
