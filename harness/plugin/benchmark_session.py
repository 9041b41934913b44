"""A pytest session that benchmarks: its hooks take the steps of a session, with budgets, xdist and GitHub beside."""

import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.plugin import github
from harness.plugin.benchmarks import expected_candidates, is_benchmark, planned_benchmarks
from harness.plugin.collected_budgets import CollectedBudgets
from harness.plugin.failures import USAGE_PROPERTY, FailureLog, refuse
from harness.plugin.live_progress import CHANNEL, LiveProgress, worker_progress
from harness.plugin.options import read_settings, spell_options
from harness.plugin.tuning_marker import check_tuning_markers
from harness.records.errors import HarnessError, UsageError
from harness.records.results import Results
from harness.records.settings import Settings
from harness.records.text import visible
from harness.report import SUMMARY_NAME, ReportRenderer
from harness.session.describe import THIS_MACHINE
from harness.session.finish_run import skipped_note, way_on
from harness.session.outcome import run_exit_code
from harness.session.plan_preview import plan_text
from harness.session.sequence import SessionSequence
from harness.session.session import Session
from harness.store import RunFolder


@dataclass
class BenchmarkSession:
    """What one pytest process knows of the run; on xdist's controller it never opens a board."""

    steps: SessionSequence
    worker: bool
    budgets: CollectedBudgets
    failures: FailureLog
    started: bool = False
    """Whether pytest came to running tests."""
    refusal: str = ""
    """What is wrong with the budgets, in a worker."""
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    """The processes of xdist's workers on this machine."""
    _live: LiveProgress | None = None
    _planned: str = ""
    _command: tuple[str, ...] = ()
    _signals: ExitStack = field(default_factory=ExitStack)
    _closed: bool = False
    _summarised: bool = False

    @classmethod
    def configure(cls, config: pytest.Config, failures: FailureLog) -> "BenchmarkSession":
        """Read options and profiles. Raises pytest.UsageError, one line for everything that is wrong."""
        settings = read_settings(config)
        handed = getattr(config, "workerinput", {}).get("harness")
        try:
            steps = SessionSequence.prepare(
                settings,
                None if handed else ReportRenderer(),
                log=failures.log,
                handed=(Path(handed["folder"]), handed["id"]) if handed else None,
            )
        except UsageError as error:
            raise pytest.UsageError(spell_options(str(error), config)) from None
        failures.warn = settings.inconclusive == "warn"
        today = date.fromisoformat(handed["day"]) if handed else steps.start.created_at.date()
        budgets = CollectedBudgets(
            config.rootpath, steps.profiles, settings.devices_dir, today, paired=settings.baseline is not None
        )
        made = cls(steps, handed is not None, budgets, failures)
        if handed:
            steps.progress = worker_progress(handed) or steps.progress
        else:
            made._live = LiveProgress.of(config)
            steps.progress = made._live.lines
            config.pluginmanager.register(made._live, "harness-live-progress")
        made._command = ("pytest", *map(str, config.invocation_params.args))
        made._signals.enter_context(failures.interruption.listening())
        failures.at_interrupt.append(made.interrupt_workers)
        return made

    @property
    def settings(self) -> Settings:
        """What the user asked for."""
        return self.steps.settings

    @property
    def results(self) -> Results | None:
        """What the run found, once it is written."""
        return self.steps.results

    @property
    def folder(self) -> RunFolder:
        """The run's folder, made on first use."""
        return self.steps.folder

    @property
    def session(self) -> Session:
        """The session of this process."""
        self.steps.benchmarks = self.budgets.files
        return self.steps.session

    def heading(self) -> str:
        """The devices and what stands in for a board, for pytest's header."""
        local = {name for name, one in self.steps.profiles.items() if one.connection.transport == "local"}
        names = (f"{name} ({THIS_MACHINE})" if name in local else name for name in self.settings.devices)
        return visible("benchmarks on " + ", ".join(names))

    def for_worker(self, node: Any) -> dict[str, Any]:  # noqa: ANN401 - xdist's WorkerController has no public type
        """What an xdist worker needs to know, and a channel on which it tells what it does."""
        told = {"folder": str(self.folder.path), "id": self.steps.start.id, "day": self.budgets.today.isoformat()}
        return told | ({CHANNEL: self._live.listen(node)} if self._live is not None else {})

    def expect(self, items: Iterable[pytest.Item]) -> None:
        """Keep which candidates will be measured on which device, in order, so that they can be built ahead."""
        kept = list(items)
        self.steps.expected = expected_candidates(kept)
        self.steps.planned = planned_benchmarks(kept)
        self.budgets.expect(kept)

    def check_budgets(self, session: pytest.Session) -> None:
        """Read every budgets file and marker at collection. Raises pytest.UsageError in one line, but in a worker."""
        try:
            self.budgets.check(session.items, session.config, self.settings)
            check_tuning_markers(session.items)
            if self.settings.plan_only:
                self._planned = plan_text(self.budgets.planned_entries(), self.settings)
        except UsageError as error:
            if not self.worker:
                raise pytest.UsageError(spell_options(str(error), session.config)) from None
            self.refusal = str(error)
        made = self.steps.made_folder
        if made is not None and not (self.settings.plan_only or session.config.getoption("collectonly")):
            made.append_planned(self.steps.planned)

    def skipped_limits_note(self, items: Iterable[pytest.Item]) -> str | None:
        """That limits of these tests will not be judged; None where all will be, or budgets are wrong and refused."""
        self.expect(items)
        try:
            return skipped_note(self.budgets.count_skipped())
        except UsageError:
            return None

    def refuse(self, item: pytest.Item) -> None:
        """Fail a test to which wrong budgets may matter."""
        if is_benchmark(item) or any(item.iter_markers()):
            refuse(item, USAGE_PROPERTY, self.refusal)

    def finish(self, session: pytest.Session) -> int:
        """Release the boards; the controller closes the run. Returns the session's exit code.

        What changes pytest's exit status after a first call is written into the run by a second one.
        """
        if self.worker:
            self.steps.release()
            vars(session.config)["workeroutput"]["harness"] = self.budgets.for_controller()
            return int(session.exitstatus)
        if not self._closed:
            self._closed = True
            self.failures.settle(session)
            self._close(session)
        elif self.failures.hears_late(session):
            self.steps.amend()
        return self.results.run.exit_code if self.results is not None else self.failures.exit_status()

    def current_exit_code(self, session: pytest.Session) -> int:
        """The run's exit code, also before an interrupted run is closed."""
        if self.results is not None:
            return self.results.run.exit_code
        self.failures.settle(session)
        entries = self.steps.entries()
        outcome = self.failures.log.outcome(entries, self.steps.planned)
        return run_exit_code(entries, outcome, settings=self.settings)

    def interrupt_workers(self) -> None:
        """End the workers as Ctrl-C would, which not everybody sends to them: each gives its board back in order."""
        for process in self.workers:
            process.terminate()

    def hold_signals(self) -> None:
        """From here on Ctrl-C leaves steps of the end out, and does not cost the run its results."""
        self._signals.enter_context(self.failures.log.ending.holding_signals())

    def _close(self, session: pytest.Session) -> None:
        """Release the board, and write the run where there is one to be written."""
        self.steps.release()
        ran = self.started and not (self.settings.plan_only or session.config.getoption("collectonly"))
        if ran and self._has_run():
            self._write()
        else:
            self.steps.discard()

    def _has_run(self) -> bool:
        """Whether anything was measured, or should have been and was not."""
        log, made = self.failures.log, self.steps.made_folder
        if made is not None and (made.entries() or log.unreached):
            return True
        planned = made.planned() if made is not None else self.steps.planned
        return bool(planned) and (log.end != "whole" or bool(log.failed or log.refused))

    def _write(self) -> None:
        log = self.failures.log
        log.ending.attempt("the budgets", self._tell_unused, None)
        try:
            self.steps.write()
        except HarnessError as error:
            log.failed["results.json"] = str(error)
            log.ending.problems.append(str(error))
            log.status = HarnessError.exit_code
            return
        self.steps.render()

    def _tell_unused(self) -> None:
        """Refuse tables and waivers that no test of a whole, green run measured anything for; else they are a note."""
        unused = "; ".join(self.budgets.list_unused())
        if not unused:
            return
        log, entries = self.failures.log, self.folder.entries()
        outcome = log.outcome(entries, self.folder.planned())
        left_out = outcome.skipped or outcome.expected_failures
        if left_out or run_exit_code(entries, outcome, settings=self.settings):
            log.ending.problems.append(f"budgets that nothing was measured for: {unused}")
        else:
            log.refused.append(unused)

    def summarise(self, config: pytest.Config) -> None:
        """What stands last on the screen: the table, conclusions, where the report lies; GitHub's annotations first."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if not self.started or self._summarised or self.worker or reporter is None:
            return
        self._summarised = True
        if self._planned:
            reporter.write_line(github.for_log(f"\n{spell_options(self._planned, config)}"))
        if self.results is not None and github.on_github():
            self._tell_github(reporter, self.results)
        for problem in self.failures.log.ending.problems:
            reporter.write_line(github.for_log(f"harness: {problem}"))
        if self.results is not None:
            self._show(reporter, self.results)

    def _show(self, reporter: pytest.TerminalReporter, results: Results) -> None:
        from harness.report import PAGE_NAME, table

        writer = reporter.config.get_terminal_writer()
        text = spell_options(table(results, writer.fullwidth, colour=writer.hasmarkup), reporter.config)
        reporter.write_line("")
        reporter.write_line(github.for_log(text, styled=writer.hasmarkup).rstrip("\n"))
        if way := way_on(self.folder, self._command):
            reporter.write_line(github.for_log(spell_options(f"go on with: {way}", reporter.config)))
        page = self.folder.path / PAGE_NAME
        if page.exists():
            reporter.write_line(github.for_log(f"report: {page}"))

    def unconfigure(self, config: pytest.Config) -> None:
        """Show what pytest came to no end of, and let go of the signals."""
        self.summarise(config)
        self._signals.close()

    def _tell_github(self, reporter: pytest.TerminalReporter, results: Results) -> None:
        root = github.root_in_repository(reporter.config.rootpath)
        for line in github.annotations(results, root=root):
            reporter.write_line(line)
        summary = self.folder.path / SUMMARY_NAME
        problem = github.add_summary(summary.read_text(encoding="utf-8")) if summary.exists() else None
        if problem:
            reporter.write_line(problem)
