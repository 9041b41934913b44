"""Which limits hold for one candidate on one board."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import reduce

from harness.gates.file import Budgets, BudgetTable
from harness.gates.limits import Limit, reading_order, stricter
from harness.gates.parse import did_you_mean
from harness.gates.patterns import Rank, matches, rank
from harness.gates.waiving import waive


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
        chosen = waive(chosen, budgets.waivers, lineage=lineage, candidate=candidate, today=today)
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
    sentences = (_why_unused(table, candidates, names, place=_place(budgets, table)) for table in tables)
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


def _why_unused(
    table: BudgetTable, candidates: Collection[str], devices: Collection[str] | None, *, place: str
) -> str | None:
    if devices is not None and table.device not in devices:
        return f"{place}: no device is called {table.device!r}{did_you_mean(table.device, sorted(devices))}"
    if any(matches(table.pattern, candidate) for candidate in candidates):
        return None
    return f"{place}: matches no candidate{did_you_mean(table.pattern, sorted(candidates))}"


def _place(budgets: Budgets, table: BudgetTable) -> str:
    return " ".join(f'{budgets.label} [{table.device}."{table.pattern}"]'.split())
