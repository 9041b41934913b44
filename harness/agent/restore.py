"""Putting the board's governor back: what it was stands on disk before the first change.

The steward puts it back when its session ends; where it was killed, the watchdog beside it does, or the next steward.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional

from edge_agent import wire
from edge_agent.sysfs import Root, read_text

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_OWN = "steward.json"
_SHARED = "edge-harness-%d.json"
"""In /tmp, by the account's number: a copy that every account's steward can read."""
_SHARED_NAME = re.compile(r"edge-harness-(\d+)\.json")
_SHARED_LIMIT = 1 << 16
_KNOBS = re.compile(r"sys/devices/system/cpu/cpufreq/policy\d+/scaling_governor")
"""What another account's copy may have us write: a setting of this name, to a value that the kernel offers."""
_ENDING_S = 2.0
_PAUSE_S = 1.0
_DONE = b"done\n"


class Originals:
    """The files' contents to put back, kept in ``steward.json`` until they are."""

    def __init__(self, root: Root, cache: Path, lease: str = "") -> None:
        self._root = root
        self._file = cache / _OWN
        self._lease = lease
        self._values: Dict[str, str] = {}
        self._watchdog: "Optional[subprocess.Popen[bytes]]" = None
        self.unrestored: List[str] = []
        """What could not be put back the last time, in sentences; its file stays for the next steward."""

    @property
    def pending(self) -> bool:
        """Whether there is something on disk that was not put back."""
        return self._file.exists()

    def remember(self, values: Dict[str, str]) -> None:
        """Write contents, by path below the root, to disk; the first value of a path is the original."""
        self._values = {**values, **self._values}
        record = {"boot": read_text(_BOOT_ID), "root": str(self._root.path), "files": self._values}
        text = json.dumps(record)
        try:
            _write(self._file, text, 0o600)
        except OSError as error:
            raise wire.AgentError(
                "disk_full", "nothing was changed: %s cannot be written: %s" % (self._file, error.strerror)
            ) from error
        try:
            _write(self._shared(), text, 0o644)
        except OSError as error:
            sys.stderr.write("other accounts will not know what was changed: %s\n" % error)
        self._watch()

    def put_back(self) -> List[str]:
        """Restore what this steward changed; sentences of what was done. What fails is tried again the next time."""
        done = self._restore(self._root, self._values)
        self._dismiss()
        return done

    def put_back_of_dead(self) -> List[str]:
        """Restore what stewards that died left, this account's or another's; nothing that an earlier boot left.

        Sentences of what was done, and of what is still changed because it could not be.
        """
        return self._put_back_own() + self._put_back_others()

    def _put_back_own(self) -> List[str]:
        record = wire.parse((read_text(self._file) or "").encode())
        if record is None or record.get("boot") != read_text(_BOOT_ID):
            self._forget()
            return []
        files = record.get("files")
        root = record.get("root")
        if not isinstance(files, dict) or not isinstance(root, str):
            self._forget()
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
            self._forget()
        return done + self.unrestored

    def _put_back_others(self) -> List[str]:
        """What other accounts' stewards left. Their copies are strangers' words: see `_KNOBS`."""
        said = []
        for path in self._root.glob("tmp/edge-harness-*.json"):
            account = _owner(path)
            files = _read_shared(path, self._root) if account is not None and account != os.getuid() else {}
            for relative, value in sorted(files.items()):
                now = self._root.read(relative)
                if now != value and value in _offered_values(self._root, relative):
                    said.append(self._put_back_other(relative, value, now or "unknown", _account_name(account or 0)))
        return said

    def _put_back_other(self, relative: str, value: str, now: str, account: str) -> str:
        problem = write_setting(self._root.at(relative), value)
        if problem is None:
            return "%s back to %s, which a run of account %s had left at %s" % (relative, value, account, now)
        return "%s is still %s, as a run of account %s left it, and cannot be put back to %s: %s" % (
            relative, now, account, value, problem,
        )  # fmt: skip

    def _shared(self) -> Path:
        return self._root.at("tmp") / (_SHARED % os.getuid())

    def _forget(self) -> None:
        """Nothing is left to put back."""
        _remove(self._file)
        try:
            if _owner(self._shared()) == os.getuid():
                _remove(self._shared())
        except OSError as error:
            sys.stderr.write("%s stays: %s\n" % (self._shared(), error))

    def _watch(self) -> None:
        """Have a process beside this one put things back, should this one be killed."""
        if self._watchdog is not None:
            return
        self._watchdog = subprocess.Popen(
            [sys.executable, str(Path(sys.argv[0]).absolute()), "watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        told = {"cache": str(self._file.parent), "root": str(self._root.path), "lease": self._lease}
        self._tell(json.dumps(told).encode("ascii") + b"\n")

    def _dismiss(self) -> None:
        """The watchdog has nothing to watch any more."""
        if self._watchdog is None:
            return
        self._tell(_DONE)
        watchdog, self._watchdog = self._watchdog, None
        if watchdog.stdin is not None:
            watchdog.stdin.close()
        try:
            watchdog.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            watchdog.kill()

    def _tell(self, line: bytes) -> None:
        stdin = None if self._watchdog is None else self._watchdog.stdin
        try:
            if stdin is not None:
                stdin.write(line)
                stdin.flush()
        except OSError as error:
            sys.stderr.write("the watchdog has ended: %s\n" % error)


def main_watchdog() -> int:
    """Beside the steward: wait for its end, which closes stdin, and put back what it could not, as it was killed.

    A steward that ends in order says so first.
    """
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    told = json.loads(sys.stdin.buffer.readline().decode("ascii"))
    if sys.stdin.buffer.readline() == _DONE:
        return 0
    originals = Originals(Root(told["root"]), Path(told["cache"]))
    while originals.pending:
        # Whoever holds the lease measures: this account's next steward has put everything back before, and
        # under another's nothing may change.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as lease:
            try:
                lease.bind("\0" + told["lease"])
            except OSError:
                time.sleep(_PAUSE_S)
                continue
            originals.put_back_of_dead()
            return 0
    return 0


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


def _write(path: Path, text: str, mode: int) -> None:
    """A file of ours, whole or not at all; what others put in its place, or in the way, is not followed."""
    making = path.with_name("%s.%d" % (path.name, os.getpid()))
    with contextlib.suppress(FileNotFoundError):
        making.unlink()
    fd = os.open(str(making), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(fd, "w") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        making.replace(path)
    except OSError:
        making.unlink()
        raise


def _owner(path: Path) -> Optional[int]:
    """The account that a shared copy is named after, and to whom it belongs; None for any other file."""
    match = _SHARED_NAME.fullmatch(path.name)
    try:
        found = os.lstat(str(path))
    except OSError:
        return None
    named = match is not None and int(match.group(1)) == found.st_uid
    return found.st_uid if named and stat.S_ISREG(found.st_mode) else None


def _read_shared(path: Path, root: Root) -> Dict[str, str]:
    """What a copy says was there before, as far as it is ours to believe: this boot's, of known settings."""
    try:
        fd = os.open(str(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return {}
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or "edge-harness-%d.json" % found.st_uid != path.name:
            return {}
        record = wire.parse(file.read(_SHARED_LIMIT))
    if record is None or record.get("boot") != read_text(_BOOT_ID) or record.get("root") != str(root.path):
        return {}
    files = record.get("files")
    known = files if isinstance(files, dict) else {}
    return {key: value for key, value in known.items() if _KNOBS.fullmatch(key) and isinstance(value, str)}


def _offered_values(root: Root, relative: str) -> List[str]:
    """The values that the kernel offers for a governor."""
    return (root.read(relative.replace("scaling_governor", "scaling_available_governors")) or "").split()


def _account_name(number: int) -> str:
    try:
        return wire.one_line(pwd.getpwuid(number).pw_name)
    except KeyError:
        return "number %d" % number


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
