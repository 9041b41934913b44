"""Published files that are not on this machine are downloaded into the cache, checked, and only then named."""

import http.client
import time
import urllib.error
import urllib.request
from hashlib import new
from pathlib import Path
from typing import IO, Final

from harness.pipeline.cache import lock
from harness.pipeline.model.data.published import FoundFiles, Published, PublishedFile, cache_folder, find
from harness.records.errors import BuildError
from harness.records.files import replacing
from harness.records.text import shorten

_PATIENCE_S: Final = 20.0
"""How long a server may say nothing."""
_DEADLINE_S: Final = 1500.0
"""For one file; a worker that is silent for half an hour is given up."""
_CHUNK_BYTES: Final = 1 << 20


class _UnusableError(Exception):
    """A download that came to its end and is not the file."""


def find_or_download(published: Published) -> FoundFiles:
    """The files on this machine, downloaded where they are not. Raises BuildError that says where to put which."""
    found = find(published)
    if found is not None:
        return found
    folder = cache_folder(published)
    try:
        with lock(folder):
            for file in published.downloads:
                if not (folder / file.name).is_file():
                    _download(file, folder)
    except (OSError, http.client.HTTPException, _UnusableError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer too, with its connection
        raise BuildError(_instruction(published, folder, error)) from error
    return FoundFiles(folder, tuple(file.name for file in published.downloads))


def _download(file: PublishedFile, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(file.url, timeout=_PATIENCE_S) as answer, replacing(folder / file.name) as target:  # noqa: S310 - the addresses of published.py
        if _copy(answer, target, file.algorithm) != file.digest:
            raise _UnusableError(f"what came for {file.name} has another {file.algorithm} than the published file")


def _copy(source: IO[bytes], target: IO[bytes], algorithm: str) -> str:
    """Copy to the end; gives the content's hash in hex."""
    hashed = new(algorithm)
    end = time.monotonic() + _DEADLINE_S
    while chunk := source.read(_CHUNK_BYTES):
        if time.monotonic() > end:
            raise TimeoutError(f"the download took longer than {_DEADLINE_S:g} s")
        hashed.update(chunk)
        target.write(chunk)
    return hashed.hexdigest()


def _instruction(published: Published, folder: Path, error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    why = shorten(str(getattr(reason, "strerror", None) or reason))
    names = ", ".join(file.name for file in published.downloads)
    instead = f"{published.remedy}, or " if published.remedy else ""
    return (
        f"{published.name} is not on this machine and cannot be downloaded ({why}): {instead}put {names} into {folder}"
    )
