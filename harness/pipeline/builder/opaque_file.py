"""Model files that only a program on the board can read (``package = "command"``): shipped as they are.

The host knows their size and hash. What outputs are right the user says: an .npz file with inputs i0, i1... and outputs
o0, o1..., each with the sample as its first axis.
"""

import zipfile
from pathlib import Path

from harness.pipeline.cache import file_sha256
from harness.records.artifact import Artifact, GoldenOutputs, Verification
from harness.records.candidate import Candidate
from harness.records.errors import ModelFileError

MOST_SAMPLES = 10_000
_ONLY_INPUTS = "no outputs are stored: give samples, an .npz file with i0... and the outputs to expect as o0..."


def opaque_artifact(candidate: Candidate) -> Artifact:
    """The artifact of an opaque file. Raises ModelFileError for one that cannot be read, or stored samples that err."""
    path = Path(candidate.source)
    digest, size = file_sha256(path), path.stat().st_size
    if size == 0:
        raise ModelFileError(f"{path} is empty (0 bytes): copy it again")
    return Artifact(
        candidate=candidate.name,
        recipe=None,
        path=str(path),
        sha256=digest,
        size_bytes=size,
        inputs=(),
        outputs=(),
        verification=_verification(candidate.samples),
    )


def _verification(samples: str | None) -> Verification:
    if samples is None:
        return Verification(golden_reason=_ONLY_INPUTS, accuracy_reason="the host cannot run this file")
    count = _stored_samples(Path(samples))
    digest = file_sha256(Path(samples))
    golden = GoldenOutputs(
        inputs_path=samples,
        inputs_sha256=digest,
        outputs_path=samples,
        outputs_sha256=digest,
        samples=count,
        real=True,
        runtime=f"the outputs stored in {Path(samples).name}",
        arch="",
        num_threads=1,
        delegate="none",
    )
    return Verification(golden=golden, accuracy_reason="the host cannot run this file")


def _stored_samples(path: Path) -> int:
    """How many samples inputs and outputs have alike. Raises ModelFileError."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            shapes = {name: archive[name].shape for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path} cannot be read as samples: {error}") from error
    for side in ("i", "o"):
        mine = sorted(name for name in shapes if name[:1] == side and name[1:].isdigit())
        if not mine or sorted(mine, key=lambda name: int(name[1:])) != [f"{side}{at}" for at in range(len(mine))]:
            raise ModelFileError(f"{path} has no arrays {side}0, {side}1...: {_ONLY_INPUTS}")
    counts = {shape[0] if shape else 0 for name, shape in shapes.items() if name[:1] in "io"}
    if len(counts) > 1 or not 0 < min(counts) <= MOST_SAMPLES:
        found = ", ".join(map(str, sorted(counts)))
        raise ModelFileError(f"{path}: its arrays hold {found} samples, expected one number up to {MOST_SAMPLES:,}")
    return counts.pop()
