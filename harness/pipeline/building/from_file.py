"""The tasks of a .tflite file: complete it as it was given, or quantise it first."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.pipeline.building.completing import Found, completed, reference_or_reason, staged_samples
from harness.pipeline.building.crew import Crew
from harness.pipeline.building.jobs import PreparedInfo
from harness.pipeline.building.keys import quantizing_sources
from harness.pipeline.building.requests import Quantize
from harness.pipeline.building.workshop import Built, BuiltRecord, Desk, Workshop
from harness.pipeline.cache import ARTIFACTS, file_sha256, key, quantizing_versions
from harness.pipeline.inspection.model_file import inspect_file, refuse_unknown_operators
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate

AS_GIVEN = "the file as given"
_DEADLINE_S = 60.0
_ABOUT = PreparedInfo(dataset=None, accuracy_reason="a model file has no test set")


@dataclass(frozen=True)
class AsGiven:
    """What is done for a .tflite file that is measured as it is."""

    candidate: Candidate
    shop: Workshop

    def complete(self, desk: Desk) -> Artifact:
        """Check the file and make its record. Raises ModelFileError for one that no runtime can take."""
        file = Path(self.candidate.source)
        refuse_unknown_operators(file, inspect_file(file))
        return completed(self.candidate, _found(file), self.shop, desk)


@dataclass(frozen=True)
class Quantized:
    """What is done for a .tflite file with a recipe; ``reference`` is the key of the task for the file as given."""

    candidate: Candidate
    reference: str
    shop: Workshop
    crew: Crew

    @property
    def folder(self) -> Path:
        """Where the quantised file is kept; its key holds all that decides its bytes."""
        files = [self.candidate.source, self.candidate.samples, self.candidate.stages]
        hashes = [_sha256(file) for file in files]
        made_by = [quantizing_versions(), quantizing_sources()]
        return self.shop.cache_dir / ARTIFACTS / key(["tflite", self.candidate.recipe, self.shop.seed, hashes, made_by])

    @property
    def converting(self) -> str:
        """The key of the task that quantises."""
        return f"convert {self.folder.name}"

    def convert(self, desk: Desk) -> Built:
        """Make the quantised file."""
        self.crew.outcome(self.reference)  # raises what is wrong with the file as given
        source = Path(self.candidate.source)
        staging = staged_samples(self.candidate, _found(source), self.shop, desk)
        samples = staging.samples if staging else self.candidate.samples

        def request(output: Path) -> Quantize:
            return Quantize(
                label=desk.label,
                source=str(source),
                recipe=str(self.candidate.recipe),
                output=str(output),
                samples=samples,
                seed=self.shop.seed,
            )

        return self.shop.convert(self.folder, request, desk, versions=quantizing_versions())

    def complete(self, desk: Desk) -> Artifact:
        """Check the file against the one it was made from."""
        built = cast(Built, self.crew.outcome(self.converting))
        found = Found(
            file=built.file,
            record=built.record,
            about=_ABOUT,
            test=None,
            raw=None,
            reference=reference_or_reason(self.crew, self.reference),
            reference_name=AS_GIVEN,
            cached=built.cached,
            deadline_s=_DEADLINE_S,
        )
        return completed(self.candidate, found, self.shop, desk)


def _found(file: Path) -> Found:
    """A file as given, with nothing to compare it with."""
    return Found(
        file=file,
        record=BuiltRecord(sha256=file_sha256(file), build_s=0.0, versions={}),
        about=_ABOUT,
        test=None,
        raw=None,
        reference="it is measured as it was given",
        reference_name=AS_GIVEN,
        cached=None,
        deadline_s=_DEADLINE_S,
    )


def _sha256(path: str | None) -> str | None:
    """A file's hash; of a folder of samples, and of what is not there, nothing: staging tells."""
    return file_sha256(Path(path)) if path and Path(path).is_file() else None
