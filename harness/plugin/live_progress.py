"""The live lines under pytest, below what pytest writes; with pytest-xdist its workers tell the controller."""

import os
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import Any

import pytest

from harness.measure import Progress
from harness.session.progress_line import ProgressDisplay, ProgressLines

CHANNEL = "progress"
"""The key of an xdist worker's input under which its channel to the controller stands."""


@dataclass(eq=False)
class LiveProgress:
    """A pytest plugin object: draws below pytest's own line, and takes its lines away whenever pytest writes."""

    lines: ProgressLines

    @classmethod
    def of(cls, config: pytest.Config) -> "LiveProgress":
        """Made before pytest captures output: a copy of stderr is the terminal still, when tests run."""
        stream = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
        config.add_cleanup(stream.close)

        def behind_text() -> bool:
            has_reporter = config.pluginmanager.has_plugin("terminalreporter")
            return has_reporter and config.get_terminal_writer().width_of_current_line > 0

        return cls(ProgressLines(stream, behind_text))

    def listen(self, node: Any) -> Any:  # noqa: ANN401 - xdist's and execnet's types
        """A channel for an xdist worker, on which it tells its progress; what a dead one told last is taken away."""
        channel, devices = node.gateway.newchannel(), set[str]()

        def hear(told: tuple[str, str, int, int, float | None, bool] | None) -> None:
            if told is None:
                for device in devices:
                    self.lines.show(Progress(device, ""))
            else:
                progress = Progress(*told)
                devices.add(progress.device)
                self.lines.show(progress)

        channel.setcallback(hear, endmarker=None)
        return channel

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self) -> Generator[None, object, object]:
        """Pytest writes the test's file or name."""
        with self.lines.hidden():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, object, object]:
        """Pytest writes a letter or a word."""
        with self.lines.hidden():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self) -> Generator[None, object, object]:
        """Pytest writes how far it is."""
        with self.lines.hidden():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True, optionalhook=True)
    def pytest_testnodedown(self) -> Generator[None, object, object]:
        """Pytest-xdist writes that a worker died."""
        with self.lines.hidden():
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Nothing is told any more."""
        self.lines.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self) -> None:
        """Nothing is told any more."""
        self.lines.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Nothing is told any more."""
        self.lines.end()


@dataclass(frozen=True)
class WorkerProgress:
    """What an xdist worker's session tells, passed on to the controller, which has the terminal."""

    channel: Any

    def show(self, progress: Progress) -> None:
        """Tell it; where the controller is gone nobody wants to know."""
        with suppress(OSError):
            self.channel.send(astuple(progress))

    def clear(self) -> None:
        """The controller takes lines away by itself."""


def worker_progress(handed: Mapping[str, Any]) -> ProgressDisplay | None:
    """Where an xdist worker tells its progress; None where its controller does not listen."""
    return WorkerProgress(handed[CHANNEL]) if CHANNEL in handed else None
