"""An authenticated SSH connection to the board, hop by hop; the first hop may be reached by a ProxyCommand."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from typing import IO, TypeAlias

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from harness.records.device import Connection
from harness.records.errors import BoardUnavailableError, HandshakeError, UnreachableError
from harness.records.exit_status import describe_exit
from harness.records.health import LinkFacts
from harness.records.text import visible
from harness.transport.known_hosts import KnownHosts
from harness.transport.ssh_auth import authenticate
from harness.transport.ssh_config import Hop, hops

CONNECT_S = 10.0
DEAD_LINK_S = 10.0
"""Sent data that nobody acknowledges for so long breaks the connection."""
KEEPALIVE_S = 5
_PROXY_GRACE_S = 1.0
_PROXY_TAIL_BYTES = 2**10
# 205 MB/s against 115 on one machine with paramiko's own order, which puts ctr first.
_CIPHERS_FIRST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
# Half the cost of the post-quantum exchange; the key exchange is what a connection waits for.
_KEX_FIRST = ("curve25519-sha256@libssh.org",)
_LOG = "harness.transport.paramiko"
# paramiko's threads log tracebacks; what they mean is raised as one line by this room.
logging.getLogger(_LOG).addHandler(logging.NullHandler())
logging.getLogger(_LOG).propagate = False

_Way: TypeAlias = socket.socket | paramiko.Channel


def open_links(connection: Connection, device: str) -> list[paramiko.Transport]:
    """Connections to every hop, the board's last; each one's host key checked and the user logged in."""
    way = hops(connection, device)
    links: list[paramiko.Transport] = []
    try:
        stream: _Way = _dial(way[0], device)
        for hop, following in zip(way, [*way[1:], None], strict=True):
            links.append(_shake_hands(stream, hop, device))
            authenticate(links[-1], hop, device)
            if following is not None:
                stream = _tunnel(links[-1], hop, following, device)
    except BoardUnavailableError:
        close_links(links)
        raise
    return links


def close_links(links: list[paramiko.Transport]) -> None:
    """Close the board's connection first, then the hops before it."""
    for link in reversed(links):
        link.close()


def link_facts(links: list[paramiko.Transport]) -> LinkFacts:
    """What the last hop's connection is made of; TCP's options are those of the first hop, whose socket is real."""
    board, stream = links[-1], links[0].sock
    key = board.get_remote_server_key()
    no_delay = None
    if isinstance(stream, socket.socket) and not isinstance(stream, ProxySocket):
        no_delay = bool(stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    return LinkFacts(
        server=visible(board.remote_version),
        cipher=str(vars(board)["remote_cipher"]),
        host_key=f"{key.get_name()} {key.fingerprint}",
        no_delay=no_delay,
    )


def _dial(hop: Hop, device: str) -> socket.socket:
    if hop.proxy_command is not None:
        return ProxySocket.start(hop.proxy_command, device)
    try:
        stream = _connect(hop)
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name that can be looked up"
        raise UnreachableError(
            f"{device}: the host name {hop.host} is unknown here ({reason}); check connection.host"
        ) from error
    except TimeoutError as error:
        raise UnreachableError(
            f"{device}: {hop.known_name} did not answer within {CONNECT_S:g} s; is the board on and connected?"
        ) from error
    except OSError as error:
        raise UnreachableError(
            f"{device}: {hop.known_name} cannot be reached: {error.strerror or error}; "
            "expected an SSH server there: check connection.host and connection.port, and that the board is on"
        ) from error
    _set_options(stream)
    return stream


def _connect(hop: Hop) -> socket.socket:
    """A connection to the first address of the host that takes one, of the kind and from the address asked for."""
    places = socket.getaddrinfo(hop.host, hop.port, hop.family, socket.SOCK_STREAM)
    for number, (family, kind, protocol, _, place) in enumerate(places, start=1):
        stream = socket.socket(family, kind, protocol)
        stream.settimeout(CONNECT_S)
        try:
            if hop.bind_address:
                stream.bind((hop.bind_address, 0))
            stream.connect(place)
        except OSError:
            stream.close()
            if number == len(places):
                raise
            continue
        return stream
    raise OSError("no address")


def _set_options(stream: socket.socket) -> None:
    """Without TCP_NODELAY a round trip takes 44 ms instead of 2; without TCP_USER_TIMEOUT a dead link hangs."""
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(DEAD_LINK_S * 1000))


