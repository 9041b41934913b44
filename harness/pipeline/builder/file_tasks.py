"""The tasks of a .tflite file: complete it as it was given, or quantise it first."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

from harness.pipeline.builder.artifact_cache import ArtifactCache, Built, BuiltRecord, TaskContext
from harness.pipeline.builder.complete_artifact import (
    Found,
    complete_artifact,
    if_there,
    prepare_stages,
    reference_or_reason,
)
from harness.pipeline.builder.keys import file_data_sources, quantizing_sources
from harness.pipeline.builder.scheduler import Scheduler
from harness.pipeline.cache import (
    ARTIFACTS,
    PREPARED,
    file_sha256,
    folder_sha256,
    key,
    litert_version,
    quantizing_versions,
)
from harness.pipeline.check.inspection.delegation_client import refuse_unresolved_operators
from harness.pipeline.check.inspection.model_file import inspect_file
from harness.pipeline.model.conversion.fixed_file_client import (
    open_sizes,
    select_signature,
    shape_text,
    unknown_sizes_error,
)
from harness.pipeline.model.job import CALIBRATION, RAW, TEST, PreparedInfo
from harness.pipeline.worker.protocol import FileData, Fix, Quantize
from harness.records.artifact import Artifact
from harness.records.candidate import OF_THE_DATASET, Candidate

AS_GIVEN = "the file as given"
_DEADLINE_S = 60.0
_ABOUT = PreparedInfo(dataset=None, accuracy_reason="a model file has no test set")


@dataclass(frozen=True)
class GivenFileTasks:
    """What is done for a .tflite file that is measured as it is."""

    candidate: Candidate
    cache: ArtifactCache

    def complete(self, context: TaskContext) -> Artifact:
        """Check the file and make its record. Raises ModelFileError for one that LiteRT cannot take."""
        file = Path(self.candidate.source)
        refuse_unresolved_operators(file, inspect_file(file))
        return complete_artifact(self.candidate, as_given(self.candidate, self.cache, context), self.cache, context)


@dataclass(frozen=True)
class QuantizedFileTasks:
    """What is done for a .tflite file with a recipe; ``reference`` is the key of the task for the file as given."""

    candidate: Candidate
    reference: str
    cache: ArtifactCache
    scheduler: Scheduler

    @cached_property
    def folder(self) -> Path:
        """Where the quantised file is kept; its key holds all that decides its bytes."""
        data = _data_folder(self.candidate, Path(self.candidate.source), self.cache)
        stages = self.candidate.stages if self.candidate.stages != OF_THE_DATASET else None
        hashes = [_sha256(file) for file in (self.candidate.source, self.candidate.samples, stages)]
        hashes.append(self.candidate.signature)
        deciding = [hashes, data.name if data else None, quantizing_versions(), quantizing_sources()]
        return self.cache.cache_dir / ARTIFACTS / key(["tflite", self.candidate.recipe, self.cache.seed, *deciding])

    @property
    def convert_key(self) -> str:
        """The key of the task that quantises."""
        return f"convert {self.folder.name}"

    def convert(self, context: TaskContext) -> Built:
        """Make the quantised file."""
        self.scheduler.outcome(self.reference)  # raises what is wrong with the file as given
        source = as_given(self.candidate, self.cache, context)
        samples = self._calibration(source, context)

        def request(output: Path) -> Quantize:
            return Quantize(
                label=context.label,
                source=str(source.file),
                recipe=str(self.candidate.recipe),
                output=str(output),
                samples=samples,
                seed=self.cache.seed,
            )

        return self.cache.convert(self.folder, request, context, versions=quantizing_versions())

    def complete(self, context: TaskContext) -> Artifact:
        """Check the file against the one it was made from."""
        built = cast(Built, self.scheduler.outcome(self.convert_key))
        found = replace(
            as_given(self.candidate, self.cache, context),
            file=built.file,
            record=built.record,
            reference=reference_or_reason(self.scheduler, self.reference),
            cached=built.cached,
        )
        return complete_artifact(self.candidate, found, self.cache, context)

    def _calibration(self, source: Found, context: TaskContext) -> str | None:
        """Real inputs, best of all those of the data set's calibration part; None: there are none."""
        if source.calibration is not None:
            return str(source.calibration)
        staging = prepare_stages(self.candidate, source, self.cache, context)
        return staging.samples if staging else self.candidate.samples


