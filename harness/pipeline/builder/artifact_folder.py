"""A folder of built artifacts that is carried to machines without TensorFlow.

It may come from anywhere, so nothing in it is believed before it is checked: the index is bounded and read strictly,
its paths stay inside the folder, each file's sha256 is that of the index, and its Python runs only where it is the
candidate's own, byte for byte.
"""

import itertools
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final, Literal, Self

from pydantic import ValidationError

from harness.pipeline.cache import file_sha256
from harness.pipeline.source_hashes import user_source_hashes
from harness.records.artifact import Artifact, GoldenOutputs, StagesFile
from harness.records.base import Record
from harness.records.candidate import OF_THE_DATASET, Candidate
from harness.records.errors import BuildError, UsageError
from harness.records.files import open_regular, read_bytes, real_path, replace_file, replacing
from harness.records.nearest import nearest

INDEX: Final = "index.json"
_INDEX_LIMIT = 64 * 2**20
_PREPROCESSING: Final = Path(__file__).parents[1] / "model" / "data" / "preprocessing"
_MOST_BESIDE: Final = 1000
"""Files of the user's that are looked through for a data set's preprocessing."""
_REMEDY = "write it again with harness build --out"


class FolderEntry(Record):
    """One artifact; its paths are relative to the folder. ``sources`` are hashes of the user's code it is made by."""

    artifact: Artifact
    sources: dict[str, str] = {}

    @property
    def label(self) -> str:
        """As a candidate is written."""
        return f"{self.artifact.candidate}/{self.artifact.recipe}" if self.artifact.recipe else self.artifact.candidate


class FolderIndex(Record):
    """What stands in the folder's index.json."""

    schema_version: Literal[2] = 2
    artifacts: tuple[FolderEntry, ...] = ()


@dataclass(frozen=True)
class ArtifactFolder:
    """A folder that ``harness build --out`` wrote."""

    folder: Path
    entries: dict[str, FolderEntry]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The artifacts in a folder. Raises UsageError, one line, for anything that is none."""
        if not folder.is_dir():
            raise UsageError(f"--artifacts {folder}: there is no such folder: {_REMEDY} {folder}")
        index = read_index(folder)
        if index is None:
            raise UsageError(f"--artifacts {folder}: it has no {INDEX}: {_REMEDY} {folder}")
        return cls(real_path(folder), {entry.label: entry for entry in index.artifacts})

    def serves(self, candidate: Candidate) -> bool:
        """Whether a candidate is to be taken from here; a .tflite file as given is measured where it lies."""
        return candidate.kind != "tflite" or candidate.recipe is not None

    def take(self, candidate: Candidate) -> Artifact:
        """The artifact of a candidate, every file of it checked. Raises BuildError."""
        entry = self.entries.get(str(candidate))
        if entry is None:
            raise BuildError(f"{candidate} is not in {self.folder}{self._instead(candidate)}: {_REMEDY}")
        self._refuse_another_source(candidate, entry)
        return self.take_like(candidate)

    def take_like(self, candidate: Candidate, code: frozenset[str] = frozenset()) -> Artifact:
        """The artifact under a candidate's label, whatever code it was built from, with the candidate's own stages.

        ``code`` are sha256 of other stages files that may run, e.g. a base's. What stages stand here of a candidate
        that has none are left out. Raises BuildError, also where the stages are neither.
        """
        stages = self.entries[str(candidate)].artifact.stages
        if candidate.stages is None:
            return self._take(str(candidate), None)
        if stages is None:
            raise BuildError(f"{candidate} in {self.folder} was built without its pre- and post-processing: {_REMEDY}")
        if stages.sha256 not in code and not _is_own(stages.sha256, candidate):
            raise BuildError(
                f"{candidate} in {self.folder} comes with other pre- and post-processing than lies here, and a "
                f"folder's code is not run: {_REMEDY}"
            )
        return self._take(str(candidate), stages)

    def take_own(self, label: str) -> Artifact:
        """The artifact under a label of a folder that this session wrote itself, with its code. Raises BuildError."""
        return self._take(label, self.entries[label].artifact.stages)

    def _take(self, label: str, stages: StagesFile | None) -> Artifact:
        artifact = self.entries[label].artifact
        golden = self._golden(artifact.verification.golden)
        return artifact.model_copy(
            update={
                "path": self._check(artifact.path, artifact.sha256),
                "verification": artifact.verification.model_copy(update={"golden": golden}),
                "stages": stages
                and stages.model_copy(
                    update={
                        "path": self._check(stages.path, stages.sha256),
                        "raw_path": self._check(stages.raw_path, stages.raw_sha256),
                    }
                ),
                "cached": True,
            }
        )

    def _golden(self, golden: GoldenOutputs | None) -> GoldenOutputs | None:
        builtin = golden.builtin if golden else None
        return golden and golden.model_copy(
            update={
                "inputs_path": self._check(golden.inputs_path, golden.inputs_sha256),
                "outputs_path": self._check(golden.outputs_path, golden.outputs_sha256),
                "builtin": builtin
                and builtin.model_copy(
                    update={"outputs_path": self._check(builtin.outputs_path, builtin.outputs_sha256)}
                ),
            }
        )

    def _check(self, relative: str, sha256: str) -> str:
        if not relative.isprintable():
            raise BuildError(f"{self.folder / INDEX} names {relative!r}, which no artifact is called: {_REMEDY}")
        path = real_path(self.folder / relative)
        if PurePosixPath(relative).is_absolute() or not path.is_relative_to(self.folder):
            raise BuildError(f"{self.folder / INDEX} names {relative!r}, which lies outside the folder: {_REMEDY}")
        if file_sha256(path) != sha256:
            raise BuildError(f"{path} is not the file that was built (its sha256 differs): {_REMEDY}")
        return str(path)

    def _instead(self, candidate: Candidate) -> str:
        close = nearest(str(candidate), self.entries)
        return f", which has {close}" if close else f", which has {len(self.entries)} others" if self.entries else ""

    def _refuse_another_source(self, candidate: Candidate, entry: FolderEntry) -> None:
        """What was built from other code than stands here would be measured under a wrong name."""
        now = user_sources(candidate)
        # What is installed on one of two machines may lie beside the benchmarks on the other.
        changed = sorted(name for name in {*now} & {*entry.sources} if now[name] != entry.sources[name])
        if changed:
            names = ", ".join(changed[:3])
            raise BuildError(f"{candidate} in {self.folder} was built from another {names} than lies here: {_REMEDY}")


def read_index(folder: Path) -> FolderIndex | None:
    """The index of a folder; None where it has none. Raises UsageError for one that cannot be read."""
    path = folder / INDEX
    try:
        return FolderIndex.model_validate_json(read_bytes(path, max_bytes=_INDEX_LIMIT))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path} is damaged or of another version ({where}: {first['msg']}): {_REMEDY}") from error


def _is_own(sha256: str, candidate: Candidate) -> bool:
    """Whether a stages file is the one that the candidate names, or its data set's. Raises BuildError."""
    if candidate.stages != OF_THE_DATASET:
        return candidate.stages is not None and file_sha256(Path(candidate.stages)) == sha256
    # A data set's own file is ours, or lies beside the code that makes the candidate.
    beside = Path(candidate.base_dir).rglob("*.py") if candidate.base_dir else ()
    files = itertools.chain(_PREPROCESSING.glob("*.py"), itertools.islice(beside, _MOST_BESIDE))
    return any(file_sha256(file) == sha256 for file in files if file.is_file())


