"""What a way to a board can do, which ways there are, and one opened from a profile's [connection]."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from harness.records.device import Connection
from harness.records.health import LinkFacts

TRANSPORTS = MappingProxyType({"ssh": "harness.transport.ssh", "local": "harness.transport.local"})
"""Name in profiles -> module with ``open_transport(connection, device)``, imported when first used.

A new one: a file beside this, its name here and in ``harness.records.device.TransportName``, which profiles take. Keys
of its own are fields of ``harness.records.device.Connection``, checked in ``harness.profiles.validation``; both JSON
schemas in docs/ are written anew.
"""


class Process(Protocol):
    """A command running on the board, its three streams as bytes."""

    def write(self, line: bytes) -> None:
        """Send bytes to stdin; ConnectionLostError, with the exit status, where the command has ended."""

    def read_line(self, deadline_s: float) -> bytes | None:
        """The next line of stdout without its end, None at the end of the stream.

        TimeoutError after ``deadline_s`` seconds without a whole line; ConnectionLostError for a line
        beyond `harness.transport.streams.LINE_BYTES`.
        """

    def stderr_tail(self) -> str:
        """The last few kilobytes of stderr so far, as text."""

    def wait(self, deadline_s: float) -> int:
        """Exit status; negative where a signal or a lost link ended it. TimeoutError while it still runs."""

    def kill(self) -> None:
        """End it. Over SSH the streams are closed, and what reads or writes them ends."""


class Transport(Protocol):
    """An open way to one board."""

    def start(self, argv: Sequence[str]) -> Process:
        """Run a command on the board; its words arrive there as they stand here.

        Only a ``~/`` that begins the program is the home folder of the board's user.
        """

    def put(self, source: Path, target: str) -> int:
        """Copy a file of this host to an absolute path on the board; the bytes that were sent.

        Whole or not at all, link loss excepted: what a lost link left under that name is gone on with where the
        board lets it, so the content is to be checked. BoardUnfitError where the board cannot take it,
        ConnectionLostError where the link broke.
        """

    def facts(self) -> LinkFacts | None:
        """What carries the words; None where nothing lies between."""

    def close(self) -> None:
        """End everything that was started here, and the connection."""


class _Opener(Protocol):
    def __call__(self, connection: Connection, device: str) -> Transport: ...


def connect(connection: Connection, *, device: str) -> Transport:
    """An open transport to the board that messages call ``device``.

    UnreachableError, HostKeyError, AuthenticationError, ProfileError: one line each.
    """
    module = import_module(TRANSPORTS[connection.transport])
    opener = cast(_Opener, module.open_transport)
    return opener(connection, device)
