"""Reading a command's stdout and stderr as they come, so that neither ever blocks the command for good."""

import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from harness.records.errors import ConnectionLostError
from harness.records.exit_status import describe_exit

LINE_BYTES = 64 * 2**20
"""Longest line accepted from a board. A trial's raw samples take up to a few megabytes."""
TAIL_BYTES = 8 * 2**10


Source: TypeAlias = Callable[[], bytes]
"""Waits for some bytes of one stream; b"" at its end."""


class Streams:
    """Lines of stdout and the tail of stderr, each filled by a thread of its own."""

    def __init__(self, out: Source, err: Source, *, name: str) -> None:
        self._name = name
        self._buffer = bytearray()
        self._scanned = 0
        self._tail = b""
        self._ended = False
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(target=self._pump_out, args=(out,), name=f"stdout of {name}", daemon=True),
            threading.Thread(target=self._pump_err, args=(err,), name=f"stderr of {name}", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def read_line(self, deadline_s: float) -> bytes | None:
        """As `harness.transport.transport.Process.read_line`."""
        until = time.monotonic() + deadline_s
        with self._news:
            while (line := self._take()) is None and not self._ended:
                if len(self._buffer) > LINE_BYTES:
                    raise ConnectionLostError(
                        f"{self._name}: a line of more than {LINE_BYTES} bytes came from the board; "
                        "expected an answer of the steward"
                    )
                if not self._news.wait(max(0.0, until - time.monotonic())):
                    raise TimeoutError(f"{self._name}: no line within {deadline_s:g} s")
            return line

    def stderr_tail(self) -> str:
        """The last of stderr, undecodable bytes replaced."""
        with self._news:
            return self._tail.decode(errors="replace").strip()

    def join(self, deadline_s: float) -> None:
        """Wait until both streams have ended and were read."""
        for thread in self._threads:
            thread.join(deadline_s)

    def _take(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            return self._rest() if self._ended else None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        self._news.notify_all()
        return line

    def _rest(self) -> bytes | None:
        """What came after the last line's end, once there is no more to come."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        return rest or None

    def _pump_out(self, source: Source) -> None:
        try:
            while chunk := source():
                self._keep(chunk)
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _pump_err(self, source: Source) -> None:
        while chunk := source():
            with self._news:
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]

    def _keep(self, chunk: bytes) -> None:
        with self._news:
            self._buffer += chunk
            self._news.notify_all()
            # Nobody fetches: let the command wait rather than fill this host's memory.
            while len(self._buffer) > 2 * LINE_BYTES:
                self._news.wait()


def describe_end(device: str, status: int | None, stderr: str) -> str:
    """One line on a command that ended before it was told to; ``status`` as ``subprocess`` has it, None: unknown."""
    last = stderr.splitlines()[-1] if stderr else "it said nothing"
    how = "ended without an exit status" if status is None else describe_exit(status)
    return f"{device}: the command on the board {how}: {last}"