def _tunnel(link: paramiko.Transport, hop: Hop, following: Hop, device: str) -> paramiko.Channel:
    target = (following.host, following.port)
    try:
        return link.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=CONNECT_S)
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise UnreachableError(
            f"{device}: the jump host {hop.known_name} cannot reach {following.known_name}: {error}"
        ) from error


def _shake_hands(stream: _Way, hop: Hop, device: str) -> paramiko.Transport:
    known = KnownHosts.read(hop, device)
    link = paramiko.Transport(stream)
    link.set_log_channel(_LOG)
    link.daemon = True
    link.banner_timeout = link.auth_timeout = link.channel_timeout = CONNECT_S
    _prefer(link, known.key_types())
    try:
        link.start_client(timeout=CONNECT_S)
        known.check(link.get_remote_server_key(), device)
    except IncompatiblePeer as error:
        link.close()
        raise UnreachableError(
            f"{device}: {hop.known_name} speaks only outdated SSH ({error}): ssh-rsa (SHA-1) is refused; "
            "make an ed25519 host key on the board, or update its SSH server"
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        link.close()
        if isinstance(stream, ProxySocket):
            raise UnreachableError(f"{device}: {stream.failure()}; expected an SSH server: {hop.known_name}") from error
        kind = HandshakeError if isinstance(error, (ConnectionError, EOFError)) else UnreachableError
        raise kind(
            f"{device}: {hop.known_name} answered, but not as an SSH server ({error or 'it hung up'}): "
            "check connection.host and connection.port"
        ) from error
    except BoardUnavailableError:
        link.close()
        raise
    link.set_keepalive(KEEPALIVE_S)
    return link


def _prefer(link: paramiko.Transport, key_types: tuple[str, ...]) -> None:
    options = link.get_security_options()
    options.ciphers = _first(_CIPHERS_FIRST, options.ciphers)
    options.kex = _first(_KEX_FIRST, options.kex)
    options.key_types = _first(key_types, options.key_types)


def _first(wanted: Sequence[str], offered: Sequence[str]) -> tuple[str, ...]:
    ahead = [name for name in wanted if name in offered]
    return (*ahead, *(name for name in offered if name not in ahead))


class ProxySocket(socket.socket):
    """The near end of a socket pair whose far end is a command's input and output; closing it ends the command."""

    command: str
    child: "subprocess.Popen[bytes]"
    errors: IO[bytes]
    closing: threading.Lock

    @classmethod
    def start(cls, command: str, device: str) -> "ProxySocket":
        """Run the command by the user's shell, as ssh does. UnreachableError where the shell does not start."""
        near, far = socket.socketpair()
        proxy = cls(near.family, near.type, near.proto, near.detach())
        proxy.command = command
        proxy.closing = threading.Lock()
        proxy.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the socket
        with far:
            try:
                proxy.child = subprocess.Popen(
                    [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {command}"],
                    stdin=far.fileno(),
                    stdout=far.fileno(),
                    stderr=proxy.errors,
                    start_new_session=True,
                )
            except OSError as error:
                proxy.errors.close()
                socket.socket.close(proxy)
                raise UnreachableError(f"{device}: the shell for ProxyCommand does not start: {error}") from error
        return proxy

    def failure(self) -> str:
        """Why there is no SSH server at the command's other end, in its own last words; after `close`."""
        return f"the ProxyCommand {self.command!r:.120} ended without a connection ({self._said})"

    def close(self) -> None:
        """End the command and what it started; paramiko's thread and the caller may both do so."""
        super().close()
        with self.closing:
            if not self.errors.closed:
                status = self._end_child()
                self._said = self._last_words() or describe_exit(status)
                self.errors.close()

    def _end_child(self) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.child.wait(_PROXY_GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(_PROXY_GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        return self.child.wait()

    def _last_words(self) -> str:
        size = self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, size - _PROXY_TAIL_BYTES))
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return visible(lines[-1])[:200] if lines else ""
