"""From candidates to artifacts, each built once whoever asks."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.pipeline.building.jobs import INFO, TEST, BuildJob, PreparedInfo
from harness.pipeline.building.order import BuiltRecord, Order, order_for
from harness.pipeline.building.worker_process import Worker
from harness.pipeline.cache import default_cache_dir, file_sha256, lock
from harness.pipeline.inspection.model_file import ModelInfo, inspect_file, refuse_unknown_operators
from harness.pipeline.verification.expected import Expected, Inputs, expected_outputs
from harness.records.artifact import AccuracyResult, Artifact
from harness.records.candidate import Candidate
from harness.records.errors import BuildError, EntryError

Progress = Callable[[str], None]

_STRANGER_DEADLINE_S = 60.0
_BUILT_DEADLINE_S = 600.0
"""A whole test set may be run through a model that was built here."""
_MODEL = "model.tflite"
_RECORD = "built.json"


def build(
    candidate: Candidate, *, cache_dir: Path | None = None, seed: int = 0, progress: Progress | None = None
) -> Artifact:
    """The artifact of one candidate; see Builder for several. Raises BuildError or ModelFileError."""
    with Builder(cache_dir=cache_dir, seed=seed, progress=progress) as builder:
        return builder.build(candidate)


def build_many(
    candidates: Sequence[Candidate],
    *,
    cache_dir: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Artifact | EntryError]:
    """The artifact of each candidate, in order, or the error it met; one TensorFlow process serves all."""
    with Builder(cache_dir=cache_dir, seed=seed, progress=progress) as builder:
        return [_artifact_or_error(builder, candidate) for candidate in candidates]


@dataclass(frozen=True)
class _Parts:
    """All that is known of an artifact, from where it was found out."""

    file: Path
    record: BuiltRecord
    info: ModelInfo
    about: PreparedInfo
    expected: Expected


class Builder:
    """Builds candidates one after another with one TensorFlow process, which starts when something must be built.

    ``cache_dir`` None is edge-harness under the user's cache folder. Several processes may share it: a lock for
    each artifact lets the others wait and then take what the first built.
    """

    def __init__(self, *, cache_dir: Path | None = None, seed: int = 0, progress: Progress | None = None) -> None:
        self._cache_dir = (cache_dir or default_cache_dir()).resolve()
        self._seed = seed
        self._progress = progress
        self._worker = Worker()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the TensorFlow process, if one was started."""
        self._worker.close()

    def build(self, candidate: Candidate) -> Artifact:
        """The artifact of a candidate. Raises BuildError, or ModelFileError for a file that is no model."""
        try:
            if candidate.kind == "tflite":
                return self._given(candidate)
            return self._built(candidate)
        except OSError as error:
            where = error.filename or self._cache_dir
            raise BuildError(f"{candidate}: {where}: {error.strerror or error}; check the cache folder") from error

    def _given(self, candidate: Candidate) -> Artifact:
        file = Path(candidate.source)
        info = inspect_file(file)
        refuse_unknown_operators(file, info)
        self._say(candidate, "running it on the host")
        samples = Path(candidate.samples) if candidate.samples else None
        sha256 = file_sha256(file)
        expected = self._expected(file, sha256, samples=samples, deadline_s=_STRANGER_DEADLINE_S)
        about = PreparedInfo(dataset=None, accuracy_reason="a model file has no test set")
        record = BuiltRecord(sha256=sha256, build_s=0.0, versions={})
        parts = _Parts(file, record, info, about, expected)
        return _artifact(candidate, parts, cached=expected.cached)

    def _built(self, candidate: Candidate) -> Artifact:
        order = order_for(candidate, seed=self._seed, cache_dir=self._cache_dir)
        folder = self._cache_dir / "artifacts" / order.artifact_key
        with lock(folder):
            record = _usable(folder, order)
            cached = record is not None
            if record is None:
                record = self._convert(candidate, order, folder)
        file = folder / _MODEL
        about = PreparedInfo.model_validate_json((order.prepared / INFO).read_text())
        samples = order.prepared / TEST if about.dataset else None
        expected = self._expected(file, record.sha256, samples=samples, deadline_s=_BUILT_DEADLINE_S)
        return _artifact(candidate, _Parts(file, record, inspect_file(file), about, expected), cached=cached)

    def _convert(self, candidate: Candidate, order: Order, folder: Path) -> BuiltRecord:
        """Have the worker build into a folder beside, and give it its name when it is whole."""
        partial = folder.with_suffix(".partial")
        for leftover in (partial, folder):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        started = time.monotonic()
        job = BuildJob(
            model=order.model,
            stages=list(order.stages),
            recipe=order.recipe,
            seed=self._seed,
            prepared=str(order.prepared),
            output=str(partial / _MODEL),
        )
        self._worker.run(job, lambda step: self._say(candidate, step))
        record = BuiltRecord(
            sha256=file_sha256(partial / _MODEL),
            build_s=round(time.monotonic() - started, 3),
            versions=order.versions,
        )
        (partial / _RECORD).write_text(record.model_dump_json())
        partial.rename(folder)
        return record

    def _expected(self, file: Path, sha256: str, *, samples: Path | None, deadline_s: float) -> Expected:
        inputs = Inputs(samples, self._seed)
        return expected_outputs(file, sha256, inputs=inputs, cache_dir=self._cache_dir, deadline_s=deadline_s)

    def _say(self, candidate: Candidate, step: str) -> None:
        if self._progress is not None:
            self._progress(f"{candidate}: {step}")


def _artifact_or_error(builder: Builder, candidate: Candidate) -> Artifact | EntryError:
    try:
        return builder.build(candidate)
    except EntryError as error:
        return error


def _usable(folder: Path, order: Order) -> BuiltRecord | None:
    """What an earlier build left, if it is whole and its bytes are those that were built."""
    if not ((folder / _RECORD).exists() and (order.prepared / INFO).exists()):
        return None
    record = BuiltRecord.model_validate_json((folder / _RECORD).read_text())
    return record if file_sha256(folder / _MODEL) == record.sha256 else None


def _artifact(candidate: Candidate, parts: _Parts, *, cached: bool) -> Artifact:
    expected, accuracy = parts.expected, _accuracy(parts.expected, parts.about)
    reason = parts.about.accuracy_reason or expected.reason or "its output names no class"
    return Artifact(
        candidate=candidate.name,
        recipe=candidate.recipe,
        path=str(parts.file),
        sha256=parts.record.sha256,
        size_bytes=parts.info.size_bytes,
        inputs=parts.info.inputs,
        outputs=parts.info.outputs,
        accuracy=accuracy,
        accuracy_reason=None if accuracy else reason,
        golden=expected.golden,
        golden_reason=expected.reason,
        cached=cached,
        build_s=parts.record.build_s,
        versions=parts.record.versions,
    )


def _accuracy(expected: Expected, about: PreparedInfo) -> AccuracyResult | None:
    if about.dataset is None or expected.golden is None or expected.correct is None:
        return None
    return AccuracyResult(
        value=expected.correct / expected.n,
        correct=expected.correct,
        n=expected.n,
        dataset=about.dataset,
        obtained=f"top-1 on {expected.n} held-out samples, by {expected.golden.runtime} on the host",
    )
