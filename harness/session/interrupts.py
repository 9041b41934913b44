"""The end of a session: steps that cost each other nothing, and what Ctrl-C and SIGTERM do to it."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final, TypeVar

from harness.records.errors import told_of

T = TypeVar("T")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_NAMES: Final = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
_PATIENCE: Final = 3
"""From so many signals on while a session ends, it is given up."""
_PAUSE: Final = 1.0
"""Seconds: signals that are closer to each other are one press, one key held down, or one signal sent twice."""


@dataclass
class Ending:
    """The steps of a session's end: what goes wrong in one becomes a sentence of ``problems``, and the next runs."""

    problems: list[str] = field(default_factory=list)
    _stepping: bool = False
    _signals: int = 0

    def attempt(self, what: str, step: Callable[[], T], instead: T) -> T:
        """What the step gives, ``instead`` where it fails or Ctrl-C leaves it out."""
        try:
            self._stepping = True
            return step()
        except KeyboardInterrupt:
            self.problems.append(f"{what}: left out, as the run was interrupted")
        except Exception as error:  # whatever it is, the other steps must run
            self.problems.append(f"{what}: {told_of(error)}")
        finally:
            self._stepping = False
        return instead

    @contextmanager
    def holding_signals(self) -> Iterator[None]:
        """Meanwhile Ctrl-C and SIGTERM end a step and not the whole, unless they come again and again."""
        with handled(self._heard):
            yield

    def _heard(self, name: str) -> None:
        self._signals += 1
        if self._stepping or self._signals >= _PATIENCE:
            raise KeyboardInterrupt(name)


@dataclass
class Stop:
    """Ctrl-C and SIGTERM while a session measures: the first ends it after the trial that runs, the second at once."""

    heard: str = ""
    """The signal's name; empty while there was none."""
    _measuring: bool = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the two signals meanwhile."""
        with handled(self._note_signal):
            yield

    @contextmanager
    def while_measuring(self) -> Iterator[None]:
        """Trials run meanwhile, and each ends with `trial_ended`."""
        self._measuring = True
        try:
            yield
        finally:
            self._measuring = False

    def trial_ended(self) -> None:
        """Raise KeyboardInterrupt where somebody asked for an end meanwhile."""
        if self.heard:
            raise KeyboardInterrupt(self.heard)

    def _note_signal(self, name: str) -> None:
        again, self.heard = bool(self.heard), self.heard or name
        if again or not self._measuring:
            raise KeyboardInterrupt(name)
        sys.stderr.write(f"\nharness: {name}: stopping after this trial; once more stops at once\n")


@dataclass
class Interruption:
    """Ctrl-C and SIGTERM under a test runner, which unwinds at the first: what follows at once must not break that."""

    heard: str = ""
    """The first signal's name; empty while there was none."""
    _signals: int = 0
    _last: float = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Raise KeyboardInterrupt at the first signal meanwhile, and then only for somebody who insists."""
        with handled(self._note_signal):
            yield

    def caught(self) -> None:
        """Start anew: the session goes on, as a test or a debugger caught what was raised."""
        self.heard, self._signals = "", 0

    def _note_signal(self, name: str) -> None:
        __tracebackhide__ = True  # pytest shows the line that was interrupted, and not this one
        now = time.monotonic()
        after_pause, self._last = now - self._last > _PAUSE, now
        self._signals += 1
        if not self.heard or (after_pause and self._signals >= _PATIENCE):
            self.heard = self.heard or name
            raise KeyboardInterrupt(name)


@contextmanager
def handled(hear: Callable[[str], None]) -> Iterator[None]:
    """Call ``hear`` with the signal's name at Ctrl-C and SIGTERM meanwhile; does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(number: int, _frame: FrameType | None) -> None:
        __tracebackhide__ = True  # from pytest's tracebacks
        hear(_NAMES[signal.Signals(number)])

    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before if handler_before is not None else signal.SIG_DFL)
