"""One hash over many files, kept while none of them changes, since large data is asked for at every build."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final

from harness.pipeline.cache import key
from harness.records.cache_dir import default_cache_dir
from harness.records.errors import BuildError
from harness.records.files import open_regular, replace_file

_SMALL_BYTES: Final = 1 << 20
"""Less is hashed anew each time."""
_SETTLED_S: Final = 2.0
"""A file written so recently may change again without a new time stamp."""


@dataclass(frozen=True)
class HashedFile:
    """A file, and the name under which it counts."""

    name: str
    path: Path


def hash_of(files: Iterable[HashedFile], *, algorithm: str = "sha256") -> str:
    """A hash over names and contents. Raises BuildError for a file that cannot be read."""
    listed = sorted(files, key=lambda file: file.name)
    try:
        stats = [file.path.stat() for file in listed]
        large = sum(stat.st_size for stat in stats) > _SMALL_BYTES
        settled = max((stat.st_mtime for stat in stats), default=0.0) < time.time() - _SETTLED_S
        if not (large and settled):
            return _content(listed, algorithm)
        seen = [
            [file.name, str(file.path), stat.st_size, stat.st_mtime_ns]
            for file, stat in zip(listed, stats, strict=True)
        ]
        return _kept(default_cache_dir() / "datasets" / "hashes" / key([algorithm, seen]), listed, algorithm)
    except OSError as error:
        raise BuildError(f"{error.filename} cannot be read: {error.strerror or error}") from error


def _content(files: list[HashedFile], algorithm: str) -> str:
    return key([[file.name, _digest(file.path, algorithm)] for file in files])


def _digest(path: Path, algorithm: str) -> str:
    with open_regular(path) as stream:
        return file_digest(stream, algorithm).hexdigest()


def _kept(note: Path, files: list[HashedFile], algorithm: str) -> str:
    """The hash as it was noted, or made and noted; where nothing can be noted, it is made each time."""
    with suppress(OSError, UnicodeDecodeError):
        noted = note.read_text(encoding="ascii")
        if len(noted) == len(key([])):
            return noted
    content = _content(files, algorithm)
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        replace_file(note, content.encode())
    return content
