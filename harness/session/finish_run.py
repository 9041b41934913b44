"""The end of a run: the run's own record and results.json, of which the report is made afterwards."""

import os
import re
import secrets
import shlex
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

from harness.pipeline.recipes.recipe import parse_recipe
from harness.records.entry import Entry
from harness.records.errors import CandidateSpecError, GitError
from harness.records.labels import label_tests
from harness.records.limit_test import JUDGING_RULE
from harness.records.metrics import ESTIMATOR
from harness.records.results import LONGEST_URL, PIPELINE_URL, Outcome, Results, Run, TestNote
from harness.records.secret_names import words_without_secrets
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.error_guarantee import error_guarantee
from harness.session.outcome import SessionLog, run_exit_code, status_of
from harness.store import DeviceTally, RunFolder, git, load_results
from harness.store.results_file import save_results

if TYPE_CHECKING:
    from harness.session.record_run import HistoryExcerpt


@dataclass(frozen=True)
class RunStart:
    """When and where a run began; made once, by whoever hands out the run id."""

    id: str = field(default_factory=lambda: secrets.token_hex(3))
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    monotonic_s: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, folder: RunFolder | None) -> Self:
        """That of a run that is resumed in its folder; of a new one for None."""
        return cls() if folder is None else cls(id=folder.run_id, created_at=folder.created_at)


def resumed_folder(settings: Settings) -> RunFolder | None:
    """The folder of the run that is resumed, None where a new one begins. Raises UsageError."""
    return None if settings.resume is None else RunFolder.resumed(settings.resume, settings.reports_dir)


def way_on(folder: RunFolder, words: Sequence[str]) -> str | None:
    """The command that takes a run up again which did not measure all it was to; None for one that is whole.

    ``words`` are those of the command that made it.
    """
    if not folder.is_open:
        return None
    path, here = folder.path.resolve(), Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    command = shlex.join(words_without_secrets(words))
    return command if "--resume" in command else f"{command} --resume={shlex.quote(str(shown))}"


def close_run(
    folder: RunFolder,
    *,
    settings: Settings,
    start: RunStart,
    seconds: Mapping[str, float],
    log: SessionLog | None = None,
) -> Results:
    """Write results.json of a run whose entries stand in ``folder``; of one that lacks some, so that it can be resumed.

    ``log`` says how the session ended, None: with nothing to tell. Problems of the session's end become notes, and
    what goes wrong here too late for that stays in ``log``; nothing of it costs the run its results.
    Returns what was written, read back; HarnessError where that cannot be, and then the journal stays.
    """
    log = log or SessionLog()
    lacking = _Closing(folder, settings, start, seconds, log).write()
    results = load_results(folder.path)
    log.ending.attempt("the run's folder", lambda: folder.retire(keep_journal=lacking), None)
    return results


def amend_run(folder: RunFolder, results: Results, *, settings: Settings, log: SessionLog) -> Results:
    """Write into a closed run what failed its session since, in results.json and in the history; returns the whole."""
    if results.run.outcome is None:
        return results
    failed = {note.test: note.sentence for note in results.run.outcome.failed_tests} | log.failed
    notes = [TestNote(test=test, sentence=sentence) for test, sentence in failed.items()]
    ended = {"end": log.end, "sentence": log.sentence, "status": log.status} if log.end == "other" else {}
    outcome = results.run.outcome.model_copy(update={"failed_tests": notes, **ended})
    code = run_exit_code(results.entries, outcome, settings=settings)
    update = {"outcome": outcome, "exit_code": code, "status": status_of(results.entries, outcome, code)}
    amended = results.model_copy(update={"run": results.run.model_copy(update=update)})
    save_results(amended, folder.results_path)
    log.ending.attempt("the history", lambda: _record_in_history(amended, settings, results), None)
    return amended