def as_given(candidate: Candidate, cache: ArtifactCache, context: TaskContext) -> Found:
    """What is known of a file before it is run, with the data set that was named for it, if one was."""
    given = _GivenFile(candidate, cache, context)
    built, note = given.with_signature()
    file = built.file
    data = _data_folder(candidate, file, cache)
    about = _ABOUT
    if data is not None:
        request = FileData(
            label=context.label,
            model=str(file),
            data=str(candidate.data),
            base_dir=candidate.base_dir,
            folder=str(data),
        )
        about = cache.describe(request, context)
    fixed, shapes = given.with_sizes(built, data / TEST if data else None)
    return Found(
        file=fixed.file,
        record=fixed.record,
        about=about.model_copy(update={"notes": (*note, *shapes, *about.notes)}),
        test=data / TEST if data else None,
        raw=if_there(data / RAW) if data else None,
        calibration=data / CALIBRATION if data else None,
        reference="it is measured as it was given",
        reference_name=AS_GIVEN,
        cached=None,
        deadline_s=_DEADLINE_S,
    )


@dataclass(frozen=True)
class _GivenFile:
    """A file as it was given, and what of it is measured."""

    candidate: Candidate
    cache: ArtifactCache
    context: TaskContext

    def with_signature(self) -> tuple[Built, tuple[str, ...]]:
        """The file whose first graph is what is measured, with a sentence where there was a choice."""
        source = Path(self.candidate.source)
        record = BuiltRecord(sha256=file_sha256(source), build_s=0.0, versions={})
        selection = select_signature(source, inspect_file(source, compress=False), self.candidate.signature)
        note = () if selection.note is None else (selection.note,)
        given = Built(source, record, cached=True)
        if selection.signature is None:
            return given, note
        return self._written(given, signature=selection.signature, samples=None), note

    def with_sizes(self, given: Built, data: Path | None) -> tuple[Built, tuple[str, ...]]:
        """The file with every size known, from samples or the data set's, and a sentence that names them."""
        sizes = open_sizes(inspect_file(given.file, compress=False))
        if not sizes:
            return given, ()
        own = self.candidate.samples if self.candidate.stages is None else None
        samples = data or (Path(own) if own else None)
        if samples is None:
            raise unknown_sizes_error(Path(self.candidate.source), sizes)
        fixed = self._written(given, signature=None, samples=samples)
        inputs = inspect_file(fixed.file, compress=False).inputs
        return fixed, tuple(
            f'its input "{one.name}" is open ({shape_text(sizes[one.name])}) and measured at {shape_text(one.shape)}, '
            "as its samples are"
            for one in inputs
            if one.name in sizes
        )

    def _written(self, given: Built, *, signature: str | None, samples: Path | None) -> Built:
        deciding = [given.record.sha256, signature, file_sha256(samples) if samples else None]
        folder = self.cache.cache_dir / ARTIFACTS / key(["fixed", *deciding, litert_version(), quantizing_sources()])

        def request(output: Path) -> Fix:
            return Fix(
                label=self.context.label,
                source=str(given.file),
                output=str(output),
                signature=signature,
                samples=str(samples) if samples else None,
            )

        return self.cache.convert(folder, request, self.context, versions={})


def _data_folder(candidate: Candidate, file: Path, cache: ArtifactCache) -> Path | None:
    """Where the file's data set stands as the file takes it; None where none was named."""
    if candidate.data is None:
        return None
    from harness.pipeline.model.data import data_fingerprint

    holds = data_fingerprint(candidate.data, base_dir=candidate.base_dir)
    return cache.cache_dir / PREPARED / key(["file data", file_sha256(file), holds, file_data_sources()])


def _sha256(path: str | None) -> str | None:
    """The hash of a file, or of a folder of samples."""
    if path is None:
        return None
    return folder_sha256(Path(path)) if Path(path).is_dir() else file_sha256(Path(path))
