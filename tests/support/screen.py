"""A command on a terminal of so many columns: what its screen showed while it ran, and at its end.

The pseudo-terminal says its width; the emulated screen is wider, so that a line that is too long is seen as one.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

ROWS = 24
WIDER = 400
TIMEOUT_S = 240


@dataclass(frozen=True)
class Shown:
    """What was on the screen: after each piece of output, and all lines at the end; and what was written."""

    code: int
    screens: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]
    raw: str

    def from_line(self, begins: str) -> tuple[str, ...]:
        """The lines at the end, from the first on that begins so."""
        at = next(at for at, line in enumerate(self.lines) if line.startswith(begins))
        return self.lines[at:]


def run_on_terminal(argv: Sequence[str], cwd: Path, env: Mapping[str, str], *, columns: int) -> Shown:
    """Run a command on a terminal of its own until it ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    process = subprocess.Popen(
        argv, cwd=cwd, env=dict(env), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    screen = pyte.HistoryScreen(WIDER, ROWS, history=10_000, ratio=0.5)
    stream = pyte.ByteStream(screen)
    raw, screens = bytearray(), []
    try:
        while piece := _read(ours):
            raw += piece
            stream.feed(piece)
            screens.append(_of(screen.display))
    finally:
        os.close(ours)
        process.wait(TIMEOUT_S)
    above = ["".join(row[at].data for at in range(WIDER)) for row in screen.history.top]
    lines = _of([*above, *screen.display])
    return Shown(process.returncode, tuple(dict.fromkeys(screens)), lines, raw.decode("utf-8", "replace"))


def _read(terminal: int) -> bytes:
    """The next output; empty when the last process has left the terminal."""
    ready, _, _ = select.select([terminal], [], [], TIMEOUT_S)
    assert ready, "nothing was written for too long"
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that nobody has the other end open
        return b""


def _of(rows: Sequence[str]) -> tuple[str, ...]:
    lines = [row.rstrip() for row in rows]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)
