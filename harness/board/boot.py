"""From an open transport to a running steward: one round trip where the board knows the agent already."""

import base64
import secrets
import sys
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from harness.board.boot_code import MINIMUM_PYTHON
from harness.board.foreign import one_line
from harness.board.package import AgentPackage
from harness.records.base import Record
from harness.records.device import Connection
from harness.records.errors import BoardUnfitError, ConnectionLostError
from harness.transport import Process, Transport

BOOT_S = 45.0
"""Python's start on the slowest board, with a cold SD card."""
UPLOADS = 2
"""An agent that arrived damaged is sent once more."""
_COMMAND_NOT_FOUND = (126, 127)


class Booted(Record):
    """What the board says before anything of ours runs there."""

    python: tuple[int, int, int]
    cache: Annotated[str, Field(pattern=r"^/")]
    agent: bool
    error: str | None


@dataclass(frozen=True)
class Steward:
    """A started steward, its greeting not yet read."""

    process: Process
    booted: Booted
    bytes_sent: int


@dataclass(frozen=True)
class Boot:
    """How to start a steward on one board."""

    transport: Transport
    device: str
    python: str
    agent: AgentPackage
    words: tuple[str, ...]
    """The steward's own; the word CACHE stands for the cache folder."""

    def start(self) -> Steward:
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
        return Steward(process, booted, sent)

    def _try(self, upload: str) -> tuple[Process, Booted]:
        argv = [self.python, "-c", boot_command(), self.agent.sha256, upload, *self.words]
        process = self.transport.start(argv)
        booted = self._listen(process)
        if booted.python < MINIMUM_PYTHON:
            version, least = _dotted(booted.python), _dotted(MINIMUM_PYTHON)
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

    def _listen(self, process: Process) -> Booted:
        try:
            line = process.read_line(BOOT_S)
        except TimeoutError as error:
            raise BoardUnfitError(
                f"{self.device}: {self.python} on the board said nothing within {BOOT_S:g} s"
            ) from error
        if line is None:
            raise self._silent(process)
        try:
            return Booted.model_validate_json(line)
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
                f"{_dotted(MINIMUM_PYTHON)} or later, or name it as connection.python"
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


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)
