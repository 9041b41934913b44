"""Artifacts are copied into a folder under names that people can read, with an index for machines."""

import re
import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from harness.pipeline.building.shelf import INDEX, ShelfIndex, Shelved, read_index, user_sources
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.errors import UsageError
from harness.records.files import open_regular, real_path, replace_file, replacing

_SPELLED = str.maketrans({":": ".", " ": None, '"': None, "'": None})
_UNREADABLE = re.compile(r"[^\w.+=,()-]+")
_NAME_LIMIT = 120
_CHUNK_BYTES = 1 << 20


def put_on_shelf(folder: Path, built: Iterable[tuple[Candidate, Artifact]]) -> None:
    """Add artifacts to a folder; what stands there of other candidates stays. Raises UsageError.

    The index is written last, and whole: a shelf that was interrupted shows what it held before.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index = read_index(folder) or ShelfIndex()
        entries = {entry.label: entry for entry in index.artifacts}
        for candidate, artifact in built:
            entries.pop(str(candidate), None)
            taken = {entry.artifact.path for entry in entries.values()}
            entries[str(candidate)] = _put(folder, candidate, artifact, taken)
        text = ShelfIndex(artifacts=tuple(entries[label] for label in sorted(entries))).model_dump_json(indent=2)
        replace_file(folder / INDEX, text.encode())
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written ({error.strerror}): choose another folder") from error


def _put(folder: Path, candidate: Candidate, artifact: Artifact, taken: set[str]) -> Shelved:
    name = _readable(candidate)
    if f"{name}.tflite" in taken:
        name = f"{name}-{sha256(str(candidate).encode()).hexdigest()[:8]}"
    golden, stages = artifact.golden, artifact.stages
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
    shelved = artifact.model_copy(update={"path": path, "golden": golden, "stages": stages})
    return Shelved(artifact=shelved, sources=user_sources(candidate))


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
