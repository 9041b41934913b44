"""A running emulated board: started under QEMU, reached by SSH on this machine alone, stopped by its monitor."""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from harness.records.cache_dir import writable_cache
from harness.records.device import Connection
from harness.records.errors import BoardUnavailableError, UsageError
from harness.records.units import parse_quantity
from harness.testing.emulated.debian import USER
from harness.testing.emulated.image import Image, build_image, find_programs

CPUS: Final = 4
MEMORY: Final = "2 GB"
_QEMU: Final = "qemu-system-aarch64"
_HOST: Final = "127.0.0.1"
_CORE: Final = "cortex-a72"
_BOOT_S: Final = 180.0
"""Until sshd answers: about 10 s on a quiet machine."""
_STOP_S: Final = 10.0
_LEAST_MEMORY: Final = 256e6
_TOLD_LINES: Final = 3
_PROMPT: Final = b"(qemu)"


@dataclass
class EmulatedBoard:
    """A board of Debian ``release`` with so many processors and so much memory. Use as a context manager, or `start`.

    It has no network but SSH from this machine, and forgets everything when it is stopped. ``port``: None takes a free
    one. ``detached``: it goes on when this process ends, until `stop_board`.
    Raises UsageError where a program is missing or an option is wrong, BoardUnavailableError where it does not start.
    """

    release: str = "bookworm"
    memory: str = MEMORY
    cpus: int = CPUS
    name: str = "emulated"
    port: int | None = None
    mirror: str | None = None
    cache_dir: Path | None = None
    detached: bool = False
    say: Callable[[str], None] = lambda _text: None
    seconds: dict[str, float] = field(default_factory=dict)
    """How long it took: image, boot."""
    _folder: Path = field(init=False)
    _image: Image = field(init=False)
    _process: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Build the image unless it is there, and boot the board until its sshd answers."""
        find_programs({_QEMU: "qemu-system-arm", "setpriv": "util-linux"})
        megabytes = _megabytes(self.memory)
        self._folder = _board_folder(self.name, self.cache_dir)
        if _monitor(self._folder, "info status"):
            raise UsageError(f"an emulated board named {self.name} runs already: stop it first, or name another")
        began = time.monotonic()
        self._image = build_image(self.release, mirror=self.mirror, cache_dir=self.cache_dir, say=self.say)
        self.seconds["image"] = time.monotonic() - began
        self.port = self.port or _free_port()
        self._folder.mkdir(parents=True, exist_ok=True)
        host_key = self._image.keys.host.with_suffix(".pub").read_text(encoding="utf-8")
        self._known_hosts.write_text(f"[{_HOST}]:{self.port} {host_key}", encoding="utf-8")
        self.say("booting")
        began = time.monotonic()
        self._boot(megabytes)
        self.seconds["boot"] = time.monotonic() - began

    def stop(self) -> None:
        """Switch the board off; what it was is gone."""
        _stop(self._folder)
        if self._process is not None:
            self._process.wait(_STOP_S)

    @property
    def connection(self) -> Connection:
        """How a profile reaches it: [connection] with the key that logs in and the board's own."""
        return Connection(
            host=_HOST,
            user=USER,
            port=self.port,
            identity_file=str(self._image.keys.login),
            known_hosts=str(self._known_hosts),
        )

    @property
    def add_arguments(self) -> list[str]:
        """What `harness add NAME` takes to make a profile of it."""
        connection = self.connection
        keys = ["--identity-file", str(connection.identity_file), "--known-hosts", str(connection.known_hosts)]
        return [f"{USER}@{_HOST}:{self.port}", *keys]

    @property
    def _known_hosts(self) -> Path:
        return self._folder / "known_hosts"

    @property
    def _console(self) -> Path:
        return self._folder / "console.log"

    def _boot(self, megabytes: int) -> None:
        image = self._image
        self._console.unlink(missing_ok=True)
        machine = ["-M", "virt", "-cpu", _CORE, "-smp", str(self.cpus), "-m", f"{megabytes}M"]
        network = f"user,id=net,restrict=on,hostfwd=tcp:{_HOST}:{self.port}-:22"
        command = [
            *(() if self.detached else ("setpriv", "--pdeathsig", "TERM")),
            *(_QEMU, *machine, "-nodefaults", "-no-reboot", "-display", "none"),
            *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
            *("-append", f"console=ttyAMA0 quiet panic=-1 clock={time.time():.0f}"),
            *("-drive", f"file={_escaped(image.disk)},if=virtio,format=raw,snapshot=on"),
            *("-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci"),
            *("-serial", "file:console.log", "-monitor", "unix:monitor,server=on,wait=off"),
        ]
        said = self._folder / "qemu.log"
        with said.open("wb") as log:
            self._process = process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=self.detached,
            )
        deadline = time.monotonic() + _BOOT_S
        while not _answers(self.port or 0):
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                trouble = f"QEMU ended with {process.returncode}" if ended else f"no sshd after {_BOOT_S:.0f} s"
                raise BoardUnavailableError(f"{self.name}: did not boot: {trouble}: {_last_lines(said, self._console)}")
            time.sleep(0.1)


def stop_board(name: str = "emulated", *, cache_dir: Path | None = None) -> bool:
    """Stop the board of that name that was left running; returns whether there was one."""
    return _stop(_board_folder(name, cache_dir))


def _board_folder(name: str, cache_dir: Path | None) -> Path:
    if not name or "/" in name or name.startswith("."):
        raise UsageError(f"{name!r} cannot be an emulated board's name")
    return writable_cache(cache_dir) / "emulated" / "boards" / name


def _stop(folder: Path) -> bool:
    ran = _monitor(folder, "quit")
    deadline = time.monotonic() + _STOP_S
    while ran and _monitor(folder, "info status") and time.monotonic() < deadline:
        time.sleep(0.05)
    return ran


def _monitor(folder: Path, order: str) -> bool:
    """Have a board's QEMU carry out an order; returns whether one listens there.

    A socket's path may have 107 characters at most: it is reached by the open folder. The answer is read to its end,
    the next prompt or that of QEMU: an order whose sender is gone with its answer unread is lost.
    """
    answer = b""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_STOP_S)
            link.connect(f"/proc/self/fd/{opened}/monitor")
            link.sendall(f"{order}\n".encode())
            while answer.count(_PROMPT) < 2 and (part := link.recv(4096)):
                answer += part
    except OSError:
        pass  # nothing listens there, or it ended
    finally:
        os.close(opened)
    return bool(answer)


def _answers(port: int) -> bool:
    """Whether an sshd greets: QEMU itself takes every connection, and drops it while nothing listens on the board."""
    try:
        with socket.create_connection((_HOST, port), timeout=5.0) as link:
            return link.recv(4) == b"SSH-"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _megabytes(memory: str) -> int:
    try:
        size = parse_quantity(memory, "B")
    except ValueError as error:
        raise UsageError(f'memory "{memory}": {error}') from error
    if size < _LEAST_MEMORY:
        raise UsageError(f'memory "{memory}": Debian needs at least 256 MB')
    return round(size / 1e6)


def _escaped(path: Path) -> str:
    """As QEMU's options have it: a comma doubled."""
    return str(path).replace(",", ",,")


def _last_lines(*logs: Path) -> str:
    lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines() if line]
    return " / ".join(lines[-_TOLD_LINES:]) or "it said nothing"
