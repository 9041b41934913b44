"""What running a model on the host showed: asked of a worker once, then read."""

import platform
from pathlib import Path

from pydantic import ValidationError

from harness.pipeline.builder.artifact_cache import ArtifactCache, TaskContext
from harness.pipeline.cache import GOLDEN, file_sha256, fill_folder, key, litert_version, lock, running_key
from harness.pipeline.worker.protocol import Verify
from harness.records.artifact import GoldenOutputs, Verification
from harness.records.errors import BuildError

_CHECKED = "checked.json"


def load_or_verify(cache: ArtifactCache, context: TaskContext, request: Verify) -> tuple[Verification, bool]:
    """What is known of a model from running it, and whether that was known before. Raises BuildError."""
    folder = cache.cache_dir / GOLDEN / _key(request)
    found = _read(folder)
    if found is not None:
        cache.note_names([folder, *_places(found)], context)
        return found, True
    context.say("checking it on the host")
    result = Verification.model_validate_json(cache.ask(request, context).result)
    if result.golden is not None:  # a host that refused it may have been short of memory or time
        with lock(folder), fill_folder(folder) as partial:
            (partial / _CHECKED).write_text(result.model_dump_json(), encoding="utf-8")
        cache.note_names([folder, *_places(result)], context)
    return result, False


def _places(found: Verification) -> list[Path]:
    """The folders of the outputs that it speaks of."""
    return [Path(path).parent for path in found.golden.files] if found.golden is not None else []


def _key(request: Verify) -> str:
    paths = {"label", "model", "reference", "samples", "cache_dir", "deadline_s"}
    asked = request.model_dump(exclude=dict.fromkeys(paths, True) | {"metric": {"search", "truth"}})
    files = [request.samples, request.metric.truth if request.metric else None]
    samples = [file_sha256(Path(file)) if file else None for file in files]
    return key(["checked", asked, samples, litert_version(), platform.machine(), running_key()])


def _read(folder: Path) -> Verification | None:
    """What was found before, if the outputs it speaks of are still there, byte for byte."""
    try:
        found = Verification.model_validate_json((folder / _CHECKED).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError, ValueError):
        return None
    return found if found.golden is not None and _is_whole(found.golden) else None


def _is_whole(golden: GoldenOutputs) -> bool:
    wanted = golden.files
    try:
        return all(file_sha256(Path(path)) == sha256 for path, sha256 in wanted.items())
    except BuildError:
        return False
