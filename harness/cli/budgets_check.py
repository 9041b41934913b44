"""``harness budgets check``: limits that are slack or match nothing, waivers that expired or soon will."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from harness.cli.budget_files import BudgetFiles, lineages_of, stored_run
from harness.gates import (
    BudgetedCandidate,
    Budgets,
    Limit,
    expired_sentences,
    limits_for,
    parse_limits,
    unused_keys,
    unused_waivers,
)
from harness.gates.lint_budgets import Slack, expiring_sentences, slack_limits
from harness.profiles import available, lineages
from harness.records.errors import BudgetsError, UsageError
from harness.records.files import real_path
from harness.records.results import Results
from harness.records.text import visible
from harness.session.collect_benchmarks import UnnamedBenchmark, collect_all

_DEFAULT = "benchmarks"


@dataclass(frozen=True)
class CheckRequest:
    """What was typed: benchmarks (None: those in benchmarks/), and a stored run."""

    path: str | None
    run: str | None
    devices_dir: Path | None
    reports_dir: Path | None


@dataclass(frozen=True)
class _Budgetable:
    """A candidate that budgets may mean: its test's file or id, its markers' limits."""

    test: str
    candidate: str
    markers: tuple[Limit, ...] = ()


@dataclass(frozen=True)
class _Subjects:
    """What budgets may mean, and the tests that tell it only when they run."""

    named: Sequence[_Budgetable]
    unnamed: Sequence[UnnamedBenchmark]


@dataclass(frozen=True)
class _Complaints:
    """What the check found, a sentence each."""

    files: Sequence[str]
    expired: Sequence[str]
    stale: Sequence[str]
    expiring: Sequence[str]
    slack: Sequence[Slack] | None
    """None: no run to tell it from."""
    unseen: Sequence[str] = ()
    """What could not be checked, since tests name their candidates only when they run."""

    @property
    def exit_code(self) -> int:
        """1 where something has to be mended; what is slack or runs out soon may wait."""
        return int(bool(self.expired or self.stale))


def check_budgets(request: CheckRequest, *, as_json: bool, today: date | None = None) -> int:
    """Print what is wrong with the budgets of benchmarks and of a stored run; gives the exit code.

    ``today`` is a UTC day; None: the present one. Raises UsageError.
    """
    results = stored_run(request.run, request.reports_dir) if request.run is not None else None
    files = BudgetFiles(_root(request.path))
    named, unnamed = _collect(request.path, results)
    subjects = _Subjects([*named, *_subjects_of(results)], _unmeasured(unnamed, results))
    day = today or datetime.now(UTC).date()
    found = _check(subjects, results, files, devices_dir=request.devices_dir, today=day)
    if as_json:
        sys.stdout.write(json.dumps(_for_machines(found), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{visible(line)}\n" for line in _lines(found))
    return found.exit_code


def _root(path: str | None) -> Path:
    """Where looking upward for budgets ends: here, or the benchmarks' own folder where that lies elsewhere."""
    here, there = Path.cwd(), real_path(Path((path or ".").partition("::")[0]))
    if there.is_relative_to(here):
        return here
    return there if there.is_dir() else there.parent


def _collect(path: str | None, results: Results | None) -> tuple[list[_Budgetable], list[UnnamedBenchmark]]:
    """The benchmarks' candidates, and the tests that name theirs when they run.

    None of either where only a run was named and there are no benchmarks here.
    """
    if path is None and not Path(_DEFAULT).is_dir():
        if results is None:
            raise UsageError(f"there is no folder {_DEFAULT} here: give the benchmarks' path, or --run RUN")
        return [], []
    benchmarks, unnamed = collect_all([path or _DEFAULT])
    if not (benchmarks or unnamed):
        raise UsageError(f"no benchmarks in {path or _DEFAULT}: expected files or folders of tests that take bench")
    named = [
        _Budgetable(
            test=str(benchmark.path),
            candidate=str(benchmark.candidate),
            markers=tuple(
                limit
                for marker in benchmark.markers
                for limit in parse_limits(marker, origin=f"marker of {benchmark.test}")
            ),
        )
        for benchmark in benchmarks
    ]
    return named, unnamed


