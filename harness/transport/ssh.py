"""A board over SSH: commands on channels, files by SFTP, or through ``cat`` where a small server has no SFTP."""

import contextlib
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import paramiko

from harness.records.device import Connection
from harness.records.errors import BoardUnfitError, ConnectionLostError
from harness.records.health import LinkFacts
from harness.transport.ssh_link import CONNECT_S, close_links, link_facts, open_links
from harness.transport.streams import Source, Streams, describe_end

CHUNK_BYTES = 2**18
STALL_S = 20.0
"""A transfer that makes no progress for so long has lost its link."""
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
                f"{self._device}: the link broke while {argv[0]} was started on the board: {reason_of(error)}"
            ) from error
        return SshProcess(channel, self._device)

    def put(self, source: Path, target: str) -> int:
        """Send a file, or the rest of it; where the board refuses it, what arrived is removed."""
        return self._files.put(source, target)

    def facts(self) -> LinkFacts:
        """What the connection to the board is made of."""
        return link_facts(self._links)

    def close(self) -> None:
        """End the connection; commands on the board see their stdin end."""
        close_links(self._links)


class SshProcess:
    """A command on the board; one channel."""

    def __init__(self, channel: paramiko.Channel, device: str) -> None:
        self._channel = channel
        self._device = device
        self._streams = Streams(_read_patiently(channel.recv), _read_patiently(channel.recv_stderr), name=device)

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


def _read_patiently(receive: Callable[[int], bytes]) -> Source:
    """A channel's receive without its timeout: silence is no fault of a stream, a dead link ends it anyway."""

    def read() -> bytes:
        while True:
            try:
                return receive(CHUNK_BYTES)
            except TimeoutError:
                continue

    return read


class SshFiles:
    """Sends files over one SSH connection."""

    def __init__(self, link: paramiko.Transport, device: str) -> None:
        self._link = link
        self._device = device
        self._sftp: paramiko.SFTPClient | None = None
        self._without_sftp = False

    def put(self, source: Path, target: str) -> int:
        """Send a file, the bytes that were sent; where the board refuses it, what arrived is removed."""
        try:
            return self._send(source, target)
        except TimeoutError as error:
            raise self._lost(source, error) from error
        except OSError as error:
            if not self._link.is_active():
                raise self._lost(source, error) from error
            self._remove(source, target)
            raise BoardUnfitError(
                f"{self._device}: {target} cannot be written ({_refusal(error)}); {source.stat().st_size} bytes "
                "are needed there: is the board's disk full?"
            ) from error
        except (paramiko.SSHException, EOFError) as error:
            raise self._lost(source, error) from error

    def _send(self, source: Path, target: str) -> int:
        client = self._client()
        if client is not None:
            return _send_rest(client, source, target)
        status = self._run(f"cat > {shlex.quote(target)}", source)
        if status != 0:
            raise OSError(f"cat on the board ended with exit status {status}")
        return source.stat().st_size

    def _client(self) -> paramiko.SFTPClient | None:
        if self._sftp is None and not self._without_sftp:
            try:
                self._sftp = _open_sftp(self._link)
            except (paramiko.SSHException, EOFError):
                if not self._link.is_active():
                    raise
                self._without_sftp = True
        return self._sftp

    def _remove(self, source: Path, target: str) -> None:
        try:
            self._run(f"rm -f {shlex.quote(target)}")
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._lost(source, error) from error

    def _run(self, command: str, source: Path | None = None) -> int:
        """Exit status of a shell command that is given a file, or nothing, as its stdin."""
        channel = self._link.open_session(timeout=STALL_S)
        with channel:
            channel.settimeout(STALL_S)
            channel.exec_command(command)
            if source is not None:
                with source.open("rb") as file:
                    while chunk := file.read(CHUNK_BYTES):
                        channel.sendall(chunk)
            channel.shutdown_write()
            return channel.exit_status if channel.status_event.wait(STALL_S) else -1

    def _lost(self, source: Path, error: Exception) -> ConnectionLostError:
        return ConnectionLostError(f"{self._device}: the link broke while {source.name} was sent: {reason_of(error)}")


def _send_rest(client: paramiko.SFTPClient, source: Path, target: str) -> int:
    """The bytes of a file that are not there yet; all of them where more is there than the file has."""
    size = source.stat().st_size
    try:
        there = client.stat(target).st_size or 0
    except FileNotFoundError:
        there = 0
    if not 0 < there <= size:
        client.put(str(source), target, confirm=True)
        return size
    with source.open("rb") as file, client.open(target, "ab") as rest:
        file.seek(there)
        rest.set_pipelined(True)
        while chunk := file.read(CHUNK_BYTES):
            rest.write(chunk)
    if client.stat(target).st_size != size:
        raise OSError(f"{target} has another size than what was sent")
    return size - there


def _open_sftp(link: paramiko.Transport) -> paramiko.SFTPClient:
    client = paramiko.SFTPClient.from_transport(link)
    channel = client.get_channel() if client else None
    if client is None or channel is None:
        raise EOFError("no SFTP server answered")
    channel.settimeout(STALL_S)
    return client


def _refusal(error: OSError) -> str:
    """Why; where the disk fills while writes are on their way, paramiko sees only that the file is too short."""
    return "only a part of it arrived" if str(error).startswith("size mismatch") else reason_of(error)


def reason_of(error: Exception) -> str:
    """An exception in words, also where it has none of its own."""
    return str(error) or type(error).__name__
