"""The accuracy of outputs that a board gave for the whole test set, by the same rules as on the host."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.pipeline.cache import file_sha256, lock
from harness.pipeline.check.verification.accuracy import accuracy_of, drop_between
from harness.pipeline.check.verification.golden_client import HostInputs, HostOutputs, run_on_host
from harness.pipeline.check.verification.litert import Array
from harness.pipeline.check.verification.own_metric_client import MetricSource, score_by_own_metric
from harness.pipeline.check.verification.samples import INPUT, read_samples
from harness.pipeline.check.verification.scoring import NoScoreError, score_outputs
from harness.records.artifact import AccuracyDrop, AccuracyResult, Artifact, HeldOutInputs, HeldOutSet
from harness.records.errors import BuildError

_FOLDER = "test_sets"


def write_test_inputs(test_set: HeldOutSet, cache_dir: Path) -> HeldOutInputs:
    """The inputs of a test set without what is right of them, kept by the file's content. Raises BuildError."""
    source = Path(test_set.samples)
    path = cache_dir / _FOLDER / f"{file_sha256(source)}.npz"
    with lock(path):
        if not path.exists():
            partial = path.with_suffix(".partial.npz")
            with np.load(source, allow_pickle=False) as arrays:
                np.savez(partial, allow_pickle=False, **{n: arrays[n] for n in arrays.files if INPUT.fullmatch(n)})
            partial.replace(path)
    with np.load(path, allow_pickle=False) as arrays:
        n = len(arrays["i0"])
    return HeldOutInputs(path, file_sha256(path), n)


def score_board_outputs(
    artifact: Artifact, test_set: HeldOutSet, outputs: Sequence[Array], *, where: str, cache_dir: Path
) -> tuple[AccuracyResult, AccuracyDrop | None]:
    """The accuracy of ``outputs``, an array an output with every sample, and what was lost against the reference.

    The reference stays the host's. Raises BuildError where the outputs say nothing of the test set.
    """
    with tempfile.TemporaryDirectory(prefix="edge-harness-test-set-") as folder:
        return _score(artifact, test_set, outputs, Path(folder), where=where, cache_dir=cache_dir)


def _score(  # noqa: PLR0913 - by keyword
    artifact: Artifact, test_set: HeldOutSet, outputs: Sequence[Array], folder: Path, *, where: str, cache_dir: Path
) -> tuple[AccuracyResult, AccuracyDrop | None]:
    reference = _reference(test_set, cache_dir)
    kept = folder / "scores.npz"
    own = HostOutputs(None, None, outputs=artifact.outputs, scores=kept, n=len(outputs[0]))
    if test_set.metric is not None:
        np.savez(kept, allow_pickle=False, **{f"o{index}": one for index, one in enumerate(outputs)})
        source = MetricSource(
            metric=test_set.metric, search=test_set.search, sources={}, truth=test_set.truth or test_set.samples
        )
        found = score_by_own_metric(source, own, reference, dataset=test_set.dataset, where=where)
        return found.accuracy, found.drop
    samples = read_samples(test_set.samples, artifact.inputs)
    try:
        scored = score_outputs(outputs, samples, artifact.inputs, artifact.outputs, score=test_set.score)
    except NoScoreError as error:
        raise BuildError(f"{artifact.candidate}: {error}") from error
    np.savez(kept, allow_pickle=False, **scored)
    accuracy = accuracy_of(own, dataset=test_set.dataset, where=where)
    if accuracy is None:
        raise BuildError(f"{artifact.candidate}: its outputs were not scored")
    return accuracy, drop_between(own, reference) if reference is not None else None


def _reference(test_set: HeldOutSet, cache_dir: Path) -> HostOutputs | None:
    """What the reference gave on the host, which is kept there; None where there is no reference."""
    if test_set.reference is None or test_set.reference_sha256 is None:
        return None
    return run_on_host(
        Path(test_set.reference),
        test_set.reference_sha256,
        inputs=HostInputs(Path(test_set.samples), test_set.seed),
        score="own" if test_set.metric is not None else test_set.score,
        cache_dir=cache_dir,
        deadline_s=test_set.deadline_s,
    )
