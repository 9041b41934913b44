"""The clips of Speech Commands, from its archive or from the folder where that was unpacked."""

import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from harness.pipeline.model.data.published import SPEECH_COMMANDS_LISTS, Found
from harness.records.errors import BuildError

_MOST_BYTES: Final = 1 << 24


@dataclass(frozen=True)
class Listing:
    """All clips by name (word/file.wav), and those that the publisher set aside."""

    clips: tuple[str, ...]
    validation: frozenset[str]
    testing: frozenset[str]


def listing(found: Found) -> Listing:
    """What there is. Raises BuildError."""
    clips: list[str] = []
    lists: dict[str, frozenset[str]] = {}

    def wanted(name: str) -> bool:
        if name.endswith(".wav") and len(PurePosixPath(name).parts) == 2:
            clips.append(name)
        return name in SPEECH_COMMANDS_LISTS

    for name, content in contents(found, wanted):
        lists[name] = frozenset(content.decode("ascii", "replace").split())
    missing = [name for name in SPEECH_COMMANDS_LISTS if name not in lists]
    if missing or not clips:
        raise BuildError(
            f"{_where(found)} has no {' and no '.join([*missing, *(['.wav files'] if not clips else [])])}"
        )
    return Listing(tuple(sorted(clips)), *(lists[name] for name in SPEECH_COMMANDS_LISTS))


def contents(found: Found, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files that are wanted, each name being asked about once. Raises BuildError."""
    try:
        yield from _in_folder(found, wanted) if found.unpacked else _in_archive(found, wanted)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise BuildError(f"{_where(found)} cannot be read: {error}: remove it and build again") from error


def _in_folder(found: Found, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for name in found.content():
        if wanted(name):
            with found.path(name).open("rb") as stream:
                yield name, stream.read(_MOST_BYTES)


def _in_archive(found: Found, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """In the order of the archive, which is read as a stream; nothing of it is unpacked onto the disk."""
    with tarfile.open(found.path(found.names[0]), "r|gz") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isfile() and wanted(name) and (stream := archive.extractfile(member)):
                yield name, stream.read(_MOST_BYTES)


def _where(found: Found) -> str:
    return str(found.folder if found.unpacked else found.path(found.names[0]))
