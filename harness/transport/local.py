"""This machine as a board: commands as child processes, files copied."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from harness.records.device import Connection
from harness.records.errors import BoardUnfitError, ConnectionLostError
from harness.records.files import expand_home
from harness.transport.streams import Source, Streams, describe_end

CHUNK_BYTES = 2**16


def open_transport(connection: Connection, device: str) -> "LocalTransport":
    """The transport of this machine; nothing of ``connection`` is needed."""
    del connection
    return LocalTransport(device)


class LocalTransport:
    """Runs what it is given on this machine."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._processes: list[LocalProcess] = []

    def start(self, argv: Sequence[str]) -> "LocalProcess":
        """Run a command in a session of its own: Ctrl-C reaches the harness, which then ends it in order."""
        try:
            child = subprocess.Popen(
                [str(expand_home(argv[0])) if argv[0].startswith("~") else argv[0], *argv[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise BoardUnfitError(f"{self._device}: {argv[0]} does not start: {error.strerror}") from error
        process = LocalProcess(child, self._device)
        self._processes.append(process)
        return process

    def put(self, source: Path, target: str) -> int:
        """Copy a file, the bytes of which are given; a copy that fails is removed."""
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            with contextlib.suppress(NotADirectoryError):
                Path(target).unlink(missing_ok=True)
            raise BoardUnfitError(
                f"{self._device}: {target} cannot be written: {error.strerror}; "
                f"{source.stat().st_size} bytes are needed there"
            ) from error
        return source.stat().st_size

    def facts(self) -> None:
        """Nothing lies between."""

    def close(self) -> None:
        """End what still runs."""
        for process in self._processes:
            process.kill()
        self._processes.clear()


class LocalProcess:
    """A child process."""

    def __init__(self, child: "subprocess.Popen[bytes]", device: str) -> None:
        self._child = child
        self._device = device
        self._stdin = _pipe(child.stdin)
        self._streams = Streams(_reader(child.stdout), _reader(child.stderr), name=device)

    def write(self, line: bytes) -> None:
        """Send bytes to the command."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._stdin.write(rest) :]
        except (OSError, ValueError) as error:
            raise ConnectionLostError(describe_end(self._device, self._child.poll(), self.stderr_tail())) from error

    def read_line(self, deadline_s: float) -> bytes | None:
        """The next line of stdout."""
        return self._streams.read_line(deadline_s)

    def stderr_tail(self) -> str:
        """The last of stderr."""
        return self._streams.stderr_tail()

    def wait(self, deadline_s: float) -> int:
        """Exit status; -9 after SIGKILL."""
        try:
            status = self._child.wait(deadline_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{self._device}: the command still runs after {deadline_s:g} s") from error
        self._streams.join(deadline_s)
        return status

    def kill(self) -> None:
        """SIGKILL to the command and what it started in its session."""
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._stdin.close()


def _reader(stream: IO[bytes] | None) -> Source:
    """Reads one pipe, and closes it at its end."""
    pipe = _pipe(stream)

    def read() -> bytes:
        chunk = pipe.read(CHUNK_BYTES)
        if not chunk:
            pipe.close()
        return chunk

    return read


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was started without a pipe")
    return stream
