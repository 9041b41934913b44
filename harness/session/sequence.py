"""One session from its settings to its report, the same for pytest, ``harness run`` and ``harness selftest``.

Its steps, in this order, each of them one method here:

==============  ================================================================================================
``prepare``     profiles read, folders and the baseline checked, a run that is resumed found: no board is touched
``folder``      the run's folder, made when it is first needed, with what is planned
``session``     boards opened and candidates built, each when it is first measured
``release``     boards given back, processes that build ended
``write``       results.json, and the run in the history
``render``      the report
show            the entry point's own: a table on a terminal, annotations on GitHub
==============  ================================================================================================

Where one of the last four fails, the others are still taken. pytest takes the steps from its hooks; a command takes
them by ``measuring``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from harness.profiles import load
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.entry import Entry
from harness.records.results import Results
from harness.records.settings import Settings
from harness.session.baselines import check_baseline
from harness.session.finish_run import RunStart, amend_run, close_run, resumed_folder
from harness.session.interrupts import Stop
from harness.session.outcome import SessionLog
from harness.session.progress_line import ProgressDisplay, ProgressLines
from harness.session.session import Session
from harness.session.session_builder import check_build_folders
from harness.store import PlannedBenchmark, RunFolder


class Report(Protocol):
    """What makes the report; the room of reports is no part of this one."""

    def start(self) -> None:
        """Get ready, while a remote board measures."""
        ...

    def render(self, folder: Path, results: Results | None = None) -> Path:
        """The report of a run folder; returns the page's path."""
        ...


@dataclass
class SessionSequence:
    """The steps of one process, and what they made so far. ``report`` is None where another process makes it."""

    settings: Settings
    profiles: dict[str, DeviceProfile]
    start: RunStart
    report: Report | None
    log: SessionLog = field(default_factory=SessionLog)
    made_folder: RunFolder | None = None
    """None: nothing needed it yet."""
    planned: tuple[PlannedBenchmark, ...] = ()
    """What is to be measured, so that a run that ends early knows what it lacks."""
    expected: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)
    """The candidates of each device in the order in which they will be measured."""
    benchmarks: tuple[Path, ...] = ()
    """The files whose benchmarks are run."""
    results: Results | None = None
    progress: ProgressDisplay = field(default_factory=ProgressLines)
    stop: Stop = field(default_factory=Stop)
    _session: Session | None = None

    @classmethod
    def prepare(
        cls,
        settings: Settings,
        report: Report | None,
        *,
        log: SessionLog | None = None,
        benchmarks: bool = True,
        handed: tuple[Path, str] | None = None,
    ) -> Self:
        """The first step. Raises UsageError, before any board is touched, for whatever is wrong with the settings.

        ``benchmarks`` says whether benchmark files are run; ``handed`` is the folder and the id of a run that another
        process began.
        """
        profiles = {name: load(name, settings.devices_dir) for name in settings.devices}
        check_build_folders(settings)
        check_baseline(settings, benchmarks=benchmarks)
        if handed is not None:
            folder, start = RunFolder.open(handed[0]), RunStart(id=handed[1])
            return cls(settings, profiles, start, report, log or SessionLog(), folder)
        resumed = resumed_folder(settings)
        return cls(settings, profiles, RunStart.of(resumed), report, log or SessionLog(), resumed)

    @property
    def folder(self) -> RunFolder:
        """The run's folder. Raises HarnessError where it cannot be made."""
        if self.made_folder is None:
            reports, start = self.settings.reports_dir, self.start
            self.made_folder = RunFolder.create(reports, run_id=start.id, now=start.created_at)
            self.made_folder.append_planned(self.planned)
        return self.made_folder

    @property
    def session(self) -> Session:
        """The session, which opens and builds nothing before it is asked to."""
        if self._session is None:
            self._session = Session(
                self.settings,
                self.profiles,
                self.folder,
                say=self.progress.show,
                meanwhile=self._get_report_ready,
                expected=self.expected,
                benchmarks=self.benchmarks,
                stop=self.stop,
                log=self.log,
            )
        return self._session

    @contextmanager
    def measuring(self, show: Callable[[Results], None]) -> Iterator[Session]:
        """Measure in the body; at its end come the last four steps, also where Ctrl-C came or something failed.

        The first Ctrl-C or SIGTERM ends the body after the trial that runs, the second at once. HarnessError where
        results.json cannot be written; what was measured is then kept in the run's folder all the same.
        """
        self.folder.append_planned(self.planned)  # of a run that is resumed, what is asked for beyond it
        session = self.session
        try:
            with self.stop.listening():
                yield session
        except KeyboardInterrupt:
            self.log.end, self.log.sentence = "interrupted", self.stop.heard or "Ctrl-C"
        finally:
            with self.log.ending.holding_signals():
                self.release()
                results = self.write()
                self.render()
                show(results)

    def release(self) -> None:
        """Give the board back and end the processes that build."""
        if self._session is not None:
            self.progress.clear()
            self._session.close()

    def write(self) -> Results:
        """Write results.json and keep the run in the history. Raises HarnessError where it cannot be written."""
        seconds = self._session.seconds if self._session is not None else {}
        self.results = close_run(self.folder, settings=self.settings, start=self.start, seconds=seconds, log=self.log)
        return self.results

    def amend(self) -> None:
        """Write into a run that is closed what failed it since, and make its report again."""
        if self.results is not None:
            self.results = amend_run(self.folder, self.results, settings=self.settings, log=self.log)
            self.render()

    def render(self) -> None:
        """Make the report of what was written; what goes wrong is in the log's problems."""
        report, path = self.report, self.folder.path
        if report is not None:
            self.log.ending.attempt("the report", lambda: report.render(path, self.results), None)

    def discard(self) -> None:
        """Remove the folder of a run that came to nothing, unless it is one that was resumed."""
        if self.made_folder is not None and self.settings.resume is None:
            self.made_folder.discard()

    def entries(self) -> list[Entry]:
        """What was measured so far, by all processes of the run."""
        return [] if self.made_folder is None else self.made_folder.entries()

    def _get_report_ready(self) -> None:
        """While a remote board measures, and this host itself is no board of the run."""
        local = any(profile.connection.transport == "local" for profile in self.profiles.values())
        if self.report is not None and not local:
            self.report.start()
