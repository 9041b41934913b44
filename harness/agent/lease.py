"""The lease on a board: an abstract socket, which the kernel frees when its holder dies."""

from __future__ import annotations

import datetime
import errno
import json
import socket
import time
from typing import Tuple

from edge_agent import wire

_ANSWER_LIMIT = 4096
_PATIENCE_S = 2.0
_ATTEMPTS = 20
_PAUSE_S = 0.05


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
        self.since = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
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


def take(name: str, holder: str) -> Lease:
    """The lease; raises HeldError, with what the holder says, if somebody has it."""
    for _ in range(_ATTEMPTS):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind("\0" + name)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise wire.AgentError("unfit", "the lease %r cannot be taken: %s" % (name, error)) from error
            _raise_if_alive(name)
            time.sleep(_PAUSE_S)
            continue
        listener.listen(16)
        listener.setblocking(False)
        return Lease(listener, holder)
    raise HeldError("unknown", "unknown")


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
