"""The live lines while boards work, one a board. Without a terminal waits and lost links alone are told."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol, TextIO

from harness.measure import Progress
from harness.records.text import visible

_CLEAR: Final = "\x1b[J"
"""From the cursor to the end of the screen."""
_DOWN: Final = "\x1bD"
"""A line down in the same column; at the end of the screen it scrolls."""
_KEEP, _BACK = "\x1b7", "\x1b8"
"""The cursor's place, kept and taken up again."""


class ProgressDisplay(Protocol):
    """What a session tells of its progress."""

    def show(self, progress: Progress) -> None:
        """Show what is going on; nothing more of a device that says nothing."""
        ...

    def clear(self) -> None:
        """Show nothing any more."""
        ...


@dataclass
class ProgressLines:
    """Draws a line a device at the cursor, which stays where it was; where output is no terminal, only what is logged.

    Several threads may show. Nothing is drawn by itself: a thread that did would disturb what this machine measures.
    """

    stream: TextIO = field(default_factory=lambda: sys.__stderr__ or sys.stderr)
    behind_text: Callable[[], bool] = lambda: False
    """Whether the cursor stands behind text of others, below which the lines are drawn then."""
    _lines: dict[str, Progress] = field(default_factory=dict)
    _drawn: bool = False
    _logged: set[Progress] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _terminal: bool = field(init=False)

    def __post_init__(self) -> None:
        self._terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, progress: Progress) -> None:
        """Draw what is going on; without a terminal write what is worth a line, once."""
        with self._lock:
            if progress.logged and not self._terminal and progress not in self._logged:
                self._logged.add(progress)
                self._write(visible(f"{progress.device}: {progress.what}") + "\n")
            if progress.what:
                self._lines[progress.device] = progress
            else:
                self._lines.pop(progress.device, None)
            self._draw()

    def clear(self) -> None:
        """Take the lines away."""
        with self._lock:
            self._lines.clear()
            self._draw()

    def end(self) -> None:
        """Take the lines away, and draw none any more."""
        with self._lock:
            self.clear()
            self._terminal = False

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """The lines taken away while others write to the terminal, and drawn again below what they wrote."""
        with self._lock:
            kept, self._lines = self._lines, {}
            self._draw()
            try:
                yield
            finally:
                self._lines = kept
                self._draw()

    def _draw(self) -> None:
        if not self._terminal or not (self._lines or self._drawn):
            return
        behind = self.behind_text()
        self._write(_CLEAR if behind else f"\r{_CLEAR}")
        self._drawn = bool(self._lines)
        if not self._lines:
            return
        columns, rows = _size(self.stream)
        lines = [fit_line(progress, columns - 1) for progress in self._lines.values()]
        if len(lines) > rows - 2:
            lines = lines[: max(1, rows - 3)]
        if behind:
            room = _DOWN * len(lines) + f"\x1b[{len(lines)}A"
            self._write(room + _KEEP + "".join(f"\r\n{line}" for line in lines) + _BACK)
        else:
            up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
            self._write("\r\n".join(lines) + f"\r{up}")

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:  # the terminal is gone: what is measured is not
            self._terminal = False


def fit_line(progress: Progress, columns: int) -> str:
    """A progress event as one line of at most so many columns; where it is too long, what goes on is cut."""
    from rich.cells import cell_len, set_cell_size

    what, count = visible(f"{progress.device}: {progress.what}"), _count(progress)
    room = columns - len(count)
    if cell_len(what) > room:
        what = set_cell_size(what, max(1, room - 1)).rstrip() + "…"
    return set_cell_size(what + count, columns).rstrip()


def _count(progress: Progress) -> str:
    parts = [f"trial {progress.done} of {progress.total}"] if progress.total else []
    if progress.seconds_left is not None:
        parts.append(f"{_duration(progress.seconds_left)} left")
    return "".join(f", {part}" for part in parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _size(stream: TextIO) -> tuple[int, int]:
    """Columns and rows; of a terminal that says nothing 80 and 24."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except OSError:
        return 80, 24
    return (found.columns or 80), (found.lines or 24)
