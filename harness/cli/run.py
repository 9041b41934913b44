"""``harness run``: bring your own file."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cli.shown_run import show_run
from harness.pipeline import candidates_from_paths
from harness.profiles import available, load
from harness.records.candidate import Candidate
from harness.records.errors import BoardUnavailableError, UsageError
from harness.records.settings import Settings
from harness.report import ReportAhead
from harness.session.baselines import check_baseline
from harness.session.building import check_build_folders
from harness.session.closing import RunStart, close_run, resumed_folder
from harness.session.liveline import LiveLine
from harness.session.options import make_settings
from harness.session.planned import PlannedEntry, plan_text
from harness.session.session import Session
from harness.store import RunFolder


@dataclass(frozen=True)
class Wanted:
    """What was typed of the models: files, and what is done with all of them."""

    files: Sequence[str]
    recipes: Sequence[str] | None = None
    data: str | None = None
    stages: str | None = None
    samples: str | None = None

    def candidates(self) -> list[Candidate]:
        """The candidates they make. Raises CandidateSpecError."""
        return candidates_from_paths(
            self.files,
            recipes=self.recipes or None,
            data=self.data,
            stages=self.stages,
            samples=self.samples,
        )


def run_files(wanted: Wanted, *, devices: list[str], given: dict[str, Any], as_json: bool) -> int:
    """Measure files on devices; returns the exit code. Raises UsageError."""
    settings = make_settings(given, devices=devices, rootdir=Path.cwd(), command=shlex.join(["harness", *sys.argv[1:]]))
    if not settings.devices:
        names = ", ".join(sorted(available(settings.devices_dir)))
        raise UsageError(f"no device named: give --device NAME, one of {names}")
    profiles = {name: load(name, settings.devices_dir) for name in settings.devices}
    chosen = wanted.candidates()
    check_build_folders(settings)
    check_baseline(settings.baseline, benchmarks=False)
    if settings.plan_only:
        sys.stdout.write(plan_text([PlannedEntry(name, str(one), ()) for name in profiles for one in chosen], settings))
        return 0
    cut_off = resumed_folder(settings)
    start = RunStart.of(cut_off)
    folder = cut_off or RunFolder.create(settings.reports_dir, run_id=start.id, now=start.created_at)
    live = LiveLine()
    report = ReportAhead()
    remote = all(profile.connection.transport != "local" for profile in profiles.values())
    meanwhile = report.start if remote else _nothing
    expected = dict.fromkeys(settings.devices, tuple(chosen))
    with Session(settings, profiles, folder, say=live.show, meanwhile=meanwhile, expected=expected) as session:
        _measure_all(session, chosen, settings)
    live.clear()
    results = close_run(folder, settings=settings, start=start, unreached=session.unreached, seconds=session.seconds)
    report.render(folder.path)
    show_run(results, folder, as_json=as_json)
    return results.run.exit_code


def _nothing() -> None:
    """This host is itself what is measured."""


def _measure_all(session: Session, chosen: Sequence[Candidate], settings: Settings) -> None:
    for device in settings.devices:
        for candidate in chosen:
            try:
                session.measure(candidate, device, test="harness run")
            except BoardUnavailableError:
                break  # said in the run's notes; the other boards go on
