"""A loopback OpenSSH server as a board: own port, host key, authorized keys, own account where asked.

::

    with loopback_sshd(folder) as board:                  # the present user, with a HOME of its own
        (devices / "b.toml").write_text(board.profile_text("b"))
    with loopback_sshd(folder, account="edge") as board:  # a new non-root account; needs root
        ...
"""

import contextlib
import getpass
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.records.errors import BoardUnavailableError

HOST = "127.0.0.1"
SYSTEM_PYTHON = "/usr/bin/python3"
VENV_SITE = next((entry for entry in sys.path if entry.endswith("site-packages")), "")
"""This environment's numpy and LiteRT: an account's PYTHONPATH, good for the same Python 3.x."""


@dataclass
class Sshd:
    """A running server: how to reach it, and what a test does to it."""

    host: str
    port: int
    user: str
    identity_file: Path
    known_hosts: Path
    home: Path
    """The board user's home folder."""
    python: str
    """An interpreter the user may run on the board."""
    folder: Path
    """Server-side files: host key, authorized keys, log."""
    daemon: subprocess.Popen[bytes] = field(repr=False)

    @property
    def cache(self) -> Path:
        """The one folder a session may leave on the board."""
        return self.home / ".cache" / "edge-harness"

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def profile_text(self, name: str, *, extra: str = "", **connection: str | int) -> str:
        """A device TOML; keyword arguments replace or add keys of [connection], ``extra`` is appended."""
        keys: dict[str, str | int] = {
            "host": self.host,
            "user": self.user,
            "port": self.port,
            "identity_file": str(self.identity_file),
            "known_hosts": str(self.known_hosts),
            "python": self.python,
        }
        keys |= connection
        lines = [f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"' for key, value in keys.items()]
        return "\n".join([f'description = "{name}, a loopback board"', "[connection]", *lines, extra, ""])

    def processes(self) -> list[int]:
        """Ids of the processes that live below the server, its own sessions included."""
        return _descendants(self.daemon.pid)

    def cut_links(self) -> None:
        """Kill every open session's server process; the server itself goes on."""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
                    os.kill(pid, signal.SIGKILL)

    def reload(self) -> None:
        """Have the server read its configuration again."""
        self.daemon.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        _await_banner(self)


@contextlib.contextmanager
def loopback_sshd(  # noqa: PLR0913 - what a board may differ in, by keyword only
    folder: Path,
    account: str | None = None,
    *,
    env: dict[str, str] | None = None,
    options: str = "",
    host: str = HOST,
    prefix: Sequence[str] = (),
) -> Iterator[Sshd]:
    """A server on a free port; ``env`` is set for every session.

    ``options`` are further sshd_config lines (``Subsystem other /bin/false``: no SFTP). ``prefix`` runs it elsewhere,
    in another network namespace for one, where it has the address ``host``.

    With ``account`` a user of that name and a random suffix is made (root only), and removed with its home. Raises
    BoardUnavailableError where this machine has no sshd, or it does not come up.
    """
    program = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
    if program is None:
        raise BoardUnavailableError("sshd is not on this machine: install openssh-server")
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        user, home = stack.enter_context(_account(account)) if account else (getpass.getuser(), folder / "home")
        home.mkdir(exist_ok=True)
        server = Path(tempfile.mkdtemp(prefix="edge-sshd-"))
        stack.callback(shutil.rmtree, server, ignore_errors=True)
        server.chmod(0o755)
        yield stack.enter_context(
            _serve(program, server, _Client(folder, user, home, account is not None, host, prefix), env or {}, options)
        )


@dataclass(frozen=True)
class _Client:
    folder: Path
    user: str
    home: Path
    own_account: bool
    host: str
    prefix: Sequence[str]


@contextlib.contextmanager
def _serve(program: str, server: Path, client: _Client, env: dict[str, str], options: str) -> Iterator[Sshd]:
    host_key = _key(server / "host_key")
    identity = _key(client.folder / "id_ed25519")
    authorized = server / "authorized_keys"
    authorized.write_text(identity.with_suffix(".pub").read_text())
    authorized.chmod(0o644)
    port = free_port()
    known_hosts = client.folder / "known_hosts"
    known_hosts.write_text(_known_line(client.host, port, host_key))
    config = server / "sshd_config"
    subsystem = "" if "Subsystem" in options else "Subsystem sftp internal-sftp\n"
    config.write_text(f"{_config(client.host, port, server, _session_env(client) | env)}{subsystem}{options}\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    command = [*client.prefix, program, "-D", "-f", str(config), "-E", str(server / "log")]
    with (server / "log").open("ab") as log:
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
    python = SYSTEM_PYTHON if client.own_account else sys.executable
    board = Sshd(client.host, port, client.user, identity, known_hosts, client.home, python, server, daemon)
    try:
        _await_listening(board) if client.prefix else _await_banner(board)
        yield board
    finally:
        _end(board)


def _session_env(client: _Client) -> dict[str, str]:
    if client.own_account:
        return {"PYTHONPATH": VENV_SITE}
    return {"HOME": str(client.home)}


def _config(host: str, port: int, server: Path, env: dict[str, str]) -> str:
    settings = " ".join(f'"{key}={value}"' for key, value in env.items())
    return "\n".join(
        [
            f"Port {port}",
            f"ListenAddress {host}",
            f"HostKey {server / 'host_key'}",
            f"AuthorizedKeysFile {server / 'authorized_keys'}",
            f"PidFile {server / 'pid'}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "LogLevel DEBUG1",
            f"SetEnv {settings}" if settings else "",
            "",
        ]
    )


@contextlib.contextmanager
def _account(prefix: str) -> Iterator[tuple[str, Path]]:
    name = f"{prefix}-{secrets.token_hex(3)}"
    # "*" is a password nobody has; useradd's own "!" would lock the account for keys as well.
    subprocess.run(["useradd", "-m", "-k", "/nonexistent", "-p", "*", "-s", "/bin/sh", name], check=True)
    try:
        yield name, Path(pwd.getpwnam(name).pw_dir)
    finally:
        subprocess.run(["userdel", "-r", "-f", name], check=False, capture_output=True)


def _key(path: Path) -> Path:
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def _known_line(host: str, port: int, key: Path) -> str:
    kind, blob = key.with_suffix(".pub").read_text().split()[:2]
    return f"[{host}]:{port} {kind} {blob}\n"


def free_port() -> int:
    """A TCP port of the loopback address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _await_banner(board: Sshd, patience_s: float = 10.0) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and board.daemon.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((board.host, board.port), timeout=1) as link:
            if link.recv(4) == b"SSH-":
                return
        time.sleep(0.02)
    raise BoardUnavailableError(f"sshd did not come up on port {board.port}: {board.log}")


def _await_listening(board: Sshd, patience_s: float = 10.0) -> None:
    """For a server that cannot be reached from here."""
    deadline = time.monotonic() + patience_s
    while "Server listening" not in board.log:
        if time.monotonic() >= deadline or board.daemon.poll() is not None:
            raise BoardUnavailableError(f"sshd did not come up: {board.log}")
        time.sleep(0.02)


def _end(board: Sshd) -> None:
    left = board.processes()
    board.daemon.terminate()
    board.daemon.wait(timeout=10)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.extend(below)
        waiting.extend(below)
    return found
