"""The queue for a board: a place each, an abstract socket as the lease is, which the kernel takes away with its owner.

So it needs no server and no folder that several accounts share, and who dies in it leaves it.
"""

from __future__ import annotations

import errno
import re
import select
import socket
import time
from pathlib import Path
from typing import Callable, List, Optional, Union

from edge_agent import lease, wire
from edge_agent.sysfs import read_text

_SOCKETS = Path("/proc/net/unix")
_LOOK_S = 0.3
_SAY_S = 5.0
"""Who waits hears at least so often, so that a long wait is no silence."""
_GONE = select.POLLHUP | select.POLLERR | select.POLLRDHUP


class HostGoneError(Exception):
    """Nobody waits any more at the other end."""


class Place:
    """A place in the queue for a lease, until it is closed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.number = max(places(name), default=0) + 1
        while not self._bind():
            self.number += 1

    def _bind(self) -> bool:
        try:
            self._socket.bind("\0%s-queue-%d" % (self._name, self.number))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise wire.AgentError("unfit", "no place in the queue can be taken: %s" % error) from error
            return False
        return True

    def ahead(self) -> int:
        """How many came before and still wait."""
        return sum(number < self.number for number in places(self._name))

    def close(self) -> None:
        """Leave the queue."""
        self._socket.close()


def places(name: str) -> List[int]:
    """The numbers of those who wait for a lease, in their order."""
    form = re.compile(r"@%s-queue-(\d+)$" % re.escape(name), re.MULTILINE)
    return sorted({int(number) for number in form.findall(read_text(_SOCKETS) or "")})


def take_in_turn(
    name: str, holder: str, session: str, *, wait_s: float, say: Callable[[wire.Message], None]
) -> lease.Lease:
    """The lease, when nobody has it and nobody came before; ``say`` hears who has it and how many are ahead.

    Who waits for 0 s comes after all who wait. Raises HeldError after ``wait_s``, and HostGoneError as soon as nobody
    is at the other end of stdin.
    """
    if not places(name) or lease.own_holder(name, session):
        try:
            return lease.take(name, holder, session)
        except lease.HeldError:
            if not wait_s:
                raise
    elif not wait_s:
        raise lease.holder_of(name)
    place, until = Place(name), time.monotonic() + wait_s
    poll = select.poll()
    poll.register(0, _GONE)
    last: Optional[wire.Message] = None
    said_at = 0.0
    try:
        while True:
            ahead = place.ahead()
            held = lease.holder_of(name) if ahead else _try(name, holder, session)
            if isinstance(held, lease.Lease):
                return held
            now = time.monotonic()
            if now > until:
                raise held
            told = {"event": "waiting", "holder": held.holder, "since": held.since, "ahead": ahead}
            if told != last or now - said_at > _SAY_S:
                say(told)
                last, said_at = told, now
            if any(events & _GONE for _, events in poll.poll(1000 * _LOOK_S)):
                raise HostGoneError("the host closed the connection while it waited")
    finally:
        place.close()


def _try(name: str, holder: str, session: str) -> Union[lease.Lease, lease.HeldError]:
    try:
        return lease.take(name, holder, session)
    except lease.HeldError as error:
        return error
