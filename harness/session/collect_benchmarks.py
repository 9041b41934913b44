"""The candidates that benchmark files name, collected by pytest and not run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from harness.records.candidate import Candidate
from harness.records.errors import UsageError

_NOT_TOLD: Final = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""The harness was imported before pytest could look into it, which would end the run where warnings are errors."""
_BENCHMARK: Final = {"bench", "harness_device"}
"""The fixtures by which a benchmark is known; a ``bench`` of somebody else's does not ask for the second."""


@dataclass(frozen=True)
class Benchmark:
    """A collected test's candidate, the test's file, and its budget markers, each as it was written."""

    test: str
    path: Path
    candidate: Candidate
    markers: tuple[Mapping[str, object], ...]


@dataclass(frozen=True)
class UnnamedBenchmark:
    """A collected test that names its candidate only when it runs, ``bench("model.tflite")``."""

    test: str
    path: Path


def collect_benchmarks(paths: Sequence[str], *, some: bool = True) -> list[Benchmark]:
    """Every candidate of every test, whatever their budgets say. Raises UsageError where a file is wrong.

    Also where no test names a candidate, unless ``some`` is False.
    """
    benchmarks, _ = collect_all(paths)
    if some and not benchmarks:
        raise UsageError(f"no candidates in {', '.join(paths)}: expected benchmark files or folders that name some")
    return benchmarks


def collect_all(paths: Sequence[str]) -> tuple[list[Benchmark], list[UnnamedBenchmark]]:
    """Every candidate that a test's parameters name, and the tests whose parameters name none. Raises UsageError."""
    for path in paths:
        if not Path(path.partition("::")[0]).exists():
            raise UsageError(f"{path}: there is no such file or folder: give benchmark files or folders of them")
    collector = _Collector()
    # -p no:terminal would leave options undefined that other plugins read.
    quietly = ["--collect-only", "-qq", "--no-header", *_NOT_TOLD]
    pytest.main([*quietly, *paths], plugins=[_Silence(), collector])
    if collector.wrong:
        raise UsageError(collector.wrong[0])
    return collector.benchmarks, collector.unnamed


class _Collector:
    """A pytest plugin that keeps the candidates of every collected benchmark, and what could not be collected."""

    def __init__(self) -> None:
        self.benchmarks: list[Benchmark] = []
        self.unnamed: list[UnnamedBenchmark] = []
        self.wrong: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep each test's candidates, in collection order, and end before others judge what is not to be run."""
        for item in session.items:
            params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
            markers = tuple(marker.kwargs for marker in item.iter_markers("budget"))
            named = [value for value in params.values() if isinstance(value, Candidate)]
            self.benchmarks += [Benchmark(item.nodeid, item.path, one, markers) for one in named]
            if not named and {*getattr(item, "fixturenames", ())} >= _BENCHMARK:
                self.unnamed.append(UnnamedBenchmark(item.nodeid, item.path))
        if (self.benchmarks or self.unnamed) and not session.testsfailed:
            pytest.exit("collected", returncode=pytest.ExitCode.OK)

    def pytest_exception_interact(self, node: pytest.Item | pytest.Collector, call: pytest.CallInfo[Any]) -> None:
        """Keep, in one line, why a file could not be collected."""
        if call.excinfo is not None:
            error = call.excinfo.value
            # pytest wraps an ImportError in a text of many lines, the last of which says what it was.
            said = str(error).strip().splitlines() or [type(error).__name__]
            text = said[-1].removeprefix("E").strip() if isinstance(node, pytest.Collector) else said[0]
            self.wrong.append(f"{node.nodeid}: {text}")


class _Silence:
    """Keeps pytest's own listing off stdout, where JSON may go."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take the terminal reporter out."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)