@dataclass(frozen=True)
class _Closing:
    folder: RunFolder
    settings: Settings
    start: RunStart
    seconds: Mapping[str, float]
    log: SessionLog

    def write(self) -> bool:
        """Write results.json, having kept the run in the history; returns whether the run lacks some of its entries."""
        ending, entries = self.log.ending, self.folder.entries()
        earlier = ending.attempt("the run's earlier results", self.folder.earlier_results, None)
        outcome = self.log.outcome(entries, self.folder.planned(), earlier.run.outcome if earlier else None)
        compared = ending.attempt(
            "the comparison of recipes", lambda: _label_entries(_add_recipe_gains(entries)), entries
        )
        compared = ending.attempt("what changed beyond noise", lambda: _tell_changes(compared), compared)
        run = self._run(entries, outcome)
        devices = {name: tally.record for name, tally in self.folder.devices().items()}
        results, told = Results(run=run, devices=devices, entries=compared), len(ending.problems)
        kept = ending.attempt("the history", lambda: _record_in_history(results, self.settings, earlier), None)
        self.folder.finish(
            run.model_copy(update={"notes": [*run.notes, *(kept.notes if kept else ()), *ending.problems[told:]]}),
            compared,
            history=kept.series if kept else (),
            selftests=kept.selftests if kept else None,
        )
        del ending.problems[:]  # all of them are notes by now
        return outcome.lacking

    def _run(self, entries: Sequence[Entry], outcome: Outcome) -> Run:
        tallies, start, ending = self.folder.devices(), self.start, self.log.ending
        # Workers of xdist keep no seconds here: then the boards' own phases say where the time went.
        phases = self.seconds or sum((Counter(tally.seconds) for tally in tallies.values()), Counter[str]())
        spent = {
            **{name: round(spent, 3) for name, spent in phases.items()},
            "total": round(time.monotonic() - start.monotonic_s, 3),
        }
        code = run_exit_code(entries, outcome, settings=self.settings)
        gate = ending.attempt("what the verdicts promise", lambda: error_guarantee(entries, self.settings), None)
        return Run(
            id=start.id,
            created_at=start.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            harness_version=version("edge-harness"),
            commit=_commit(),
            branch=_branch(os.environ),
            pipeline_url=pipeline_url(os.environ),
            command=self.settings.command,
            settings=_flat(self.settings),
            status=status_of(entries, outcome, code),
            exit_code=code,
            seconds=spent,
            bytes_sent={name: tally.bytes_sent for name, tally in tallies.items()},
            notes=[
                *outcome.unreached,
                *outcome.refused,
                *ending.problems,
                *_git_note(),
                *_differences(tallies),
                *_artifact_notes(entries),
                *_build_note(entries),
                *_skipped_limits(entries),
            ],
            gate=gate,
            outcome=outcome,
            judging_rule=JUDGING_RULE,
            estimator=ESTIMATOR,
        )


def _record_in_history(results: Results, settings: Settings, earlier: Results | None) -> "HistoryExcerpt | None":
    """Keep the run in the history; a run of nothing is not kept."""
    if not results.entries:
        return None
    # Loads SQLAlchemy and numpy, which the collection of benchmarks is spared.
    from harness.session.record_run import record_run

    return record_run(results, settings, again=earlier is not None)