def user_sources(candidate: Candidate) -> dict[str, str]:
    """Hashes of the user's own code that makes a candidate, by module; empty where none is here."""
    if candidate.kind != "factory":
        return {}
    search = [candidate.base_dir] if candidate.base_dir else []
    return user_source_hashes(candidate.source.partition(":")[0], [*search, *(place for place in sys.path if place)])


_SPELLED = str.maketrans({":": ".", " ": None, '"': None, "'": None})
_UNREADABLE = re.compile(r"[^\w.+=,()-]+")
_NAME_LIMIT = 120
_CHUNK_BYTES = 1 << 20


def export_artifacts(folder: Path, built: Iterable[tuple[Candidate, Artifact]]) -> None:
    """Add artifacts to a folder; what stands there of other candidates stays. Raises UsageError.

    The index is written last, and whole: a folder that was interrupted shows what it held before.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index = read_index(folder) or FolderIndex()
        entries = {entry.label: entry for entry in index.artifacts}
        for candidate, artifact in built:
            entries.pop(str(candidate), None)
            taken = {entry.artifact.path for entry in entries.values()}
            entries[str(candidate)] = _copy_into(folder, candidate, artifact, taken)
        text = FolderIndex(artifacts=tuple(entries[label] for label in sorted(entries))).model_dump_json(indent=2)
        replace_file(folder / INDEX, text.encode())
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written ({error.strerror}): choose another folder") from error


def _copy_into(folder: Path, candidate: Candidate, artifact: Artifact, taken: set[str]) -> FolderEntry:
    name = _readable(candidate)
    if f"{name}.tflite" in taken:
        name = f"{name}-{sha256(str(candidate).encode()).hexdigest()[:8]}"
    golden, stages = artifact.verification.golden, artifact.stages
    builtin = golden.builtin if golden else None
    if golden is not None:
        golden = golden.model_copy(
            update={
                "inputs_path": _copy(golden.inputs_path, folder, f"golden/{name}.inputs.npz"),
                "outputs_path": _copy(golden.outputs_path, folder, f"golden/{name}.outputs.npz"),
                "builtin": builtin
                and builtin.model_copy(
                    update={"outputs_path": _copy(builtin.outputs_path, folder, f"golden/{name}.builtin.npz")}
                ),
            }
        )
    if stages is not None:
        stages = stages.model_copy(
            update={
                "path": _copy(stages.path, folder, f"stages/{name}/{Path(stages.path).name}"),
                "raw_path": _copy(stages.raw_path, folder, f"stages/{name}/raw.npz"),
            }
        )
    path = _copy(artifact.path, folder, f"{name}.tflite")
    verification = artifact.verification.model_copy(update={"golden": golden})
    exported = artifact.model_copy(
        update={"path": path, "verification": verification, "stages": stages, "test_set": None}
    )
    return FolderEntry(artifact=exported, sources=user_sources(candidate))


def _readable(candidate: Candidate) -> str:
    """A file name that is told from others at sight; a hash only where letters had to go."""
    spelled = str(candidate).replace(f"{candidate.name}/", f"{candidate.name}--", 1).translate(_SPELLED)
    name = _UNREADABLE.sub("_", spelled).strip(".")
    if name == spelled and len(name.encode()) <= _NAME_LIMIT:
        return name
    return f"{name.encode()[:_NAME_LIMIT].decode(errors='ignore')}-{sha256(str(candidate).encode()).hexdigest()[:8]}"


def _copy(source: str, folder: Path, relative: str) -> str:
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    if not real_path(target.parent).is_relative_to(real_path(folder)):
        raise UsageError(f"--out {folder}: {target.parent} leads out of it: choose another folder")
    with open_regular(Path(source)) as content, replacing(target) as copy:
        shutil.copyfileobj(content, copy, _CHUNK_BYTES)
    return relative
