"""``harness run``: bring your own file."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cli.terminal import write_table
from harness.pipeline import candidates_from_paths
from harness.profiles import available
from harness.records.candidate import Candidate
from harness.records.errors import BoardUnavailableError, HarnessError, UsageError
from harness.records.results import Results
from harness.records.secret_names import words_without_secrets
from harness.records.settings import Settings
from harness.records.text import escaped_json
from harness.report import PAGE_NAME, ReportRenderer
from harness.session.finish_run import way_on
from harness.session.make_settings import make_settings
from harness.session.plan_preview import PlannedEntry, plan_text
from harness.session.sequence import SessionSequence
from harness.session.session import Session
from harness.store import PlannedBenchmark
from harness.store.results_file import results_text

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
    metric: str | None = None

    def candidates(self) -> list[Candidate]:
        """The candidates they make. Raises CandidateSpecError."""
        return candidates_from_paths(
            self.files,
            recipes=self.recipes or None,
            data=self.data,
            stages=self.stages,
            samples=self.samples,
            signature=self.signature,
            metric=self.metric,
        )


def run_files(wanted: RunRequest, *, devices: list[str], given: dict[str, Any], as_json: bool) -> int:
    """Measure files on devices; returns the exit code. Raises UsageError."""
    settings = command_settings(given, devices)
    if not settings.devices:
        names = ", ".join(sorted(available(settings.devices_dir)))
        raise UsageError(f"no device named: give --device NAME, one of {names}")
    steps = SessionSequence.prepare(settings, ReportRenderer(), benchmarks=False)
    chosen = wanted.candidates()
    if settings.plan_only:
        entries = [PlannedEntry(name, str(one), ()) for name in steps.profiles for one in chosen]
        sys.stdout.write(plan_text(entries, settings))
        return 0
    steps.planned = tuple(_planned_benchmarks(steps.profiles, chosen))
    steps.expected = dict.fromkeys(settings.devices, tuple(chosen))
    with steps.measuring(lambda results: show_run(results, steps, as_json=as_json)) as session:
        _measure_all(session, chosen)
    return exit_code_of(steps)


def command_settings(given: dict[str, Any], devices: list[str]) -> Settings:
    """The settings of a command that measures. Raises UsageError."""
    command = shlex.join(["harness", *words_without_secrets(sys.argv[1:])])
    return make_settings(given, devices=devices, rootdir=Path.cwd(), command=command)


def exit_code_of(steps: SessionSequence) -> int:
    """That of a run that was written; else 1."""
    return steps.results.run.exit_code if steps.results is not None else HarnessError.exit_code


def show_run(results: Results, steps: SessionSequence, *, as_json: bool) -> None:
    """The table and where the report lies; as JSON the whole of results.json on stdout, the prose on stderr."""
    folder = steps.folder
    prose = sys.stderr if as_json else sys.stdout
    page = folder.path / PAGE_NAME
    prose.writelines(f"harness: {problem}\n" for problem in steps.log.ending.problems)
    write_table(results, prose)
    lines = [f"go on with: {way}"] if (way := way_on(folder, ["harness", *sys.argv[1:]])) else []
    lines += [f"report: {page}"] if page.exists() else []
    prose.writelines(f"{line}\n" for line in lines)
    if as_json:
        sys.stdout.write(escaped_json(results_text(results)))


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
