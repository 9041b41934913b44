"""A board over SSH."""

import contextlib
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import paramiko

from harness.records.device import Connection
from harness.records.errors import ConnectionLostError
from harness.transport.ssh_files import CHUNK_BYTES, STALL_S, SshFiles, said
from harness.transport.ssh_link import CONNECT_S, close_links, open_links
from harness.transport.streams import Source, Streams, describe_end

_HOME = re.compile(r"~[A-Za-z0-9_.-]*")


def open_transport(connection: Connection, device: str) -> "SshTransport":
    """Connect, check the host key, log in."""
    return SshTransport(open_links(connection, device), device)


class SshTransport:
    """An SSH connection, possibly through jump hosts."""

    def __init__(self, links: list[paramiko.Transport], device: str) -> None:
        self._links = links
        self._device = device
        self._files = SshFiles(links[-1], device)

    def start(self, argv: Sequence[str]) -> "SshProcess":
        """Run a command through the user's login shell, every word quoted but a ~ that begins the program."""
        try:
            channel = self._links[-1].open_session(timeout=CONNECT_S)
            channel.settimeout(STALL_S)
            channel.exec_command(_command_line(argv))
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise ConnectionLostError(
                f"{self._device}: the link broke while {argv[0]} was started on the board: {said(error)}"
            ) from error
        return SshProcess(channel, self._device)

    def put(self, source: Path, target: str) -> None:
        """Send a file; where the board refuses it, what arrived is removed."""
        self._files.put(source, target)

    def close(self) -> None:
        """End the connection; commands on the board see their stdin end."""
        close_links(self._links)


class SshProcess:
    """A command on the board; one channel."""

    def __init__(self, channel: paramiko.Channel, device: str) -> None:
        self._channel = channel
        self._device = device
        self._streams = Streams(_patient(channel.recv), _patient(channel.recv_stderr), name=device)

    def write(self, line: bytes) -> None:
        """Send bytes to the command."""
        # Between a command's end and its channel's end the server still takes bytes, for nobody.
        if self._channel.exit_status_ready():
            raise ConnectionLostError(describe_end(self._device, self._status(), self.stderr_tail()))
        try:
            self._channel.sendall(line)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise ConnectionLostError(describe_end(self._device, self._status(), self.stderr_tail())) from error

    def read_line(self, deadline_s: float) -> bytes | None:
        """The next line of stdout."""
        return self._streams.read_line(deadline_s)

    def stderr_tail(self) -> str:
        """The last of stderr."""
        return self._streams.stderr_tail()

    def wait(self, deadline_s: float) -> int:
        """Exit status; -1 where a signal or the link ended the command."""
        if not self._channel.status_event.wait(deadline_s):
            raise TimeoutError(f"{self._device}: the command still runs after {deadline_s:g} s")
        self._streams.join(deadline_s)
        return self._channel.exit_status

    def kill(self) -> None:
        """Close the streams; the command ends when it reads or writes them."""
        # On a link that breaks at this moment there is nobody to tell.
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            self._channel.close()

    def _status(self) -> int | None:
        """The exit status; None where it is not known, as after a signal or on a link that broke."""
        known = self._channel.status_event.wait(1.0) and self._channel.exit_status >= 0
        return self._channel.exit_status if known else None


def _command_line(argv: Sequence[str]) -> str:
    home, slash, rest = argv[0].partition("/")
    if slash and _HOME.fullmatch(home):
        return " ".join([f"{home}/{shlex.quote(rest)}", *map(shlex.quote, argv[1:])])
    return shlex.join(argv)


def _patient(receive: Callable[[int], bytes]) -> Source:
    """A channel's receive without its timeout: silence is no fault of a stream, a dead link ends it anyway."""

    def read() -> bytes:
        while True:
            try:
                return receive(CHUNK_BYTES)
            except TimeoutError:
                continue

    return read
