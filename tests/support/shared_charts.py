"""One drawing engine for the tests of a process: its start takes half a second of work, which each report would pay.

What a report starts is then a relay, a process like the real one that sends its lines to the engine and the answers
back. Tests of the drawing process start the real one: :func:`own_engine`.
"""

import atexit
import contextlib
import inspect
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

_RELAY = """import socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect({address!r})
    with link.makefile("rwb") as engine:
        for line in sys.stdin.buffer:
            engine.write(line)
            engine.flush()
            sys.stdout.buffer.write(engine.readline())
            sys.stdout.buffer.flush()
"""
_lock = threading.Lock()
_relays: list[Path] = []


def relay() -> Path:
    """The program that takes the place of the drawing program; the engine behind it is started by the first line."""
    with _lock:
        if not _relays:
            folder = Path(tempfile.mkdtemp(prefix="edge-charts-"))
            server = _Server(str(folder / "engine"))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            program = folder / "relay.py"
            program.write_text(_RELAY.format(address=server.server_address), encoding="utf-8")
            atexit.register(server.end, folder)
            _relays.append(program)
        return _relays[0]


def draw_by(program: Path) -> None:
    """In this process, let reports start a program where they name none."""
    from harness.report.charts.chart_client import ChartClient

    ChartClient.__init__.__kwdefaults__["program"] = program


@contextlib.contextmanager
def own_engine() -> Iterator[None]:
    """In this process, let reports start the real program, as they do outside of tests."""
    from harness.report.charts import chart_client

    before = inspect.signature(chart_client.ChartClient).parameters["program"].default
    draw_by(chart_client._PROGRAM)
    try:
        yield
    finally:
        draw_by(before)


class _Server(socketserver.ThreadingUnixStreamServer):
    """Passes the lines of relays to one engine, one after another."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        self._one_at_a_time = threading.Lock()
        self._engine: subprocess.Popen[bytes] | None = None
        super().__init__(address, _Relayed)

    def draw(self, line: bytes) -> bytes:
        """The engine's answer; nothing where it died, and the next line starts another."""
        with self._one_at_a_time:
            if self._engine is None or self._engine.poll() is not None:
                self._engine = _start_engine()
            assert self._engine.stdin is not None and self._engine.stdout is not None
            try:
                self._engine.stdin.write(line)
                self._engine.stdin.flush()
                return self._engine.stdout.readline()
            except BrokenPipeError:
                return b""

    def end(self, folder: Path) -> None:
        self.shutdown()
        self.server_close()
        if self._engine is not None:
            self._engine.kill()
            self._engine.communicate()
        shutil.rmtree(folder, ignore_errors=True)


class _Relayed(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a report's end kills its relay
            for line in self.rfile:
                self.wfile.write(self.server.draw(line))


def _start_engine() -> subprocess.Popen[bytes]:
    from harness.report.charts import chart_client

    return subprocess.Popen(
        [sys.executable, "-P", str(chart_client._PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
