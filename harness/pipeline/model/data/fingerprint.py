"""What decides a data set's content, as one hash for the keys of builds. Without numpy.

A hash over many files is kept while none of them changes, since large data is asked for at every build.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from harness.pipeline.cache import key
from harness.pipeline.model.data.data_words import DATASETS, NamedDataset, UserDataWord, parse_data_word
from harness.pipeline.model.data.published import Published, find
from harness.pipeline.model.data.user_data_files import user_data_files
from harness.pipeline.source_hashes import harness_source_hashes
from harness.records.cache_dir import default_cache_dir
from harness.records.errors import BuildError, CandidateSpecError
from harness.records.files import open_regular, replace_file

_SMALL_BYTES: Final = 1 << 20
"""Less is hashed anew each time."""
_SETTLED_S: Final = 2.0
"""A file written so recently may change again without a new time stamp."""
_ROOM: Final = "harness.pipeline.model.data"


def data_fingerprint(word: str, *, base_dir: str | None = None) -> str:
    """Changes when the data that a word stands for would: its files, its package's version, the code that reads it.

    The folder where files lie does not count. Published files that are not here yet count as what they will be when
    they are downloaded. Raises BuildError for a word that stands for nothing, and for files that cannot be read.
    """
    try:
        parsed = parse_data_word(word, base_dir)
    except CandidateSpecError as error:
        raise BuildError(str(error)) from error
    if isinstance(parsed, UserDataWord):
        files = [HashedFile(name, path) for name, path in user_data_files(parsed.path)]
        return key(["own", hash_of(files), _code(f"{_ROOM}.user_data")])
    named = DATASETS[parsed.name]
    return key([str(parsed), _published(named.published), _version(named), _code(named.loader)])


def _published(published: Published | None) -> str | None:
    if published is None:
        return None
    found = find(published)
    if found is None:
        return key([[file.name, file.digest] for file in published.downloads])
    # With the publisher's own algorithm, files that were downloaded count as they did before they were.
    algorithm = published.downloads[0].algorithm
    return hash_of((HashedFile(name, found.path(name)) for name in found.content()), algorithm=algorithm)


def _version(named: NamedDataset) -> str | None:
    if named.distribution:
        with suppress(PackageNotFoundError):
            return version(named.distribution)
    return None


def _code(module: str) -> dict[str, str]:
    return harness_source_hashes(module, (_ROOM, "harness.pipeline.model.dataset"))


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
        return _noted_hash(default_cache_dir() / "datasets" / "hashes" / key([algorithm, seen]), listed, algorithm)
    except OSError as error:
        raise BuildError(f"{error.filename} cannot be read: {error.strerror or error}") from error


def _content(files: list[HashedFile], algorithm: str) -> str:
    return key([[file.name, _digest(file.path, algorithm)] for file in files])


def _digest(path: Path, algorithm: str) -> str:
    with open_regular(path) as stream:
        return file_digest(stream, algorithm).hexdigest()


def _noted_hash(note: Path, files: list[HashedFile], algorithm: str) -> str:
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
