"""What a pytest session's reports say: entries' statuses, boards, the user's words, or failures of the tests' own."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import pytest

from harness.records.errors import HarnessError, UsageError
from harness.records.status import Status
from harness.records.text import visible
from harness.session.interrupts import Interruption
from harness.session.outcome import SessionLog

STATUS_PROPERTY = "harness_status"
UNREACHED_PROPERTY = "harness_unreached"
USAGE_PROPERTY = "harness_usage"
_STOPPED: Final = "stopping after"
"""How pytest and pytest-xdist say that -x or --maxfail ended the session."""
_NOT_COLLECTED: Final = "during collection"
"""How pytest's own word ends where files do not load; which files those were is heard from their reports."""
_WITH_SECTIONS: Final = ("failed", "error")
"""The categories of reports that pytest shows at length."""
_LONGEST: Final = 400
"""Of a failed test's line, which pytest tells at length anyway."""
_KNOWN: Final = (0, 1, 2, 5)
"""Exit statuses of pytest that say no more than reports do."""


def holding_statuses(*, warn: bool) -> frozenset[Status]:
    """The statuses with which a test goes on; ``warn``: also where an entry is too close to call."""
    return frozenset({Status.MEASURED, Status.PASS, *([Status.INCONCLUSIVE] if warn else [])})


