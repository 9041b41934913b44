"""Which limits hold for one candidate on one board."""

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import reduce

from harness.gates.file import Budgets, BudgetTable
from harness.gates.limits import Limit, reading_order, stricter
from harness.gates.parse import did_you_mean


def limits_for(
    budgets: Budgets | None,
    lineage: Sequence[str],
    candidate: str,
    marker: Iterable[Limit] = (),
) -> tuple[Limit, ...]:
    """The limits on ``candidate`` ("name/recipe") for a profile whose ``lineage`` is its name, then what it extends.

    Key by key: the nearest device of the lineage wins, on it the most specific pattern; where a marker
    (its limits as ``parse_limits`` gave them) limits the same key, the stricter of the two holds.
    """
    chosen = _from_file(budgets, lineage, candidate) if budgets else {}
    for limit in marker:
        chosen[limit.key] = stricter(chosen[limit.key], limit) if limit.key in chosen else limit
    return tuple(sorted(chosen.values(), key=reading_order))


def unused_keys(
    budgets: Budgets, seen: Collection[tuple[str, str]], *, devices: Collection[str] | None = None
) -> tuple[str, ...]:
    """One sentence for each table that matches nothing; only meaningful where the whole folder was collected.

    ``seen`` are pairs of a device's name (or one it extends) and a candidate. A table of a device that was not
    in this run counts as used where its pattern matches any candidate; ``devices``, where given, are all names
    there are, so that a mistyped one is told apart.
    """
    candidates = {candidate for _, candidate in seen}
    names = None if devices is None else {*devices, *(device for device, _ in seen)}
    sentences = (_why_unused(table, candidates, names, place=_place(budgets, table)) for table in budgets.tables)
    return tuple(sentence for sentence in sentences if sentence)


def _from_file(budgets: Budgets, lineage: Sequence[str], candidate: str) -> dict[str, Limit]:
    chosen: dict[str, Limit] = {}
    for device in reversed(lineage):
        matching = [t for t in budgets.tables if t.device == device and _matches(t, candidate)]
        chosen.update(_most_specific(matching, candidate))
    return chosen


def _most_specific(tables: Iterable[BudgetTable], candidate: str) -> dict[str, Limit]:
    """Key by key the limit of the most specific table; of equally specific ones the stricter."""
    ranked: dict[str, list[tuple[tuple[bool, int], Limit]]] = {}
    for table in tables:
        for limit in table.limits:
            ranked.setdefault(limit.key, []).append((_specificity(table.pattern, candidate), limit))
    return {key: _strictest_of_best(found) for key, found in ranked.items()}


def _strictest_of_best(found: list[tuple[tuple[bool, int], Limit]]) -> Limit:
    best = max(rank for rank, _ in found)
    return reduce(stricter, (limit for rank, limit in found if rank == best))


def _specificity(pattern: str, candidate: str) -> tuple[bool, int]:
    """An exact name beats any glob; of two globs the one with more literal characters."""
    return (pattern == candidate, sum(character not in "*?" for character in pattern))


def _matches(table: BudgetTable, candidate: str) -> bool:
    return table.pattern == candidate or fnmatchcase(candidate, table.pattern)


def _why_unused(
    table: BudgetTable, candidates: Collection[str], devices: Collection[str] | None, *, place: str
) -> str | None:
    if devices is not None and table.device not in devices:
        return f"{place}: no device is called {table.device!r}{did_you_mean(table.device, sorted(devices))}"
    if any(_matches(table, candidate) for candidate in candidates):
        return None
    return f"{place}: matches no candidate{did_you_mean(table.pattern, sorted(candidates))}"


def _place(budgets: Budgets, table: BudgetTable) -> str:
    return " ".join(f'{budgets.label} [{table.device}."{table.pattern}"]'.split())
