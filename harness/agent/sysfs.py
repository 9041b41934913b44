"""Reading what the kernel and the board's own programs say of it, under a root that a test may make up."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import List, Optional

SUDO = ("sudo", "-n")
"""Becomes root without asking for a password, or not at all."""
_LIMIT = 1 << 20
_PAGE = 1 << 16
"""Pages are of 4 to 64 kB."""


class Root:
    """The folder under which /sys and /proc are looked for; "/" on a real board."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    @property
    def real(self) -> bool:
        """Whether this is the machine itself."""
        return str(self.path) == "/"

    def at(self, relative: str) -> Path:
        """A path below the root."""
        return self.path / relative

    def read(self, relative: str) -> Optional[str]:
        """A file's text without surrounding blanks and NULs; None where it cannot be read."""
        return read_text(self.at(relative))

    def has_program(self, name: str) -> bool:
        """Whether the board has a program of this name; a made-up one has none."""
        return self.real and shutil.which(name) is not None

    def program(self, name: str) -> Optional[str]:
        """Where the board has a program of root's; a made-up board has what lies in its usr/sbin."""
        if not self.real:
            made = self.at("usr/sbin") / name
            return str(made) if os.access(str(made), os.X_OK) else None
        return shutil.which(name, path="%s:/usr/sbin:/sbin" % os.environ.get("PATH", os.defpath))

    def glob(self, pattern: str) -> List[Path]:
        """Paths that match below the root, sorted."""
        return sorted(self.path.glob(pattern))


def read_answer(words: List[str], within_s: float) -> Optional[str]:
    """What a program prints within so many seconds; None where it cannot be run, or takes longer."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=within_s,
            check=False,
            # So that the C library's quick way of starting a process is taken.
            close_fds=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("ascii", "replace")


def read_text(path: Path) -> Optional[str]:
    """A small file's text without surrounding blanks and NULs; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT).decode("utf-8", "replace").strip(" \t\r\n\0")
    except OSError:
        return None


def read_attribute(path: str) -> Optional[str]:
    """What a file of sysfs holds, by the fewest system calls: the kernel gives a page at most, in one read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(fd, _PAGE).decode("utf-8", "replace").strip(" \t\r\n\0")
    except OSError:
        return None
    finally:
        os.close(fd)


def attribute_int(path: str) -> Optional[int]:
    """The whole number that a file of sysfs holds; None where there is none."""
    return parse_int(read_attribute(path))


def parse_int(text: Optional[str]) -> Optional[int]:
    """The whole number of a text, also 0x1f; None where there is none."""
    try:
        return int(text, 0) if text else None
    except ValueError:
        return None


def read_int(path: Path) -> Optional[int]:
    """The whole number in a file; None where there is none."""
    return parse_int(read_text(path))


def field(text: Optional[str], key: str) -> Optional[str]:
    """The value in the first line ``key: value`` of a text like /proc/meminfo's."""
    for line in (text or "").splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == key:
            return value.strip()
    return None


def kilobytes(text: Optional[str], key: str) -> Optional[int]:
    """The value of a line ``key:  123 kB``, in bytes."""
    value = field(text, key)
    digits = value.split()[0] if value else ""
    return int(digits) * 1024 if digits.isdigit() else None
