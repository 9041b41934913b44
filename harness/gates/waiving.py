"""Waivers laid over the limits that a budget gives one candidate on one board."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce

from harness.gates.limits import Limit, stricter
from harness.gates.parse import did_you_mean, refusal
from harness.gates.patterns import Rank, matches, rank
from harness.gates.waivers import Waiver


@dataclass(frozen=True)
class Budgeted:
    """A candidate ("name/recipe") on a device, and the keys that its budgets limit."""

    lineage: tuple[str, ...]
    candidate: str
    keys: frozenset[str]


def waive(
    limits: Mapping[str, Limit], waivers: Iterable[Waiver], *, lineage: Sequence[str], candidate: str, today: date
) -> dict[str, Limit]:
    """The limits, key by key, with the waivers that hold on a day (UTC) in their place.

    Of several waivers on one key the nearest wins, as of tables; where none holds any more, the limit stands as it is
    and names the one that expired. Raises BudgetsError where a waiver would not relax.
    """
    kept = list(waivers)
    holding = _nearest([one for one in kept if one.holds(today)], lineage=lineage, candidate=candidate)
    gone = _nearest([one for one in kept if not one.holds(today)], lineage=lineage, candidate=candidate)

    def laid_over(key: str, limit: Limit) -> Limit:
        if key in holding:
            return _relaxed(limit, holding[key], candidate, today=today)
        return replace(limit, expired=gone[key].expired_sentence) if key in gone else limit

    return {key: laid_over(key, limit) for key, limit in limits.items()}


def unused_waivers(
    waivers: Sequence[Waiver], budgeted: Collection[Budgeted], *, devices: Collection[str], all_seen: bool = True
) -> tuple[str, ...]:
    """One sentence for each waiver that matches no budget.

    ``budgeted`` is every collected candidate on every device there is, ``devices`` all names there are. Without
    ``all_seen`` there are candidates beside these, and only the devices are looked at.
    """
    return tuple(
        f"{waiver.limit.origin}: {why}; take the waiver out or mend it"
        for waiver in waivers
        if all_seen or waiver.device not in devices
        if (why := _why_unused(waiver, budgeted, devices))
    )


def _nearest(waivers: Iterable[Waiver], *, lineage: Sequence[str], candidate: str) -> dict[str, Waiver]:
    """Key by key the nearest waiver; of equally near ones the one that relaxes least."""
    found: dict[str, list[tuple[Rank, Waiver]]] = {}
    for waiver in waivers:
        place = rank(waiver.device, waiver.pattern, lineage=lineage, candidate=candidate)
        if place is not None:
            found.setdefault(waiver.limit.key, []).append((place, waiver))
    return {key: _least_of_best(ranked) for key, ranked in found.items()}


def _least_of_best(ranked: Sequence[tuple[Rank, Waiver]]) -> Waiver:
    best = max(place for place, _ in ranked)
    return reduce(_less_relaxing, (waiver for place, waiver in ranked if place == best))


def _less_relaxing(first: Waiver, second: Waiver) -> Waiver:
    return first if stricter(first.limit, second.limit) is first.limit else second


def _relaxed(limit: Limit, waiver: Waiver, candidate: str, *, today: date) -> Limit:
    """The limit with the waiver's value; where it stands, and whether a model may be judged, stay the budget's."""
    given = replace(limit, value=waiver.limit.value, waiver=waiver.sentence(limit, today))
    if given.strictness >= limit.strictness:
        why = f"{waiver.limit.text} does not relax {limit.text} of {limit.origin}, which holds for {candidate}"
        raise refusal(waiver.limit.origin, f"{why}; a waiver may only relax: mend it, or take it out")
    return given


def _why_unused(waiver: Waiver, budgeted: Collection[Budgeted], devices: Collection[str]) -> str | None:
    if waiver.device not in devices:
        return f"no device is called {waiver.device!r}{did_you_mean(waiver.device, sorted(devices))}"
    meant = [one for one in budgeted if matches(waiver.pattern, one.candidate)]
    if not meant:
        candidates = sorted({one.candidate for one in budgeted})
        return f"matches no candidate{did_you_mean(waiver.pattern, candidates)}"
    limited = {key for one in meant if waiver.device in one.lineage for key in one.keys}
    if waiver.limit.key in limited:
        return None
    return f"no budget limits {waiver.limit.key} there{did_you_mean(waiver.limit.key, sorted(limited))}"