@dataclass(eq=False)
class FailureLog:
    """A pytest plugin object: hears every report, also those of xdist's workers, and how the session ends."""

    log: SessionLog = field(default_factory=SessionLog)
    warn: bool = False
    """Whether a test goes on though its entry is too close to call."""
    interruption: Interruption = field(default_factory=Interruption)
    at_interrupt: list[Callable[[], None]] = field(default_factory=list)
    """Called where something ends the session early."""
    _folded: dict[str, list[Any]] = field(default_factory=dict)
    _any_failed: bool = False
    _unloaded: bool = False

    def is_verdict(self, report: pytest.TestReport) -> bool:
        """Whether a failed test failed for its entry's status, and not for what it asserts itself or takes down."""
        status = dict(report.user_properties).get(STATUS_PROPERTY)
        return report.when == "call" and status is not None and status not in holding_statuses(warn=self.warn)

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
        self.log.reported.add(report.nodeid)
        if not report.failed:
            return
        self._any_failed = True
        if getattr(report, "harness_usage", False):
            self.log.refused.append(_line(report))
        else:
            self._unloaded = True
            self.log.failed[report.nodeid] = f"does not load: {_line(report)}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sort a test's report."""
        log, properties = self.log, {str(key): str(value) for key, value in report.user_properties}
        log.reported.add(report.nodeid)
        self.interruption.caught()  # no test is reported on while pytest unwinds
        self._any_failed |= report.failed
        reason = getattr(report, "wasxfail", None)
        if UNREACHED_PROPERTY in properties:
            log.unreached.append(properties[UNREACHED_PROPERTY])
        elif USAGE_PROPERTY in properties:
            log.refused.append(properties[USAGE_PROPERTY])
        elif reason is not None and report.skipped:
            log.expected[report.nodeid] = " ".join(str(reason).split())
        elif report.skipped:
            log.skipped.add(report.nodeid)
        elif report.failed and not self.is_verdict(report):
            phase = "" if report.when == "call" else f"in its {report.when}: "
            log.failed.setdefault(report.nodeid, f"{phase}{_line(report)}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Take note of what ended the session early."""
        error, log = excinfo.value, self.log
        said = " ".join(str(getattr(error, "msg", error)).split())
        if isinstance(error, pytest.exit.Exception) and error.returncode is not None:
            log.end, log.sentence = "other", said
        elif said.startswith(_STOPPED):
            log.end, log.sentence = "stopped", said
        elif log.end == "whole" and not said.endswith(_NOT_COLLECTED):
            log.end, log.sentence = "interrupted", said or "Ctrl-C"
        for act in self.at_interrupt:
            act()

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Take note of an error inside pytest or a plugin."""
        self.log.end, self.log.sentence = "internal", excinfo.exconly(tryshort=True).splitlines()[0][:_LONGEST]

    def settle(self, session: pytest.Session) -> None:
        """Take pytest's own exit status: what it says beyond the reports is never lost."""
        log, status = self.log, int(session.exitstatus)
        log.status = status
        if self._unloaded and status == pytest.ExitCode.INTERRUPTED:
            log.end, log.sentence = "uncollected", ""
        elif log.end == "whole" and session.shouldfail:
            log.end, log.sentence = "stopped", str(session.shouldfail)
        elif log.end == "whole" and self.interruption.heard and status == pytest.ExitCode.OK:
            log.end, log.sentence = "interrupted", self.interruption.heard  # pytest did not come to say so
        elif log.end == "whole" and self.log.refused and status == pytest.ExitCode.INTERRUPTED:
            pass  # files that we refused: code 4
        elif log.end in {"whole", "interrupted"} and status not in _KNOWN:
            log.end = "internal" if status == pytest.ExitCode.INTERNAL_ERROR else "other"
        if status == pytest.ExitCode.TESTS_FAILED and not self._any_failed:
            log.failed["pytest"] = "a plugin failed the session, though no test failed"

    def hears_late(self, session: pytest.Session) -> bool:
        """Take note of what failed the session after its run was closed; returns whether anything did."""
        log, status = self.log, int(session.exitstatus)
        regressed = getattr(getattr(session.config, "_benchmarksession", None), "performance_regressions", ())
        if regressed:
            log.failed["pytest"] = "performance has regressed by pytest-benchmark's --benchmark-compare-fail"
        elif status in {log.status, pytest.ExitCode.OK}:
            return False
        elif status == pytest.ExitCode.TESTS_FAILED:
            log.failed["pytest"] = "a plugin failed the session at its end, though no test failed"
        else:
            log.end, log.status = "other", status
            log.sentence = f"a plugin ended the session with exit status {status}"
        return True

    def fold(self, reporter: pytest.TerminalReporter) -> None:
        """Leave out of pytest's sections of failures what the run's own summary tells, until ``unfold``."""
        for category in _WITH_SECTIONS:
            reports = self._folded[category] = reporter.stats.get(category, [])
            reporter.stats[category] = [report for report in reports if not self._is_told(report)]

    def unfold(self, reporter: pytest.TerminalReporter) -> None:
        """Put it back: pytest's short summary has a line for each, with the test's id."""
        for category, reports in self._folded.items():
            reporter.stats[category] = reports
        self._folded.clear()

    def _is_told(self, report: object) -> bool:
        """Whether a report says nothing but a verdict, or that a board was not to be had, as all others on it do."""
        if not isinstance(report, pytest.TestReport):
            return False
        unreached = UNREACHED_PROPERTY in {str(key) for key, _ in report.user_properties}
        return (unreached or self.is_verdict(report)) and not report.sections

    def exit_status(self) -> int:
        """The exit code of a session that made no run: pytest's own, or 4 where words alone were wrong."""
        if self.log.refused and not self.log.failed and self.log.end == "whole":
            return UsageError.exit_code
        return self.log.status


def refuse(item: pytest.Item, kind: str, sentence: str) -> NoReturn:
    """Fail a test in one line, and tell the session of which kind it is, by a property."""
    line = in_one_line(item.config, sentence)
    item.user_properties.append((kind, line))
    raise pytest.fail.Exception(line, pytrace=False) from None


def in_one_line(config: pytest.Config, sentence: str) -> str:
    """As pytest prints it, at a line's start."""
    from harness.plugin.github import for_log
    from harness.plugin.options import spell_options

    return for_log(spell_options(" ".join(sentence.split()), config))


def _line(report: pytest.CollectReport | pytest.TestReport) -> str:
    """What a failed report says, in one line."""
    shown: Any = report.longrepr
    crash = getattr(shown, "reprcrash", None)
    said = " ".join(str(crash.message if crash is not None else shown).split()).removeprefix("Failed: ")
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."
