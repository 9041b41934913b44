"""``harness budgets waive``: waivers written for the limits that a stored run broke."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.cli.budget_files import BudgetFiles, check_word, lineages_of, show_path, stored_run, write_budgets
from harness.gates import Budgets, limits_for, load_budgets, parse_limit
from harness.gates.edit_budgets import WaiverText, edit_waivers
from harness.gates.judge import stored_limits
from harness.gates.propose_waivers import DEFAULT_DAYS, MOST_DAYS, ProposedWaiver, propose_waivers
from harness.records.errors import UsageError
from harness.records.files import read_text
from harness.records.results import Results
from harness.records.text import visible
from harness.store.disk import disk_errors_named

_MOST_REASON = 500


@dataclass(frozen=True)
class WaiveRequest:
    """What was typed."""

    run: str
    reason: str
    until: str | None
    issue: str | None
    entries: Sequence[str]
    metrics: Sequence[str]
    devices: Sequence[str]
    budgets: Path | None
    reports_dir: Path | None


@dataclass(frozen=True)
class _Written:
    """What becomes of one file: its text before and after, and the waivers with what stood there."""

    file: Path
    before: str | None
    after: str
    waivers: Sequence[tuple[ProposedWaiver, WaiverText]]


def waive_limits(request: WaiveRequest, *, as_json: bool) -> int:
    """Write the waivers, say what was written; returns 0. Raises UsageError where there is nothing to waive."""
    reason, until = _told(request.reason, "--reason"), _last_day(request.until)
    issue = None if request.issue is None else _told(request.issue, "--issue")
    if request.budgets is not None and not request.budgets.parent.is_dir():
        raise UsageError(f"--budgets {request.budgets}: there is no folder {request.budgets.parent}: make it first")
    results = stored_run(request.run, request.reports_dir)
    chosen = _choose(propose_waivers(results.entries), request, results)
    files = BudgetFiles(Path.cwd(), request.budgets)
    by_file: dict[Path, list[tuple[ProposedWaiver, WaiverText]]] = {}
    for one in chosen:
        text = WaiverText(*one.place, one.limit, until, issue or f"run {results.run.id}", reason)
        by_file.setdefault(files.to_write(one.entry.test), []).append((one, text))
    outcomes = [_edited(file, waivers, results) for file, waivers in by_file.items()]
    for outcome in outcomes:
        if _is_changed(outcome):
            write_budgets(outcome.file, outcome.after)
    _show(outcomes, as_json=as_json)
    return 0


def _told(text: str, flag: str) -> str:
    """The text in one line. Raises UsageError where it says nothing, or cannot stand in a budgets file."""
    line = " ".join(text.split())
    if not line:
        raise UsageError(f"{flag}: says nothing; write why the limit may be exceeded until then")
    if len(line) > _MOST_REASON or not line.isprintable():
        raise UsageError(f"{flag}: expected at most {_MOST_REASON} characters that can be seen")
    return line


def _last_day(text: str | None) -> date:
    today = datetime.now(UTC).date()
    latest = today + timedelta(days=MOST_DAYS)
    if text is None:
        return today + timedelta(days=DEFAULT_DAYS)
    try:
        until = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--until {text[:40]}: is no day: write it as {latest.isoformat()}") from None
    if not today <= until <= latest:
        raise UsageError(
            f"--until {until}: expected a day from {today} to {latest}: a waiver lasts at most {MOST_DAYS} days; "
            "what is to stay is a new limit"
        )
    return until


def _choose(proposed: Sequence[ProposedWaiver], request: WaiveRequest, results: Results) -> list[ProposedWaiver]:
    """Those that were named, else all. Raises UsageError for a name that nothing failed by."""
    if not proposed:
        raise UsageError(
            f"{request.run}: run {results.run.id} has no limit that failed, so there is nothing to waive; "
            "wrong outputs, errors and what was not judged cannot be waived"
        )
    for named, known, flag in (
        (request.entries, [one.candidate for one in proposed], "--entry"),
        (request.metrics, [one.metric for one in proposed], "--metric"),
        (request.devices, [one.device for one in proposed], "--device"),
    ):
        for name in named:
            check_word(name, list(dict.fromkeys(known)), flag=flag)
    chosen = [
        one
        for one in proposed
        if one.candidate in (request.entries or [one.candidate])
        and one.metric in (request.metrics or [one.metric])
        and one.device in (request.devices or [one.device])
    ]
    if not chosen:
        raise UsageError(f"{request.run}: no limit failed that is of all that was named; leave an option out")
    return chosen


def _edited(file: Path, waivers: Sequence[tuple[ProposedWaiver, WaiverText]], results: Results) -> _Written:
    """The file with the waivers in it. Raises BudgetsError where it is wrong already, or cannot be edited."""
    budgets = load_budgets(file, rootdir=Path.cwd()) if file.exists() else None
    for one, _ in waivers:
        _check(one, budgets, file, results)
    before = None
    if budgets is not None:
        with disk_errors_named(file):
            before = read_text(file)
    return _Written(
        file, before, edit_waivers(before or "", [text for _, text in waivers], label=file.as_posix()), waivers
    )


def _check(one: ProposedWaiver, budgets: Budgets | None, file: Path, results: Results) -> None:
    """Raises UsageError where the budgets of today have no such limit, or one that admits the figure already."""
    markers, others = stored_limits(one.entry)
    lineage = lineages_of(results).get(one.device, (one.device,))
    standing = limits_for(budgets, lineage, one.candidate, [*markers, *others], today=None)
    limit = next((limit for limit in standing if limit.key == one.metric), None)
    place = f"{show_path(file)}: {one.device}, {one.candidate}"
    if limit is None:
        raise UsageError(f"{place}: no budget limits {one.metric} there any more; name the run's file with --budgets")
    if parse_limit(one.metric, one.limit, origin="waiver").strictness >= limit.strictness:
        raise UsageError(f"{place}: {one.metric} is limited to {limit.text} by now, so {one.limit} would waive nothing")


def _show(outcomes: Sequence[_Written], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps([_for_machines(outcome) for outcome in outcomes], indent=2) + "\n")
        return
    for outcome in outcomes:
        sys.stdout.writelines(f"{visible(line)}\n" for line in _lines(outcome))


def _lines(outcome: _Written) -> Iterator[str]:
    """The file, and each waiver that now stands in it."""
    yield f"{show_path(outcome.file)}{' (new)' if outcome.before is None else ''}"
    for one, text in outcome.waivers:
        yield f"  {one.device}, {one.candidate}: {one.metric} waived to {one.limit} until {text.until}"
        yield f"    {one.why}"
    count, (_, text) = len(outcome.waivers), outcome.waivers[-1]
    said = f"{count} waiver{'s'[: count != 1]}"
    written = f"{said} written ({text.issue}: {text.reason})"
    yield written if _is_changed(outcome) else f"{said} stood there already, nothing was written"


def _is_changed(outcome: _Written) -> bool:
    return outcome.after != outcome.before


def _for_machines(outcome: _Written) -> dict[str, Any]:
    return {
        "file": show_path(outcome.file),
        "new": outcome.before is None,
        "written": _is_changed(outcome),
        "waivers": [{name: str(value) for name, value in text.keys.items()} for _, text in outcome.waivers],
    }
