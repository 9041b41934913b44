"""budgets.toml, found upward from the test file: its limits and waivers, and which of them hold for a candidate.

``harness.gates.limits`` parses the text of a limit.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from pathlib import Path

from harness.gates.limits import (
    Limit,
    Rank,
    collect_limits,
    matches,
    rank,
    reading_order,
    refusal,
    stricter,
)
from harness.gates.waivers import WAIVER, Waiver, apply_waivers, collect_waivers
from harness.records.errors import BudgetsError
from harness.records.files import real_path
from harness.records.nearest import did_you_mean
from harness.records.toml_file import read_toml

FILE_NAME = "budgets.toml"
_SHAPE = 'write [device."candidate/recipe"], e.g. [rpi4."kws_ds_cnn/*"]'
_EMPTY = 'limits nothing; give it a limit, e.g. latency_p50 = "4 ms", or take it out'


@dataclass(frozen=True)
class BudgetTable:
    """One table: a device, a glob over "candidate/recipe", and its limits."""

    device: str
    pattern: str
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class Budgets:
    """A budgets file; ``label`` is how messages name it."""

    path: Path
    label: str
    tables: tuple[BudgetTable, ...]
    waivers: tuple[Waiver, ...] = ()


def find_budgets(test_file: Path, rootdir: Path) -> Path | None:
    """The nearest budgets.toml from the test file's folder upward, never above ``rootdir``."""
    root = real_path(rootdir)
    for folder in real_path(test_file).parents:
        if not folder.is_relative_to(root):
            return None
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def load_budgets(path: Path, *, rootdir: Path | None = None) -> Budgets:
    """The file's tables and waivers, in the order of writing; whether a waiver has expired is not looked at.

    Messages name it relative to ``rootdir`` where given. Raises BudgetsError, one line with every problem.
    """
    label = _label(path, rootdir)
    document = read_toml(path, error=BudgetsError, label=label)
    waivers, problems = collect_waivers(document.pop(WAIVER, []), label=label)
    tables: list[BudgetTable] = []
    for device, patterns in document.items():
        if not isinstance(patterns, Mapping):
            problems.append(str(refusal(f"{label} {device}", f"stands outside a table; {_SHAPE}")))
            continue
        if not patterns:
            problems.append(str(refusal(f"{label} [{device}]", f"names no candidate; {_SHAPE}")))
        for pattern, content in patterns.items():
            if not isinstance(content, Mapping):
                problems.append(str(refusal(f"{label} [{device}] {pattern}", f"names no candidate; {_SHAPE}")))
                continue
            place = f'{label} [{device}."{pattern}"]'
            if not content:
                problems.append(str(refusal(place, _EMPTY)))
            limits, wrong = collect_limits(content, origin=place)
            tables.append(BudgetTable(device=device, pattern=pattern, limits=limits))
            problems += wrong
    if problems:
        raise BudgetsError("; ".join(problems))
    return Budgets(path=path, label=label, tables=tuple(tables), waivers=waivers)


def _label(path: Path, rootdir: Path | None) -> str:
    root = None if rootdir is None else real_path(rootdir)
    if root is not None and (whole := real_path(path)).is_relative_to(root):
        return whole.relative_to(root).as_posix()
    return path.as_posix()


def limits_for(
    budgets: Budgets | None,
    lineage: Sequence[str],
    candidate: str,
    marker: Iterable[Limit] = (),
    *,
    today: date | None,
) -> tuple[Limit, ...]:
    """The limits on ``candidate`` ("name/recipe") for a profile whose ``lineage`` is its name, then what it extends.

    Key by key: the nearest device of the lineage wins, on it the most specific pattern; where a marker
    (its limits as ``parse_limits`` gave them) limits the same key, the stricter of the two holds. Over that stand
    the file's waivers that have not expired on ``today`` (UTC); None: as if there were no waivers.
    Raises BudgetsError where a waiver is no laxer than what it would waive.
    """
    chosen = _from_file(budgets, lineage, candidate) if budgets else {}
    for limit in marker:
        chosen[limit.key] = stricter(chosen[limit.key], limit) if limit.key in chosen else limit
    if budgets and today is not None:
        chosen = apply_waivers(chosen, budgets.waivers, lineage=lineage, candidate=candidate, today=today)
    return tuple(sorted(chosen.values(), key=reading_order))


def unused_keys(
    budgets: Budgets,
    seen: Collection[tuple[str, str]],
    *,
    devices: Collection[str] | None = None,
    all_seen: bool = True,
) -> tuple[str, ...]:
    """One sentence for each table that matches nothing; only meaningful where the whole folder was collected.

    ``seen`` are pairs of a device's name (or one it extends) and a candidate. A table of a device that was not
    in this run counts as used where its pattern matches any candidate; ``devices``, where given, are all names
    there are, so that a mistyped one is told apart. Without ``all_seen`` there are candidates beside these, and only
    the devices are looked at.
    """
    candidates = {candidate for _, candidate in seen}
    names = None if devices is None else {*devices, *(device for device, _ in seen)}
    tables = [table for table in budgets.tables if all_seen or (names is not None and table.device not in names)]
    sentences = (_why_table_unused(table, candidates, names, place=_place(budgets, table)) for table in tables)
    return tuple(sentence for sentence in sentences if sentence)


def _from_file(budgets: Budgets, lineage: Sequence[str], candidate: str) -> dict[str, Limit]:
    """Key by key the limit of the nearest table; of equally near ones the stricter."""
    found: dict[str, list[tuple[Rank, Limit]]] = {}
    for table in budgets.tables:
        place = rank(table.device, table.pattern, lineage=lineage, candidate=candidate)
        if place is not None:
            for limit in table.limits:
                found.setdefault(limit.key, []).append((place, limit))
    return {key: _strictest_of_best(ranked) for key, ranked in found.items()}


def _strictest_of_best(ranked: Sequence[tuple[Rank, Limit]]) -> Limit:
    best = max(place for place, _ in ranked)
    return reduce(stricter, (limit for place, limit in ranked if place == best))


def _why_table_unused(
    table: BudgetTable, candidates: Collection[str], devices: Collection[str] | None, *, place: str
) -> str | None:
    if devices is not None and table.device not in devices:
        return (
            f"{place}: no device is called {table.device!r}{did_you_mean(table.device, sorted(devices), before='; ')}"
        )
    if any(matches(table.pattern, candidate) for candidate in candidates):
        return None
    return f"{place}: matches no candidate{did_you_mean(table.pattern, sorted(candidates), before='; ')}"


def _place(budgets: Budgets, table: BudgetTable) -> str:
    return " ".join(f'{budgets.label} [{table.device}."{table.pattern}"]'.split())
