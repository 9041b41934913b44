"""The lease on a board: an abstract socket, which the kernel frees when its holder dies."""

from __future__ import annotations

import datetime
import errno
import json
import os
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Tuple

from edge_agent import wire
from edge_agent.sysfs import read_text

_ANSWER_LIMIT = 4096
_PATIENCE_S = 2.0
_ATTEMPTS = 20
_PAUSE_S = 0.05
_ENDING_S = 5.0
"""A steward that was told to end puts things back first; one that is stopped does not hear it."""
_CREDENTIALS = struct.calcsize("3i")


class HeldError(Exception):
    """Somebody else holds the board."""

    def __init__(self, holder: str, since: str) -> None:
        super().__init__("held by %s since %s" % (holder, since))
        self.holder = holder
        self.since = since


class Lease:
    """The board while we hold it; whoever connects is told who does and since when."""

    def __init__(self, listener: socket.socket, holder: str) -> None:
        self.holder = wire.one_line(holder) or "unknown"
        self.since = _now()
        self._listener = listener

    def fileno(self) -> int:
        """Descriptor to wait on for questions."""
        return self._listener.fileno()

    def answer(self) -> None:
        """Tell one who asks."""
        text = json.dumps({"holder": self.holder, "since": self.since}) + "\n"
        try:
            asker = self._listener.accept()[0]
        except OSError:
            # It has gone again.
            return
        with asker:
            asker.setblocking(False)
            try:
                asker.send(text.encode("ascii"))
            except OSError:
                # Whoever asked has gone, or takes nothing: not our loss.
                return

    def close(self) -> None:
        """Give the board back."""
        self._listener.close()


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def take(name: str, holder: str, session: str = "") -> Lease:
    """The lease; raises HeldError, with what the holder says, if somebody has it.

    A steward of the same session lost its link, which its host has made again: it is ended, and gives the lease up.
    """
    for _ in range(_ATTEMPTS):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind("\0" + name)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise wire.AgentError("unfit", "the lease %r cannot be taken: %s" % (name, error)) from error
            if not _end_own(name, session):
                _raise_if_alive(name)
            time.sleep(_PAUSE_S)
            continue
        listener.listen(16)
        listener.setblocking(False)
        return Lease(listener, holder)
    raise HeldError("unknown", "unknown")


def holder_of(name: str) -> HeldError:
    """Who holds a lease, as the error that says so; of one that is free, that somebody who waits comes next."""
    try:
        _raise_if_alive(name)
    except HeldError as error:
        return error
    return HeldError("whoever waits first", _now())


def own_holder(name: str, session: str) -> int:
    """The process of an earlier steward of this session, where it is the holder; else 0.

    It is told by its own words, which are another account's too to read.
    """
    holder = _holder_pid(name) if session else 0
    words = (read_text(Path("/proc/%d/cmdline" % holder)) or "").split("\0") if holder else []
    return holder if "--session" in words[:-1] and words[words.index("--session") + 1] == session else 0


def _end_own(name: str, session: str) -> bool:
    """Whether the holder is an earlier steward of this session, and has ended now: by itself, else killed.

    None but our own account's can be killed by us.
    """
    holder = own_holder(name, session)
    if not holder:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(holder, number)
        except OSError:
            # It has ended meanwhile, or is not ours to end.
            return _is_gone(holder)
        until = time.monotonic() + _ENDING_S
        while not _is_gone(holder) and time.monotonic() < until:
            time.sleep(_PAUSE_S)
        if _is_gone(holder):
            return True
    return False


def _is_gone(process: int) -> bool:
    """Whether a process has ended; its parent may not have asked for its status yet."""
    stat = read_text(Path("/proc/%d/stat" % process))
    return stat is None or stat.rpartition(")")[2].split()[:1] in (["Z"], ["X"])


def _holder_pid(name: str) -> int:
    """The process that listens on the lease, as the kernel says; 0 where there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.settimeout(_PATIENCE_S)
        try:
            asker.connect("\0" + name)
            pid = struct.unpack("3i", asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS))[0]
        except OSError:
            return 0
    return int(pid)


def _raise_if_alive(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.settimeout(_PATIENCE_S)
        try:
            asker.connect("\0" + name)
            answer = asker.recv(_ANSWER_LIMIT)
        except socket.timeout:
            raise HeldError("unknown (it does not answer)", "unknown") from None
        except OSError:
            # The holder ended between our two calls: try again.
            return
    if answer:
        raise HeldError(*_read_answer(answer))


def _read_answer(answer: bytes) -> Tuple[str, str]:
    said = wire.parse(answer) or {}
    holder, since = said.get("holder"), said.get("since")
    return (
        wire.one_line(holder) if isinstance(holder, str) else "unknown",
        wire.one_line(since) if isinstance(since, str) else "unknown",
    )