def _label_entries(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, those that measured the same in several tests with what tells their tests apart."""
    pairs = [((entry.device, entry.subject), entry.test) for entry in entries]
    labels = label_tests(pairs)
    return [
        entry.model_copy(update={"test_label": labels[pair]}) if labels[pair] else entry
        for entry, pair in zip(entries, pairs, strict=True)
    ]


def _add_recipe_gains(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with what each step of their recipes gained."""
    if not any(entry.recipe for entry in entries):
        return list(entries)
    # Loads numpy, which the collection of benchmarks is spared.
    from harness.measure.recipe_gains import Steps, with_comparisons

    def steps_of(text: str) -> Steps | None:
        try:
            recipe = parse_recipe(text)
        except CandidateSpecError:  # built elsewhere, with steps that are not known here
            return None
        model = tuple(map(str, recipe.model_steps()))
        formats = [str(step) for step in recipe.steps if str(step) not in model]
        return Steps(model, *formats)

    return with_comparisons(entries, steps_of)


def _tell_changes(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with which of their ratios to a baseline changed beyond noise."""
    if not any(entry.baseline and entry.baseline.ratios for entry in entries):
        return list(entries)
    # Loads numpy, which the collection of benchmarks is spared.
    from harness.measure.changed_metrics import with_changes

    return with_changes(entries)


def _differences(tallies: Mapping[str, DeviceTally]) -> list[str]:
    """Where boards are not what their profiles say: seen before any figure is believed."""
    return [f"{name}: {difference}" for name, tally in tallies.items() for difference in tally.record.differences]


def _artifact_notes(entries: Sequence[Entry]) -> list[str]:
    """What must be known of the models that were measured, each once whatever the devices."""
    told = [f"{entry.subject}: {note}" for entry in entries if entry.artifact for note in entry.artifact.notes]
    return list(dict.fromkeys(told))


def _build_note(entries: Sequence[Entry]) -> list[str]:
    cached = {entry.artifact.sha256: entry.artifact.cached for entry in entries if entry.artifact and entry.recipe}
    converted = list(cached.values()).count(False)
    if not cached:
        return []
    if converted == 0:
        return [f"nothing was converted: all {len(cached)} built models came from the cache"]
    kept = len(cached) - converted
    return [f"{converted} of {len(cached)} built models were converted now, {kept} came from the cache"]


def skipped_note(limits: int) -> str | None:
    """That so many limits on regressions were not judged; None for none."""
    if limits == 0:
        return None
    plural = "" if limits == 1 else "s"
    return f"{limits} limit{plural} on regressions skipped: no --baseline was given"


def _skipped_limits(entries: Sequence[Entry]) -> list[str]:
    unpaired = [finding for entry in entries if entry.baseline is None for finding in entry.findings]
    told = skipped_note(sum(f.gate == "regression" and f.status is Status.MEASURED for f in unpaired))
    return [told] if told else []


def _flat(settings: Settings) -> dict[str, str | bool | int | float | list[str] | None]:
    flat: dict[str, str | bool | int | float | list[str] | None] = {}
    for key, value in asdict(settings).items():
        if key not in ("command", "history"):  # a database's address is nobody else's business
            flat[key] = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    return flat


def _commit() -> str | None:
    """The checked-out commit of the current folder, with "+dirty" where files differ from it; None outside git."""
    try:
        return git.checked_out()
    except GitError:
        return None


def _branch(environment: Mapping[str, str]) -> str | None:
    """The checked-out branch of the current folder; for a pipeline's bare commit, the branch that it names."""
    try:
        checked_out = git.branch()
        git.ask("rev-parse", "HEAD")
    except GitError:  # outside git, or before the first commit
        return None
    if checked_out:
        return checked_out
    source = environment.get("GITHUB_HEAD_REF")
    if source and source == environment.get("GITHUB_BASE_REF"):  # a fork's branch of the same name is another one
        return environment.get("GITHUB_REF_NAME")
    named = (source, environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"), environment.get("GITHUB_REF_NAME"))
    return next((name for name in (*named, environment.get("CI_COMMIT_REF_NAME")) if name), None)


def pipeline_url(environment: Mapping[str, str]) -> str | None:
    """Where the pipeline that runs here keeps its reports: GitHub's artifacts of the run, GitLab's of the job."""
    github = [environment.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    job = environment.get("CI_JOB_URL")
    if all(github):
        server, repository, number = github
        url = f"{server}/{repository}/actions/runs/{number}#artifacts"
    elif job:
        url = f"{job}/artifacts/browse"
    else:
        return None
    return url if re.fullmatch(PIPELINE_URL, url) and len(url) <= LONGEST_URL else None


def _git_note() -> list[str]:
    """Why the commit is not known, where the current folder lies in a checkout that git does not open."""
    if git.around(Path.cwd()) is None:
        return []
    try:
        git.top()
    except GitError as error:
        return [f"commit unknown: {error}"]
    return []
