"""The live line while a board works: what, trial i of n, time left. Only on a terminal."""

import sys
from dataclasses import dataclass, field
from typing import TextIO

from harness.measure import Progress
from harness.records.text import visible

_WIDTH = 79


@dataclass
class ProgressLine:
    """Draws one line over itself on a terminal; silent where output is no terminal."""

    stream: TextIO = field(default_factory=lambda: sys.__stderr__ or sys.stderr)
    _drawn: bool = False

    def show(self, progress: Progress) -> None:
        """Draw what is going on."""
        if self.stream.isatty():
            self.stream.write("\r\x1b[K" + describe(progress)[:_WIDTH])
            self.stream.flush()
            self._drawn = True

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._drawn = False


def describe(progress: Progress) -> str:
    """A progress event as one line."""
    parts = [visible(f"{progress.device}: {progress.what}")]
    if progress.total:
        parts.append(f"trial {progress.done} of {progress.total}")
    if progress.seconds_left is not None:
        parts.append(f"about {progress.seconds_left:.0f} s left")
    return ", ".join(parts)
