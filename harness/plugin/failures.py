"""Which failures of a pytest session are entries' statuses, boards, the user's words, or something else."""

from collections.abc import Generator
from dataclasses import dataclass, field

import pytest

from harness.records.errors import HarnessError, UsageError
from harness.records.status import Status
from harness.records.text import visible

STATUS_PROPERTY = "harness_status"
UNREACHED_PROPERTY = "harness_unreached"
USAGE_PROPERTY = "harness_usage"


def held(*, warn: bool) -> frozenset[Status]:
    """The statuses with which a test goes on; ``warn``: also where an entry is too close to call."""
    return frozenset({Status.MEASURED, Status.PASS, *([Status.INCONCLUSIVE] if warn else [])})


@dataclass(eq=False)
class FailureLog:
    """A pytest plugin object: hears every report, also those of xdist's workers."""

    foreign: bool = False
    """Whether anything failed that is none of the kinds below."""
    usage: bool = False
    """Whether an option, marker, candidate or budget was wrong."""
    unreached: list[str] = field(default_factory=list)
    """One sentence a board that was not to be had."""
    warn: bool = False
    """Whether a test goes on though its entry is too close to call."""

    def is_verdict(self, report: pytest.TestReport) -> bool:
        """Whether a failed test failed for its entry's status, and not for what it asserts itself or takes down."""
        status = dict(report.user_properties).get(STATUS_PROPERTY)
        return report.when == "call" and status is not None and status not in held(warn=self.warn)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Turn an error of ours at collection into its one line."""
        report = yield
        call = getattr(report, "call", None)
        error = call.excinfo.value if call is not None and call.excinfo is not None else None
        if isinstance(error, HarnessError):
            report.longrepr = f"{collector.nodeid}: {visible(' '.join(str(error).split()))}"
            vars(report)["harness_usage"] = isinstance(error, UsageError)
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Sort a file's collection."""
        if report.failed:
            if getattr(report, "harness_usage", False):
                self.usage = True
            else:
                self.foreign = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sort a test's report."""
        properties = {str(key): str(value) for key, value in report.user_properties}
        sentence = properties.get(UNREACHED_PROPERTY)
        if sentence is not None:
            if sentence not in self.unreached:
                self.unreached.append(sentence)
        elif USAGE_PROPERTY in properties:
            self.usage = True
        elif report.failed and not self.is_verdict(report):
            self.foreign = True

    def exit_status(self, pytest_status: int, run_status: int | None) -> int:
        """The session's exit code: pytest's own, 4 for wrong words, else ``run_status`` of the run (None: no run)."""
        if pytest_status not in (0, 1, 2, 5) or self.foreign:
            return pytest_status
        if self.usage:
            return UsageError.exit_code
        if pytest_status == pytest.ExitCode.INTERRUPTED or run_status is None:
            return pytest_status
        return run_status
