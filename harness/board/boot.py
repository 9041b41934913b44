"""The agent packed, sent and started: one round trip from an open transport where the board knows it already."""

import base64
import io
import secrets
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from harness.board.boot_code import MINIMUM_PYTHON, digest_of
from harness.board.untrusted import one_line
from harness.records.base import Record
from harness.records.device import Connection
from harness.records.errors import BoardUnfitError, ConnectionLostError
from harness.transport import Process, Transport

PACKAGE = "edge_agent"
"""The name under which the agent's modules import each other on the board."""
# Zip's earliest date: the package must not depend on when the files were written.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
BOOT_S = 45.0
"""Python's start on the slowest board, with a cold SD card."""
UPLOADS = 2
"""An agent that arrived damaged is sent once more."""
_COMMAND_NOT_FOUND = (126, 127)


@dataclass(frozen=True)
class AgentPackage:
    """The zip file, and its name on the board: the sha256 of the modules in it, each with its name."""

    content: bytes
    sha256: str


@cache
def agent_package() -> AgentPackage:
    """The agent as it is shipped: ``__main__.py`` on top, every module in the package ``edge_agent``."""
    sources = {
        entry.name: entry.read_bytes()
        for entry in files("harness").joinpath("agent").iterdir()
        if entry.name.endswith(".py")
    }
    return pack_agent(sources)


def pack_agent(sources: dict[str, bytes]) -> AgentPackage:
    """A zip of modules given as file name -> source."""
    contents = {"__main__.py": sources["__main__.py"]}
    contents |= {f"{PACKAGE}/{name}": sources[name] for name in sorted(sources)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in contents.items():
            _add(archive, name, source)
    return AgentPackage(buffer.getvalue(), digest_of(contents))


def _add(archive: zipfile.ZipFile, name: str, source: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _MODE
    entry.create_system = 3  # Unix, wherever this host runs
    archive.writestr(entry, source)


class BootAnswer(Record):
    """What the board says before anything of ours runs there."""

    python: tuple[int, int, int]
    cache: Annotated[str, Field(pattern=r"^/")]
    agent: bool
    error: str | None


@dataclass(frozen=True)
class StartedAgent:
    """A started steward, its greeting not yet read."""

    process: Process
    booted: BootAnswer
    bytes_sent: int


@dataclass(frozen=True)
class AgentStarter:
    """How to start a steward on one board."""

    transport: Transport
    device: str
    python: str
    agent: AgentPackage
    words: tuple[str, ...]
    """The steward's own; the word CACHE stands for the cache folder."""

    def start(self) -> StartedAgent:
        """A steward that runs; the agent is sent where the board does not have it. BoardUnfitError says why not."""
        process, booted = self._try("")
        sent = 0
        while not booted.agent:
            if sent == UPLOADS * len(self.agent.content):
                raise BoardUnfitError(
                    f"{self.device}: the agent arrived damaged on the board {UPLOADS} times; "
                    "is the disk there sound? See the board's kernel log"
                )
            upload = f"agent-{secrets.token_hex(8)}"
            self._send(f"{booted.cache}/incoming/{upload}")
            sent += len(self.agent.content)
            process, booted = self._try(upload)
        return StartedAgent(process, booted, sent)

    def _try(self, upload: str) -> tuple[Process, BootAnswer]:
        argv = [self.python, "-c", boot_command(), self.agent.sha256, upload, *self.words]
        process = self.transport.start(argv)
        booted = self._listen(process)
        if booted.python < MINIMUM_PYTHON:
            version, least = _format_version(booted.python), _format_version(MINIMUM_PYTHON)
            raise BoardUnfitError(
                f"{self.device}: {self.python} on the board is Python {version}; expected {least} or later: "
                "install a newer one and name it as connection.python"
            )
        if booted.error is not None:
            raise BoardUnfitError(
                f"{self.device}: the cache folder {one_line(booted.cache)} on the board cannot be used "
                f"({one_line(booted.error)}): let the board's user write there and free some disk space, "
                "or set XDG_CACHE_HOME for that user"
            )
        return process, booted

    def _listen(self, process: Process) -> BootAnswer:
        try:
            line = process.read_line(BOOT_S)
        except TimeoutError as error:
            raise BoardUnfitError(
                f"{self.device}: {self.python} on the board said nothing within {BOOT_S:g} s"
            ) from error
        if line is None:
            raise self._silent(process)
        try:
            return BootAnswer.model_validate_json(line)
        except ValidationError as error:
            raise BoardUnfitError(
                f"{self.device}: the board's login or its {self.python} printed {one_line(repr(line), 80)} "
                "where one JSON line was expected: it must print nothing of its own"
            ) from error

    def _silent(self, process: Process) -> BoardUnfitError | ConnectionLostError:
        status = process.wait(BOOT_S)
        said = one_line(process.stderr_tail().rpartition("\n")[2])
        if status in _COMMAND_NOT_FOUND:
            return BoardUnfitError(
                f"{self.device}: no {self.python} on the board ({said}); install Python "
                f"{_format_version(MINIMUM_PYTHON)} or later, or name it as connection.python"
            )
        if status < 0:
            return ConnectionLostError(f"{self.device}: the link broke while {self.python} was started")
        return BoardUnfitError(
            f"{self.device}: {self.python} on the board failed with exit status {status}: {said or 'no word'}"
        )

    def _send(self, target: str) -> None:
        with tempfile.NamedTemporaryFile(prefix="edge-agent-") as file:
            file.write(self.agent.content)
            file.flush()
            self.transport.put(Path(file.name), target)


def python_of(connection: Connection) -> str:
    """The interpreter that starts the agent: the profile's, else this one for local, else python3."""
    if connection.python:
        return connection.python
    return sys.executable if connection.transport == "local" else "python3"


def boot_command() -> str:
    """`harness.board.boot_code` as one line for ``python3 -c``: csh takes no line ends within quotes."""
    source = files("harness.board").joinpath("boot_code.py").read_bytes()
    packed = base64.b64encode(zlib.compress(source, 9)).decode("ascii")
    return f'import base64,zlib;exec(zlib.decompress(base64.b64decode("{packed}")))'


def _format_version(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)
