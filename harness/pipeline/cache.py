"""Where what was built is kept, and under which keys."""

import functools
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.records.errors import BuildError
from harness.records.files import open_regular

if TYPE_CHECKING:
    from filelock import BaseFileLock


WEIGHTS: Final = "weights"
PREPARED: Final = "prepared"
ARTIFACTS: Final = "artifacts"
GOLDEN: Final = "golden"
STAGES: Final = "stages"
KINDS: Final = (WEIGHTS, PREPARED, ARTIFACTS, GOLDEN, STAGES)
"""Folders of the cache that building fills; in each, one folder a key."""
PARTIAL: Final = ".partial"
"""Ends the name of a folder that is being made, under the lock of the one it will be."""

_NAME: Final = ".name"
_LONGEST_NAME: Final = 4096

_BUILT_WITH: Final[tuple[tuple[str, ...], ...]] = (
    ("tensorflow-cpu", "tensorflow"),
    ("keras",),
    ("numpy",),
    ("scikit-learn",),
)
"""Distributions whose versions decide what is built; the first installed of each."""

_HERE = Path(__file__).parent
_RUNNING_SOURCES = (
    "check/*.py",
    "check/verification/*.py",
    "check/stages/*.py",
    "check/inspection/graph.py",
    "check/inspection/index_inputs.py",
    "check/inspection/layer_names.py",
    "../stats/paired.py",
)


def lock(folder: Path) -> "BaseFileLock":
    """A lock between processes for what will stand in a folder."""
    from filelock import FileLock  # takes longer to import than all of this room

    folder.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{folder}.lock")


def note_name(folder: Path, name: str) -> None:
    """Keep, beside a folder, for which candidate it was used last: its key tells people nothing."""
    with suppress(OSError):
        if noted_name(folder) != name:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.with_name(folder.name + _NAME).write_text(name, encoding="utf-8", errors="replace")


def noted_name(folder: Path) -> str | None:
    """The candidate that a folder was last used for; None for one that was made before names were kept."""
    try:
        with open_regular(folder.with_name(folder.name + _NAME)) as stream:
            return stream.read(_LONGEST_NAME).decode(errors="replace")
    except OSError:
        return None


def forget_name(folder: Path) -> None:
    """Remove what ``note_name`` kept."""
    folder.with_name(folder.name + _NAME).unlink(missing_ok=True)


@contextmanager
def fill_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name when all went well and is gone otherwise. The caller holds the lock."""
    partial = folder.with_name(folder.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_unfinished(cache_dir: Path) -> None:
    """Remove what processes that were killed left half made; what somebody is at work on is left alone."""
    from filelock import Timeout

    for partial in (path for kind in KINDS for path in (cache_dir / kind).glob(f"*{PARTIAL}")):
        with suppress(Timeout, OSError), lock(partial.with_name(partial.name.removesuffix(PARTIAL))).acquire(timeout=0):
            shutil.rmtree(partial, ignore_errors=True)


def building_versions() -> dict[str, str]:
    """Versions of what builds, by the distribution's name; what is not installed is left out."""
    return {name: found for names in _BUILT_WITH for name, found in [_first_installed(names)] if found}


def litert_version() -> str | None:
    """The version of LiteRT on this host, or None."""
    return _first_installed(("ai-edge-litert",))[1]


def quantizing_versions() -> dict[str, str]:
    """Versions of what quantises a .tflite file."""
    named = ((name,) for name in ("litert-quantizer", "ai-edge-litert", "numpy"))
    return {name: found for names in named for name, found in [_first_installed(names)] if found}


def key(parts: object) -> str:
    """sha256 of anything JSON can write, independent of the order of keys."""
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def running_key() -> str:
    """Changes whenever the harness' own code that runs models on the host does."""
    files = sorted(file for pattern in _RUNNING_SOURCES for file in _HERE.glob(pattern))
    return key([[file.name, file_sha256(file)] for file in files])


def file_sha256(path: Path) -> str:
    """The file's sha256 in hex. Raises BuildError where it cannot be read."""
    try:
        with open_regular(path) as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror or error}") from error


def folder_sha256(folder: Path) -> str:
    """sha256 over the names and contents of all files in a folder. Raises BuildError where one cannot be read."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return key([[file.relative_to(folder).as_posix(), file_sha256(file)] for file in files])


@functools.cache
def _first_installed(names: tuple[str, ...]) -> tuple[str, str | None]:
    for name in names:
        with suppress(PackageNotFoundError):
            return name, version(name)
    return names[0], None


REMADE: Final = tuple(kind for kind in KINDS if kind != WEIGHTS)
"""Made again in seconds; trained weights are removed only where they are named."""
_DAY_S = 86_400.0


@dataclass(frozen=True)
class CachedFolder:
    """One folder of the cache: what kind, its bytes, and when it was last made or used (seconds since the epoch)."""

    kind: str
    key: str
    path: Path
    size_bytes: int
    used_at: float
    name: str | None = None
    """The candidate that it was used for last; None where that was not kept."""

    def days_unused(self, now: float) -> float:
        """Days since it was last used."""
        return max(0.0, now - self.used_at) / _DAY_S


@dataclass(frozen=True)
class Pruned:
    """What was removed, and what was left because a build holds it."""

    removed: tuple[CachedFolder, ...]
    in_use: tuple[CachedFolder, ...]


def list_cached(cache_dir: Path, kinds: Sequence[str] = KINDS) -> list[CachedFolder]:
    """What stands in the cache, kind by kind, what was used last first."""
    found = [entry for kind in kinds for entry in _of_kind(cache_dir / kind, kind)]
    return sorted(found, key=lambda entry: (KINDS.index(entry.kind), -entry.used_at))


def prune_folders(
    cache_dir: Path, kinds: Sequence[str], *, older_than_days: float = 0.0, now: float | None = None
) -> Pruned:
    """Remove what was not used for so many days; what a build holds the lock of stays."""
    from filelock import Timeout

    moment = time.time() if now is None else now
    removed, in_use = [], []
    for entry in list_cached(cache_dir, kinds):
        if entry.days_unused(moment) < older_than_days:
            continue
        try:
            with lock(entry.path).acquire(timeout=0):
                shutil.rmtree(entry.path)
                forget_name(entry.path)
            removed.append(entry)
        except Timeout:
            in_use.append(entry)
    return Pruned(tuple(removed), tuple(in_use))


def _of_kind(folder: Path, kind: str) -> Iterator[CachedFolder]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if not path.is_dir() or path.name.endswith(PARTIAL):
            continue
        with suppress(FileNotFoundError):  # another process may prune too
            yield CachedFolder(kind, path.name, path, _size(path), path.stat().st_mtime, noted_name(path))


def _size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())
