"""``harness budgets propose``: limits written from what a stored run measured."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.cli.budget_files import BudgetFiles, check_word, lineages_of, show_path, stored_run, write_budgets
from harness.cli.judge import judging_settings
from harness.gates import load_budgets
from harness.gates.edit_budgets import Edit, edit_budgets
from harness.gates.propose_limits import Proposal, ProposalRequest, Refused, default_metrics, propose_limits
from harness.measure.arm_evidence import restate_run
from harness.records.errors import UsageError
from harness.records.files import read_text
from harness.records.metrics import METRICS
from harness.records.text import visible
from harness.records.units import QuantityError, parse_quantity
from harness.store.disk import disk_errors_named

_MOST_MARGIN = 10.0


@dataclass(frozen=True)
class ProposeRequest:
    """What was typed."""

    run: str
    margin: str
    budgets: Path | None
    devices: Sequence[str]
    metrics: Sequence[str]
    update: bool
    reports_dir: Path | None


@dataclass(frozen=True)
class _FileProposals:
    """What became of one file."""

    file: Path
    is_new: bool
    found: Sequence[Proposal | Refused]

    @property
    def proposals(self) -> list[Proposal]:
        return [one for one in self.found if isinstance(one, Proposal)]

    @property
    def refused(self) -> list[Refused]:
        return [one for one in self.found if isinstance(one, Refused)]


def propose_budgets(request: ProposeRequest, *, as_json: bool) -> int:
    """Write or update budgets files; returns 0, or 1 where an entry, or a metric that was named, has no limit."""
    metrics, margin = _metrics(request.metrics), _margin(request.margin, request.metrics)
    if request.budgets is not None and not request.budgets.parent.is_dir():
        raise UsageError(f"--budgets {request.budgets}: there is no folder {request.budgets.parent}: make it first")
    results = restate_run(stored_run(request.run, request.reports_dir))
    names = list(dict.fromkeys(entry.device for entry in results.entries))
    chosen = [check_word(name, names, flag="--device") for name in request.devices] or names
    entries = [entry for entry in results.entries if entry.device in chosen]
    if not entries:
        raise UsageError(f"{request.run}: the run has no entries, and nothing to propose limits from")
    asked = ProposalRequest(metrics, margin, request.update, judging_settings(results.run))
    outcomes = []
    for file, same in BudgetFiles(Path.cwd(), request.budgets).by_file(entries).items():
        budgets = load_budgets(file, rootdir=Path.cwd()) if file.exists() else None
        outcomes.append(
            _FileProposals(file, budgets is None, propose_limits(same, budgets, asked, lineages=lineages_of(results)))
        )
    for outcome in outcomes:
        _write(outcome)
    _show(outcomes, as_json=as_json)
    refused = {(one.device, one.candidate) for outcome in outcomes for one in outcome.refused}
    limited = {(one.device, one.candidate) for outcome in outcomes for one in outcome.proposals}
    return int(bool(refused if request.metrics else refused - limited))


def _metrics(named: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check_word(name, METRICS, flag="--metric") for name in named)) or default_metrics()


def _margin(text: str, metrics: Sequence[str]) -> float:
    try:
        margin = parse_quantity(text, "1")
    except QuantityError as error:
        raise UsageError(f"--margin {text}: {error}") from error
    floors = [name for name in metrics if METRICS[name].better == "higher"]
    most = 1.0 if floors else _MOST_MARGIN
    if not 0 <= margin <= most or (floors and margin == most):
        raise UsageError(f"--margin {text}: expected 0 % to {most:.0%}" + (f", of {floors[0]} less" if floors else ""))
    return margin


def _write(outcome: _FileProposals) -> None:
    """Write the file whole, where anything changes. Raises HarnessError where it cannot be written."""
    edits = [_edit(proposal) for proposal in outcome.proposals if proposal.step in ("add", "change")]
    if edits:
        with disk_errors_named(outcome.file):
            before = "" if outcome.is_new else read_text(outcome.file)
        write_budgets(outcome.file, edit_budgets(before, edits, label=outcome.file.as_posix()))


def _edit(proposal: Proposal) -> Edit:
    return Edit(
        proposal.device,
        proposal.candidate,
        proposal.metric,
        proposal.text,
        bound="min" if METRICS[proposal.metric].better == "higher" else "max",
        source="model" if proposal.modelled else None,
    )


def _show(outcomes: Sequence[_FileProposals], *, as_json: bool) -> None:
    """What was written as a list of lines with + and -, what was refused on stderr."""
    for outcome in outcomes:
        for refused in outcome.refused:
            line = f"not proposed: {refused.device}, {refused.candidate}: {refused.why}"
            sys.stderr.write(f"harness: {visible(line)}\n")
    if as_json:
        sys.stdout.write(json.dumps([_for_machines(outcome) for outcome in outcomes], indent=2) + "\n")
        return
    for outcome in outcomes:
        sys.stdout.writelines(f"{visible(line)}\n" for line in _lines(outcome))


def _lines(outcome: _FileProposals) -> Iterator[str]:
    yield f"{show_path(outcome.file)}{' (new)' if outcome.is_new else ''}"
    told = [one for one in outcome.proposals if one.step != "keep"]
    for (device, candidate), same in groupby(told, key=lambda one: (one.device, one.candidate)):
        yield f'  [{device}."{candidate}"]'
        for proposal in same:
            yield from _steps(proposal)
    counts = Counter(one.step for one in outcome.proposals)
    yield f"{counts['add']} added, {counts['change']} changed, {counts['leave'] + counts['keep']} kept"


def _steps(proposal: Proposal) -> Iterator[str]:
    """The line taken out and the line put in; or the one left, and what --update would make of it."""
    stands = proposal.stands
    put_in = f'+ {proposal.metric} = "{proposal.text}"  # measured {proposal.measured}'
    if stands is None:
        yield put_in
        return
    elsewhere = "" if f'[{proposal.device}."{proposal.candidate}"]' in stands.origin else f"  # {stands.origin}"
    if proposal.step == "change":
        yield f'- {proposal.metric} = "{stands.text}"{elsewhere}'
        yield put_in
    else:
        yield f'  {proposal.metric} = "{stands.text}"{elsewhere}'
        yield f'    kept; --update makes it "{proposal.text}": measured {proposal.measured}'


def _for_machines(outcome: _FileProposals) -> dict[str, Any]:
    return {
        "file": show_path(outcome.file),
        "new": outcome.is_new,
        "limits": [
            {
                "device": one.device,
                "candidate": one.candidate,
                "metric": one.metric,
                "step": one.step,
                "before": one.stands.text if one.stands else None,
                "proposed": one.text,
                "measured": one.measured,
            }
            for one in outcome.proposals
        ],
        "refused": [{"device": one.device, "candidate": one.candidate, "why": one.why} for one in outcome.refused],
    }
