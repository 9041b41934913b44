"""Files that anybody may have made: read so that none can hang or flood the reader, written whole or not at all."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Final

SMALL_TEXT_BYTES: Final = 4 * 1024 * 1024
"""The most that a file which people write by hand may have."""
_READ_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_MODE: Final = 0o666
"""Before the user's umask, as of any new file."""


def expand_home(path: str | os.PathLike[str]) -> Path:
    """The path with its ``~`` or ``~user`` spelled out; that of a user who is not there stays as it is written."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises for such a user


@contextmanager
def open_regular(path: Path, *, follow: bool = True) -> Iterator[BufferedReader]:
    """A regular file's bytes; a pipe, a device or a folder is refused, never waited for.

    ``follow`` False refuses a symbolic link, too. Raises OSError, whose ``strerror`` says why.
    """
    descriptor = _opened(path, _READ_FLAGS if follow else _READ_FLAGS | _NO_LINK)
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def read_bytes(path: Path, *, max_bytes: int, follow: bool = True) -> bytes:
    """A regular file's content, at most ``max_bytes`` of it. Raises OSError, whose ``strerror`` says why."""
    with open_regular(path, follow=follow) as stream:
        content = stream.read(max_bytes + 1)
    if content is None:  # a file of the kernel's own that has nothing to say yet
        raise OSError(errno.EAGAIN, "it is no plain file", str(path))
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {_size(max_bytes)}", str(path))
    return content


def read_text(path: Path, *, max_bytes: int = SMALL_TEXT_BYTES, follow: bool = True) -> str:
    """A regular file's content as UTF-8. Raises OSError, whose ``strerror`` says why."""
    content = read_bytes(path, max_bytes=max_bytes, follow=follow)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OSError(errno.EILSEQ, f"it is not UTF-8 text (byte {error.start})", str(path)) from error


def open_for_append(path: Path) -> int:
    """A descriptor that reads and appends to a regular file, made where there is none; a link is refused.

    Raises OSError, whose ``strerror`` says why.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    return _opened(path, flags)


@contextmanager
def replacing(path: Path) -> Iterator[BufferedWriter]:
    """A stream whose content takes the file's place when all went well, so that readers see the old or the new.

    It is written beside under a name that nobody can foresee; a link at ``path`` is replaced, not followed.
    """
    draft = _beside(path)
    try:
        with os.fdopen(os.open(draft, _NEW, _MODE), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Give a file another content, whole or not at all. Raises OSError."""
    with replacing(path) as stream:
        stream.write(content)


def replace_link(path: Path, target: str) -> None:
    """Make a symbolic link to a folder, in the place of whatever link or file stands there. Raises OSError."""
    draft = _beside(path)
    try:
        draft.symlink_to(target, target_is_directory=True)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def check_plain(path: Path) -> None:
    """Raise OSError, whose ``strerror`` says why, where something other than a regular file stands at a path.

    For what a library opens itself, which would follow a link or wait for a pipe.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except ValueError as error:
        raise OSError(errno.EINVAL, "no file can have such a name", ascii(str(path))) from error
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))


def real_path(path: Path) -> Path:
    """Where a path leads, links followed; as it is where they lead in a circle or no file can have such a name."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count and count % 2**20 == 0 else f"{count} bytes"


def _beside(path: Path) -> Path:
    """A hidden name in the same folder; short, as the file's own name may be as long as names can be."""
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}")


def _opened(path: Path, flags: int) -> int:
    """A descriptor of a regular file. Raises OSError."""
    try:
        descriptor = os.open(path, flags, _MODE)
    except ValueError as error:
        raise OSError(errno.EINVAL, "no file can have such a name", ascii(str(path))) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK) and flags & _NO_LINK:
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from error
        if error.errno in (errno.ENXIO, errno.ENODEV):
            raise OSError(error.errno, "it is no regular file", str(path)) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return descriptor
