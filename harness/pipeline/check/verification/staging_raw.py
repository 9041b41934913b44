"""Raw samples: what preprocess starts from, in whatever form they come."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records.text import shorten

MOST_SAMPLE_BYTES = 64 * 2**20


class BadRawError(Exception):
    """The raw samples cannot be read; the message says why."""


def read_raw(path: Path, limit: int) -> list[NDArray[Any]]:
    """At most ``limit`` samples, read-only.

    An .npz holds r0, r1... (one array a sample, of any shape each) or one array with samples on its first axis,
    an .npy the latter. Any other file is one sample: its bytes as uint8.
    Raises BadRawError.
    """
    try:
        found = _read(path, limit)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadRawError(f"cannot be read: {shorten(str(error))}") from error
    if not found:
        raise BadRawError("hold no sample")
    for at, sample in enumerate(found):
        if sample.nbytes > MOST_SAMPLE_BYTES:
            raise BadRawError(f"have {sample.nbytes} bytes in sample {at}; at most {MOST_SAMPLE_BYTES} go to a board")
        sample.setflags(write=False)
    return found


def _read(path: Path, limit: int) -> list[NDArray[Any]]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return _from_archive(archive, limit)
    if path.suffix == ".npy":
        return _rows(np.load(path, allow_pickle=False), limit)
    return [np.frombuffer(path.read_bytes(), dtype=np.uint8)]


def _from_archive(archive: Any, limit: int) -> list[NDArray[Any]]:  # noqa: ANN401 - numpy's NpzFile
    names = list(archive.files)
    numbered = [f"r{number}" for number in range(len(names))]
    if names and sorted(names) == sorted(numbered):
        return [archive[name] for name in numbered[:limit]]
    if len(names) == 1:
        return _rows(archive[names[0]], limit)
    raise BadRawError(f"hold {', '.join(sorted(names)[:8])}, where r0, r1... or one array was expected")


def _rows(array: NDArray[Any], limit: int) -> list[NDArray[Any]]:
    if array.ndim == 0:
        raise BadRawError("are one number, where samples on the first axis were expected")
    return [np.array(row) for row in array[:limit]]
