"""What a board was like before we changed it, on disk before the first change, and putting it back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Dict, List, Optional

from edge_agent import wire
from edge_agent.sysfs import Root, read_text

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Originals:
    """The files' contents to put back, kept in ``steward.json`` until they are."""

    def __init__(self, root: Root, cache: Path) -> None:
        self._root = root
        self._file = cache / "steward.json"
        self._values: Dict[str, str] = {}
        self.unrestored: List[str] = []
        """What could not be put back the last time, in sentences; its file stays for the next steward."""

    def remember(self, values: Dict[str, str]) -> None:
        """Write contents, by path below the root, to disk; the first value of a path is the original."""
        self._values = {**values, **self._values}
        record = {"boot": read_text(_BOOT_ID), "root": str(self._root.path), "files": self._values}
        temporary = self._file.with_name("steward.json.%d" % os.getpid())
        try:
            with temporary.open("w") as file:
                json.dump(record, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._file)
        except OSError as error:
            raise wire.AgentError(
                "disk_full", "nothing was changed: %s cannot be written: %s" % (self._file, error.strerror)
            ) from error

    def put_back(self) -> List[str]:
        """Restore what this steward changed; sentences of what was done. What fails is tried again the next time."""
        return self._restore(self._root, self._values)

    def put_back_of_dead(self) -> List[str]:
        """Restore what a steward that died left; nothing if the board was started again since."""
        record = wire.parse((read_text(self._file) or "").encode())
        if record is None or record.get("boot") != read_text(_BOOT_ID):
            _remove(self._file)
            return []
        files = record.get("files")
        root = record.get("root")
        if not isinstance(files, dict) or not isinstance(root, str):
            _remove(self._file)
            return []
        return self._restore(Root(root), {str(key): str(value) for key, value in files.items()})

    def _restore(self, root: Root, values: Dict[str, str]) -> List[str]:
        if not values:
            return []
        done, self.unrestored, self._values = [], [], {}
        for relative, value in sorted(values.items()):
            if root.read(relative) == value:
                continue
            problem = write_setting(root.at(relative), value)
            what = "%s back to %s" % (relative, value)
            if problem is None:
                done.append(what)
            else:
                self.unrestored.append("%s failed: %s" % (what, problem))
                self._values[relative] = value
        if not self.unrestored:
            _remove(self._file)
        return done + self.unrestored


def write_setting(path: Path, value: str) -> Optional[str]:
    """Write a kernel setting and read it back; None, or why it is not what was asked for."""
    if ".." in path.parts:
        return "no path with .. is written"
    try:
        with path.open("r+") as file:
            file.write(value)
            file.truncate()
    except OSError as error:
        return error.strerror or str(error)
    now = read_text(path)
    return None if now == value else "it reads %s afterwards" % now


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
