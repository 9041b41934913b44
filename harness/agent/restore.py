"""Putting the board's settings back: what they were stands on disk before the first change.

The steward puts them back when its session ends; where it was killed, the watchdog beside it does, or the next steward.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional

from edge_agent import restore_record, settings, wire
from edge_agent.sysfs import Root

_ENDING_S = 2.0
_PAUSE_S = 1.0
_PASSES = 3
"""A power mode changes clocks along with itself, and a limit may only move once the other has."""
_DONE = b"done\n"


class Originals:
    """The settings' values to put back, kept in ``steward.json`` until they are."""

    def __init__(self, root: Root, cache: Path, lease: str = "") -> None:
        self._root = root
        self._file = cache / restore_record.OWN
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
        """Write settings' values, by their keys, to disk; the first value of a key is the original."""
        self._values = {**values, **self._values}
        text = json.dumps(restore_record.describe_originals(self._root, self._values))
        try:
            restore_record.write_durably(self._file, text, 0o600)
        except OSError as error:
            raise wire.AgentError(
                "disk_full", "nothing was changed: %s cannot be written: %s" % (self._file, error.strerror)
            ) from error
        try:
            restore_record.write_durably(restore_record.shared_path(self._root), text, 0o644)
        except OSError as error:
            sys.stderr.write("other accounts will not know what was changed: %s\n" % error)
        self._watch()

    def put_back(self) -> List[str]:
        """Restore what this steward changed; sentences of what was done. What fails is tried again the next time."""
        done = self._restore(self._root, self._values)
        self._dismiss()
        return done

    def put_back_of_dead(self) -> List[str]:
        """Restore what stewards that died left, this account's or another's; of an earlier boot only what lasts.

        Sentences of what was done, and of what is still changed because it could not be.
        """
        return self._put_back_own() + self._put_back_others()

    def _put_back_own(self) -> List[str]:
        record = restore_record.read_own(self._file)
        if record is None:
            self._forget()
            return []
        return self._restore(Root(record["root"]), record["files"])

    def _restore(self, root: Root, values: Dict[str, str]) -> List[str]:
        if not values:
            return []
        changed = sorted(key for key, value in values.items() if not _holds(root, key, value))
        problems: Optional[Dict[str, str]] = None
        for _ in range(_PASSES):
            before, problems = problems, _write_all(root, values)
            if problems == before or all(_holds(root, key, values[key]) for key in values):
                break
        problems = problems or {}
        done, self.unrestored, self._values = [], [], {}
        for key in sorted({*changed, *problems}):
            what = "%s back to %s" % (key, values[key])
            if key in problems:
                self.unrestored.append("%s failed: %s" % (what, problems[key]))
                self._values[key] = values[key]
            else:
                done.append(what)
        if not self.unrestored:
            self._forget()
        return done + self.unrestored

    def _put_back_others(self) -> List[str]:
        said = []
        for left in restore_record.left_by_others(self._root):
            for key in _undo_order(self._root, left.values):
                value, now = left.values[key], settings.read_setting(self._root, key)
                if now is None or not settings.alike(key, now, value):
                    said.append(self._put_back_other(key, value, now or "unknown", left.account))
        return said

    def _put_back_other(self, key: str, value: str, now: str, account: str) -> str:
        try:
            settings.write_setting(self._root, key, value)
        except settings.SettingRefusedError as refusal:
            return "%s is still %s, as a run of account %s left it, and cannot be put back to %s: %s" % (
                key, now, account, value, refusal,
            )  # fmt: skip
        return "%s back to %s, which a run of account %s had left at %s" % (key, value, account, now)

    def _forget(self) -> None:
        """Nothing is left to put back."""
        restore_record.remove(self._file)
        shared = restore_record.shared_path(self._root)
        try:
            if restore_record.owner(shared) == os.getuid():
                restore_record.remove(shared)
        except OSError as error:
            sys.stderr.write("%s stays: %s\n" % (shared, error))

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


def _undo_order(root: Root, values: Dict[str, str]) -> List[str]:
    """What was written last comes first; of limits that one which the kernel takes first."""
    written = settings.write_order(root, values)
    interrupts = [key for key in written if settings.is_interrupt(key)]
    modes = [key for key in written if key in settings.MODES]
    return interrupts + [key for key in written if key not in (*interrupts, *modes)] + modes


def _write_all(root: Root, values: Dict[str, str]) -> Dict[str, str]:
    """Write each setting that is not as it was; what could not be, with the reason."""
    problems = {}
    for key in _undo_order(root, values):
        if _holds(root, key, values[key]):
            continue
        try:
            settings.write_setting(root, key, values[key])
        except settings.SettingRefusedError as refusal:
            problems[key] = str(refusal)
    return problems


def _holds(root: Root, key: str, value: str) -> bool:
    """Whether it is as it was; an interrupt that is not there any more has nothing to put back."""
    if settings.is_interrupt(key) and not root.at(key).exists():
        return True
    now = settings.read_setting(root, key)
    return now is not None and settings.alike(key, now, value)