def _unmeasured(unnamed: Sequence[UnnamedBenchmark], results: Results | None) -> list[UnnamedBenchmark]:
    """Those of which the run has no entry: nothing tells what they measure."""
    measured = {entry.test.partition("[")[0] for entry in results.entries} if results else set()
    return [one for one in unnamed if one.test.partition("[")[0] not in measured]


def _subjects_of(results: Results | None) -> list[_Budgetable]:
    return [_Budgetable(entry.test, entry.subject) for entry in results.entries] if results else []


def _check(
    subjects: _Subjects,
    results: Results | None,
    files: BudgetFiles,
    *,
    devices_dir: Path | None,
    today: date,
) -> _Complaints:
    of_run = lineages_of(results) if results else {}
    known = {*lineages(devices_dir), *of_run.values()}
    devices = {*available(devices_dir), *(name for lineage in known for name in lineage)}
    by_subject = [(subject, files.of(subject.test)) for subject in subjects.named]
    by_unnamed = [(one.test, files.of(str(one.path))) for one in subjects.unnamed]
    if not files.read:
        raise BudgetsError("no budgets.toml is found from the benchmarks upward: there is nothing to check")
    stale: list[str] = []
    unseen: list[str] = []
    for budgets in files.read:
        own = [subject for subject, file in by_subject if file is budgets]
        seen = {(device, subject.candidate) for subject in own for device in devices}
        holding = [waiver for waiver in budgets.waivers if waiver.holds(today)]
        budgeted = list(_list_limits(budgets, own, known, today))
        tests = [test for test, file in by_unnamed if file is budgets]
        stale += [
            *unused_keys(budgets, seen, devices=devices, all_seen=not tests),
            *unused_waivers(holding, budgeted, devices=devices, all_seen=not tests),
        ]
        unseen += [_unseen_sentence(budgets, tests)] if tests else []
    waivers = [waiver for budgets in files.read for waiver in budgets.waivers]
    return _Complaints(
        files=[budgets.label for budgets in files.read],
        expired=expired_sentences(waivers, today),
        stale=stale,
        expiring=expiring_sentences(waivers, today),
        slack=slack_limits(results.entries, files.of, lineages=of_run) if results else None,
        unseen=unseen,
    )


def _unseen_sentence(budgets: Budgets, tests: Sequence[str]) -> str:
    """What is not known of a file, by which tests, and what would tell."""
    others = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return (
        f"{budgets.label}: what matches nothing is not known, since the candidate is named only when the test runs, in "
        f"{tests[0]}{others}: give --run RUN of a run that measured it"
    )


def _list_limits(
    budgets: Budgets, subjects: Sequence[_Budgetable], known: set[tuple[str, ...]], today: date
) -> Iterator[BudgetedCandidate]:
    """What is limited of each candidate on each device there is. Raises BudgetsError for a waiver that is stricter."""
    for subject in dict.fromkeys(subjects):
        for lineage in known:
            limits = limits_for(budgets, lineage, subject.candidate, subject.markers, today=today)
            yield BudgetedCandidate(lineage, subject.candidate, frozenset(limit.key for limit in limits))


def _lines(found: _Complaints) -> Iterator[str]:
    """A line for each sentence, the gravest first, and how many there are of each."""
    slack = found.slack or ()
    yield from (f"expired: {sentence}" for sentence in found.expired)
    yield from (f"stale: {sentence}" for sentence in found.stale)
    yield from (f"expires soon: {sentence}" for sentence in found.expiring)
    yield from (f"slack: {one.sentence}" for one in slack)
    yield from (f"not seen: {sentence}" for sentence in found.unseen)
    counts = f"{len(found.expired)} expired, {len(found.stale)} stale, {len(found.expiring)} expire soon"
    told = f"{len(slack)} slack" if found.slack is not None else "slack limits are found with --run RUN"
    yield f"{', '.join(found.files)}: {counts}, {told}"


def _for_machines(found: _Complaints) -> dict[str, Any]:
    """Texts as they are; rooms as shares."""
    told: dict[str, Any] = {
        name: list(getattr(found, name)) for name in ("files", "expired", "stale", "expiring", "unseen")
    }
    told["slack"] = None if found.slack is None else [{**asdict(one), "limit": _limit(one)} for one in found.slack]
    return {**told, "exit_code": found.exit_code}


def _limit(slack: Slack) -> dict[str, str]:
    return {"origin": slack.limit.origin, "key": slack.limit.key, "text": slack.limit.text}
