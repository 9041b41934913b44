"""JSON lines in and out, of bounded size, on a descriptor that native code cannot print to."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any, Dict, List, Optional

REQUEST_LIMIT = 4 << 20
"""Bytes of one request line."""
ANSWER_LIMIT = 16 << 20
"""Bytes of one line of a block's process."""
MESSAGE_LIMIT = 400
"""Characters of a sentence that is passed on from somebody else."""

Message = Dict[str, Any]


class AgentError(Exception):
    """A request that cannot be fulfilled: a kind of the protocol and one line."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = one_line(message)


class LineTooLongError(Exception):
    """The other side sent a line beyond the limit."""


class StalledError(Exception):
    """The reader of our answers went away or stopped reading."""


def one_line(text: str) -> str:
    """The first line with something in it, printable and of bounded length; "" if there is none."""
    for line in text.splitlines():
        clean = line.strip().encode("utf-8", "replace").decode("utf-8")
        if clean:
            return clean if len(clean) <= MESSAGE_LIMIT else clean[: MESSAGE_LIMIT - 3] + "..."
    return ""


class LineWriter:
    """A descriptor that takes JSON lines; ``patience`` is how long a full pipe is waited for, in seconds."""

    def __init__(self, fd: int, patience: float) -> None:
        self.fd = fd
        self._patience = patience
        os.set_blocking(fd, False)

    def send(self, message: Message) -> None:
        """Write one message; raises StalledError if nobody reads it in time, ValueError for NaN."""
        self.pass_on(json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n")

    def pass_on(self, data: bytes) -> None:
        """Write bytes that are JSON lines already."""
        rest = memoryview(data)
        deadline = time.monotonic() + self._patience
        while rest:
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([], [self.fd], [], wait)[1]:
                raise StalledError("nobody reads the answers")
            try:
                rest = rest[os.write(self.fd, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise StalledError(str(error)) from error


def take_stdout(patience: float) -> LineWriter:
    """Move the answers' descriptor away from 1, which points at stderr from here on."""
    fd = os.dup(1)
    os.dup2(2, 1)
    return LineWriter(fd, patience)


class LineBuffer:
    """Bytes in, whole lines out."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> List[bytes]:
        """The lines that are complete now, without their ends; raises LineTooLongError beyond the limit."""
        self._rest += data
        if b"\n" not in data:
            lines = []  # type: List[bytes]
        else:
            *lines, tail = bytes(self._rest).split(b"\n")
            self._rest = bytearray(tail)
        if len(self._rest) > self._limit or any(len(line) > self._limit for line in lines):
            raise LineTooLongError("a line has more than %d bytes" % self._limit)
        return lines


def parse(line: bytes) -> Optional[Message]:
    """The JSON object in a line, or None if it holds something else."""
    try:
        value = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
