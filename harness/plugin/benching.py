"""A pytest session that benchmarks: profiles, the run folder, the session, its close."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from harness.plugin import github
from harness.plugin.budget_book import BudgetBook
from harness.plugin.expecting import expected_of
from harness.plugin.failures import FailureLog
from harness.plugin.flags import settings_of, spelled
from harness.profiles import load
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.errors import UsageError
from harness.records.results import Results
from harness.records.settings import Settings
from harness.records.text import visible
from harness.report import SUMMARY_NAME, ReportAhead
from harness.session.baselines import check_baseline
from harness.session.building import check_build_folders
from harness.session.closing import RunStart, close_run, resumed_folder, skipped_note
from harness.session.liveline import LiveLine
from harness.session.planned import plan_text
from harness.session.session import Session
from harness.store import RunFolder


@dataclass
class Benching:
    """What one pytest process knows of the run; on xdist's controller it never opens a board."""

    settings: Settings
    profiles: dict[str, DeviceProfile]
    start: RunStart
    worker: bool
    budgets: BudgetBook
    failures: FailureLog
    results: Results | None = None
    _expected: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)
    _folder: RunFolder | None = None
    _session: Session | None = None
    _report: ReportAhead = field(default_factory=ReportAhead)
    _live: LiveLine = field(default_factory=LiveLine)
    _finished: bool = False
    _planned: str = ""

    @classmethod
    def configure(cls, config: pytest.Config, failures: FailureLog) -> "Benching":
        """Read options and profiles. Raises pytest.UsageError, one line for everything that is wrong."""
        settings = settings_of(config)
        handed = getattr(config, "workerinput", {}).get("harness")
        try:
            profiles = {name: load(name, settings.devices_dir) for name in settings.devices}
            check_build_folders(settings)
            check_baseline(settings.baseline, artifacts=settings.artifacts)
            folder = RunFolder.open(Path(handed["folder"])) if handed else resumed_folder(settings)
            start = RunStart(id=handed["id"]) if handed else RunStart.of(folder)
        except UsageError as error:
            raise pytest.UsageError(spelled(str(error), config)) from None
        failures.warn = settings.inconclusive == "warn"
        today = date.fromisoformat(handed["day"]) if handed else start.created_at.date()
        book = BudgetBook(config.rootpath, profiles, settings.devices_dir, today, paired=settings.baseline is not None)
        return cls(settings, profiles, start, handed is not None, book, failures, _folder=folder)

    @property
    def folder(self) -> RunFolder:
        """The run's folder, made on first use."""
        if self._folder is None:
            self._folder = RunFolder.create(self.settings.reports_dir, run_id=self.start.id, now=self.start.created_at)
        return self._folder

    @property
    def session(self) -> Session:
        """The session of this process."""
        if self._session is None:
            self._session = Session(
                self.settings,
                self.profiles,
                self.folder,
                say=self._live.show,
                meanwhile=self._meanwhile,
                expected=self._expected,
                benchmarks=self.budgets.files,
            )
        return self._session

    def heading(self) -> str:
        """The devices and what stands in for a board, for pytest's header."""
        return visible("benchmarks on " + ", ".join(self.settings.devices))

    def for_worker(self) -> dict[str, str]:
        """What an xdist worker needs to know."""
        return {"folder": str(self.folder.path), "id": self.start.id, "day": self.budgets.today.isoformat()}

    def expect(self, items: Iterable[pytest.Item]) -> None:
        """Keep which candidates will be measured on which device, in order, so that they can be built ahead."""
        kept = list(items)
        self._expected = expected_of(kept)
        self.budgets.expect(kept)

    def check_budgets(self, session: pytest.Session) -> None:
        """Read every budgets file and marker at collection. Raises pytest.UsageError in one line."""
        try:
            self.budgets.check(session.items, session.config, self.settings)
            if self.settings.plan_only:
                self._planned = plan_text(self.budgets.planned(), self.settings)
        except UsageError as error:
            raise pytest.UsageError(spelled(str(error), session.config)) from None

    def skipped(self, items: Iterable[pytest.Item]) -> str | None:
        """That limits of these tests will not be judged; None where all will be, or budgets are wrong and refused."""
        self.expect(items)
        try:
            return skipped_note(self.budgets.skipped())
        except UsageError:
            return None

    def finish(self, session: pytest.Session) -> None:
        """Release the boards; the controller closes the run. A second call does nothing."""
        if self._finished:
            return
        self._finished = True
        if self._session is not None:
            self._live.clear()
            self._session.close()
        if self.worker:
            return
        if session.config.getoption("collectonly") or self._folder is None:
            return
        own = self._session
        self.results = close_run(
            self.folder,
            settings=self.settings,
            start=self.start,
            unreached=self.failures.unreached,
            seconds=own.seconds if own else {},
        )
        self._report.render(self.folder.path)

    def _meanwhile(self) -> None:
        """While a remote board measures, on the process that will make the report."""
        if not self.worker and all(profile.connection.transport != "local" for profile in self.profiles.values()):
            self._report.start()

    def summarise(self, reporter: pytest.TerminalReporter) -> None:
        """The table and where the report lies; on GitHub also its annotations and the step's summary."""
        if self._planned:
            reporter.write_line(github.for_log(f"\n{spelled(self._planned, reporter.config)}"))
        if self.results is None:
            return
        from harness.report import table

        text = spelled(table(self.results), reporter.config)
        reporter.write_line("")
        reporter.write_line(github.for_log(text))
        reporter.write_line(github.for_log(f"report: {self.folder.path / 'report.html'}"))
        if github.on_github():
            self._tell_github(reporter, self.results)

    def _tell_github(self, reporter: pytest.TerminalReporter, results: Results) -> None:
        root = github.root_in_repository(reporter.config.rootpath)
        for line in github.annotations(results, unreached=self.failures.unreached, root=root):
            reporter.write_line(line)
        problem = github.add_summary((self.folder.path / SUMMARY_NAME).read_text(encoding="utf-8"))
        if problem:
            reporter.write_line(problem)
