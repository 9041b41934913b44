"""Where what was built is kept, and under which keys."""

import functools
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    "verification/*.py",
    "inspection/graph.py",
    "inspection/index_inputs.py",
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
def made_whole(folder: Path) -> Iterator[Path]:
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


def sweep(cache_dir: Path) -> None:
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
