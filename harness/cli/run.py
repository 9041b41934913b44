"""``harness run``: bring your own file."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cli.ended_run import ended_run
from harness.pipeline import candidates_from_paths
from harness.profiles import available, load
from harness.records.candidate import Candidate
from harness.records.errors import BoardUnavailableError, HarnessError, UsageError
from harness.records.secret_names import words_without_secrets
from harness.report import ReportRenderer
from harness.session.baselines import check_baseline
from harness.session.finish_run import RunStart, resumed_folder
from harness.session.plan_preview import PlannedEntry, plan_text
from harness.session.progress_line import ProgressLine
from harness.session.session import Session
from harness.session.session_builder import check_build_folders
from harness.session.settings import make_settings
from harness.store import PlannedBenchmark, RunFolder

TEST = "harness run"
"""The name under which the entries of this command stand, in place of a test's."""


@dataclass(frozen=True)
class RunRequest:
    """What was typed of the models: files, and what is done with all of them."""

    files: Sequence[str]
    recipes: Sequence[str] | None = None
    data: str | None = None
    stages: str | None = None
    samples: str | None = None
    signature: str | None = None

    def candidates(self) -> list[Candidate]:
        """The candidates they make. Raises CandidateSpecError."""
        return candidates_from_paths(
            self.files,
            recipes=self.recipes or None,
            data=self.data,
            stages=self.stages,
            samples=self.samples,
            signature=self.signature,
        )


def run_files(wanted: RunRequest, *, devices: list[str], given: dict[str, Any], as_json: bool) -> int:
    """Measure files on devices; returns the exit code. Raises UsageError."""
    command = shlex.join(["harness", *words_without_secrets(sys.argv[1:])])
    settings = make_settings(given, devices=devices, rootdir=Path.cwd(), command=command)
    if not settings.devices:
        names = ", ".join(sorted(available(settings.devices_dir)))
        raise UsageError(f"no device named: give --device NAME, one of {names}")
    profiles = {name: load(name, settings.devices_dir) for name in settings.devices}
    chosen = wanted.candidates()
    check_build_folders(settings)
    check_baseline(settings, benchmarks=False)
    if settings.plan_only:
        sys.stdout.write(plan_text([PlannedEntry(name, str(one), ()) for name in profiles for one in chosen], settings))
        return 0
    cut_off = resumed_folder(settings)
    start = RunStart.of(cut_off)
    folder = cut_off or RunFolder.create(settings.reports_dir, run_id=start.id, now=start.created_at)
    folder.append_planned(_planned_benchmarks(profiles, chosen))
    live, report = ProgressLine(), ReportRenderer()
    remote = all(profile.connection.transport != "local" for profile in profiles.values())
    session = Session(
        settings,
        profiles,
        folder,
        say=live.show,
        meanwhile=report.start if remote else _nothing,
        expected=dict.fromkeys(settings.devices, tuple(chosen)),
    )
    with ended_run(session, start, live=live, report=report, as_json=as_json) as ended:
        _measure_all(session, chosen)
    return ended.code


def _nothing() -> None:
    """This host is itself what is measured."""


def _planned_benchmarks(devices: Iterable[str], chosen: Sequence[Candidate]) -> list[PlannedBenchmark]:
    return [PlannedBenchmark(device=device, test=TEST, candidate=str(one)) for device in devices for one in chosen]


def _measure_all(session: Session, chosen: Sequence[Candidate]) -> None:
    """Every candidate on every device; what keeps a device from it is in the session's log, and the others go on."""
    for device in session.settings.devices:
        for candidate in chosen:
            try:
                session.measure(candidate, device, test=TEST)
            except BoardUnavailableError:
                break
            except UsageError as error:
                session.log.refused.append(str(error))
                break
            except HarnessError as error:
                session.log.failed[f"{TEST}: {candidate} on {device}"] = str(error)
