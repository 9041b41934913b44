"""The made-up files of a board: written in place, as other processes have them open or mounted."""

import os
from pathlib import Path


class KernelFiles:
    """Files below a folder that stands for a board's root; each has one value, which readers see whole."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[str, int] = {}
        self._written: dict[str, str] = {}

    def write(self, relative: str, text: str) -> None:
        """The file's text, with a line end; a shorter one than before is filled up with line ends.

        It is one write, so that a reader meets the old text or the new one, never a part or nothing.
        """
        if self._written.get(relative) == text:
            return
        self._put(relative, text)

    def put_back(self, relative: str, text: str) -> None:
        """Write a file that others write too, whatever was written last."""
        self._put(relative, text)

    def read(self, relative: str) -> str:
        """What a file holds now, whoever wrote it, without surrounding blanks."""
        return os.pread(self._descriptor(relative), 65536, 0).decode("utf-8", "replace").strip(" \t\r\n\0")

    def link(self, relative: str, target: str) -> None:
        """A link to another made-up file or folder, as /sys/class has them."""
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.path.relpath(self.root / target, path.parent))

    def close(self) -> None:
        """Close all files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _put(self, relative: str, text: str) -> None:
        data, descriptor = text.encode() + b"\n", self._descriptor(relative)
        # Others may have written more than we ever did.
        longest = max(os.fstat(descriptor).st_size, len(data))
        os.pwrite(descriptor, data.ljust(longest, b"\n"), 0)
        self._written[relative] = text

    def _descriptor(self, relative: str) -> int:
        found = self._open.get(relative)
        if found is None:
            path = self.root / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            found = self._open[relative] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        return found
