"""Where what was built is kept, and under which keys."""

import json
from collections.abc import Sequence
from contextlib import suppress
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.records.errors import BuildError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_BUILT_WITH: Final[tuple[tuple[str, ...], ...]] = (
    ("tensorflow-cpu", "tensorflow"),
    ("keras",),
    ("numpy",),
    ("scikit-learn",),
)
"""Distributions whose versions decide what is built; the first installed of each."""

_HERE = Path(__file__).parent
_BUILDING_SOURCES = ("dataset.py", "building/worker.py", "conversion/*.py", "training/*.py", "steps/*.py")
_RUNNING_SOURCES = ("verification/*.py",)


def default_cache_dir() -> Path:
    """edge-harness under the user's cache folder (XDG_CACHE_HOME where it is set)."""
    from platformdirs import user_cache_path

    return user_cache_path("edge-harness", appauthor=False)


def lock(folder: Path) -> "BaseFileLock":
    """A lock between processes for what will stand in a folder."""
    from filelock import FileLock  # takes longer to import than all of this room

    folder.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{folder}.lock")


def building_versions() -> dict[str, str]:
    """Versions of what builds, by the distribution's name; what is not installed is left out."""
    found = {}
    for names in _BUILT_WITH:
        for name in names:
            with suppress(PackageNotFoundError):
                found[name] = version(name)
                break
    return found


def litert_version() -> str | None:
    """The version of LiteRT on this host, or None."""
    try:
        return version("ai-edge-litert")
    except PackageNotFoundError:
        return None


def key(parts: object) -> str:
    """sha256 of anything JSON can write, independent of the order of keys."""
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def building_key() -> str:
    """Changes whenever the harness' own code that builds does."""
    return _sources_key(_BUILDING_SOURCES)


def running_key() -> str:
    """Changes whenever the harness' own code that runs models on the host does."""
    return _sources_key(_RUNNING_SOURCES)


def file_sha256(path: Path) -> str:
    """The file's sha256 in hex. Raises BuildError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror or error}") from error


def _sources_key(patterns: Sequence[str]) -> str:
    files = sorted(file for pattern in patterns for file in _HERE.glob(pattern))
    return key([[file.name, file_sha256(file)] for file in files])
