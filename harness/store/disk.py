"""Writing that is whole or not at all, and failures of the disk in one line."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from harness.records.errors import HarnessError
from harness.records.files import open_for_append, replacing

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def disk_errors_named(path: Path) -> Iterator[None]:
    """Errors of the file system below ``path`` become one HarnessError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        full = error.errno in _NO_ROOM
        advice = "free some" if full else "mend what stands there"
        raise HarnessError(
            f"{path}: cannot be written ({reason}): {'a run needs room for its files; ' if full else ''}"
            f"{advice} or give another --reports-dir"
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The lock at a path, waited for; HarnessError where none can be had there, e.g. because a link stands there."""
    lock = FileLock(path)
    with disk_errors_named(path):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Replace a file's content, whole or in parts, so that a reader sees the old or the new, never a part of it."""
    with disk_errors_named(path), replacing(path) as stream:
        stream.writelines((content,) if isinstance(content, bytes) else content)


def append_line(path: Path, line: bytes, *, lock: Path, max_file_bytes: int) -> None:
    """Append one line, whole or not at all, also when other processes append to the same file.

    A torn line left by a process that was killed while writing is cut off first. HarnessError when the
    disk is full or the file would grow past ``max_file_bytes``.
    """
    with locked(lock), disk_errors_named(path):
        descriptor = open_for_append(path)
        try:
            _append(descriptor, path, line + b"\n", max_file_bytes=max_file_bytes)
        finally:
            os.close(descriptor)


def _append(descriptor: int, path: Path, data: bytes, *, max_file_bytes: int) -> None:
    size = os.fstat(descriptor).st_size
    whole = _end_of_last_line(descriptor, size)
    if whole < size:
        os.ftruncate(descriptor, whole)
    if whole + len(data) > max_file_bytes:
        raise HarnessError(
            f"{path}: would grow past {max_file_bytes} bytes, the most a run may keep; "
            "measure fewer entries a run, or fewer inferences a trial"
        )
    try:
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
    except OSError:
        if os.fstat(descriptor).st_size > whole:
            os.ftruncate(descriptor, whole)
        raise


def _end_of_last_line(descriptor: int, size: int) -> int:
    """Offset just past the last newline, looked for backwards."""
    step, end = 65536, size
    while end > 0:
        start = max(0, end - step)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
