"""Waivers in budgets.toml: a limit that may be exceeded until a day, for a reason that stands in a pull request.

And how waivers are laid over the limits that a budget gives one candidate on one board.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from typing import Final

from harness.gates.limits import Limit, Rank, matches, parse_limit, rank, refusal, stricter
from harness.records.errors import BudgetsError
from harness.records.nearest import did_you_mean

WAIVER = "waiver"
SOON_DAYS: Final = 14
"""A waiver that ends within so many days says so wherever it is told."""
_KEYS = ("device", "candidate", "metric", "limit", "until", "issue", "reason")
_SHAPE = "write [[waiver]] above its keys, " + ", ".join(_KEYS)


@dataclass(frozen=True)
class Waiver:
    """One [[waiver]]: until the day ``until``, that day included, ``limit`` stands in for the budget's own.

    ``pattern`` is a glob over "candidate/recipe", as in a table's name; ``limit.origin`` says where it stands.
    """

    device: str
    pattern: str
    limit: Limit
    until: date
    issue: str
    reason: str

    def holds(self, today: date) -> bool:
        """Whether it has not expired on a day (UTC)."""
        return today <= self.until

    def sentence(self, waived: Limit, today: date) -> str:
        """What it does: "limit 2 % waived to 8 % until 2026-12-01 (#123: reason)"; a warning near its end."""
        said = f"limit {waived.text} waived to {self.limit.text} until {self.until} ({self.issue}: {self.reason})"
        if (self.until - today).days > SOON_DAYS:
            return said
        return f"{said}; expires {self.days_left(today)}: then {waived.text} holds again"

    def days_left(self, today: date) -> str:
        """When it ends: "today", "in 9 days"."""
        days = (self.until - today).days
        return "today" if days == 0 else f"in {days} day{'s'[: days != 1]}"

    @property
    def expired_sentence(self) -> str:
        """What is said of a limit that it relaxed, once its last day has passed."""
        return f"the waiver to {self.limit.text} expired on {self.until} ({self.issue}: {self.reason})"


def collect_waivers(found: object, *, label: str) -> tuple[tuple[Waiver, ...], list[str]]:
    """The waivers that could be read under the key ``waiver`` of a file, and one sentence for each problem."""
    if not isinstance(found, list) or not all(isinstance(content, Mapping) for content in found):
        return (), [str(refusal(f"{label} {WAIVER}", f"is no list of waivers; {_SHAPE}"))]
    waivers: list[Waiver] = []
    problems: list[str] = []
    for number, content in enumerate(found, start=1):
        place = f"{label} [[waiver]] {number}"
        wrong = _waiver_problems(content)
        if wrong:
            problems += [str(refusal(place, problem)) for problem in wrong]
            continue
        try:
            waivers.append(_waiver(content, place))
        except BudgetsError as error:
            problems.append(str(error))
    return tuple(waivers), problems + _twice(waivers)


def expired_sentences(waivers: Sequence[Waiver], today: date) -> tuple[str, ...]:
    """One sentence for each waiver whose last day has passed, with what to do."""
    return tuple(
        f"{waiver.limit.origin}: expired on {waiver.until}; see {waiver.issue}: mend what it waived and take it out, "
        "or give it a later day in a pull request"
        for waiver in waivers
        if not waiver.holds(today)
    )


def _waiver_problems(content: Mapping[str, object]) -> list[str]:
    """Keys that are missing, unknown or of the wrong kind; what the limit says is looked at later."""
    unknown = [f"unknown key {key!r}{did_you_mean(key, _KEYS, before='; ')}" for key in content if key not in _KEYS]
    missing = [key for key in _KEYS if key not in content]
    wrong = [
        f"{key} = {content[key]!r}: expected a text that says something, in quotes"
        for key in _KEYS
        if key != "until" and key in content and not _is_told(content[key])
    ]
    until = content.get("until")
    if until is not None and (not isinstance(until, date) or isinstance(until, datetime)):
        wrong.append(f"until = {str(until)!r}: expected a day without quotes, such as 2026-12-01")
    return [*unknown, *([f"{', '.join(missing)} missing; a waiver has {', '.join(_KEYS)}"] if missing else []), *wrong]


def _is_told(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _waiver(content: Mapping[str, object], place: str) -> Waiver:
    device, pattern, metric, issue, reason = (
        " ".join(str(content[key]).split()) for key in ("device", "candidate", "metric", "issue", "reason")
    )
    until = content["until"]
    assert isinstance(until, date)  # noqa: S101 - _problems has looked
    origin = f'{place} [{device}."{pattern}"] {metric}'
    limit = parse_limit(metric, content["limit"], origin=origin)
    return Waiver(device=device, pattern=pattern, limit=limit, until=until, issue=issue, reason=reason)


def _twice(waivers: Sequence[Waiver]) -> list[str]:
    """A sentence for each waiver that waives what an earlier one of the file waives."""
    seen: dict[tuple[str, str, str], Waiver] = {}
    said = []
    for waiver in waivers:
        first = seen.setdefault((waiver.device, waiver.pattern, waiver.limit.key), waiver)
        if first is not waiver:
            said.append(f"{waiver.limit.origin}: waived twice; keep one of it and {first.limit.origin}")
    return said


@dataclass(frozen=True)
class BudgetedCandidate:
    """A candidate ("name/recipe") on a device, and the keys that its budgets limit."""

    lineage: tuple[str, ...]
    candidate: str
    keys: frozenset[str]


def apply_waivers(
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
    waivers: Sequence[Waiver],
    budgeted: Collection[BudgetedCandidate],
    *,
    devices: Collection[str],
    all_seen: bool = True,
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


def _why_unused(waiver: Waiver, budgeted: Collection[BudgetedCandidate], devices: Collection[str]) -> str | None:
    if waiver.device not in devices:
        return f"no device is called {waiver.device!r}{did_you_mean(waiver.device, sorted(devices), before='; ')}"
    meant = [one for one in budgeted if matches(waiver.pattern, one.candidate)]
    if not meant:
        candidates = sorted({one.candidate for one in budgeted})
        return f"matches no candidate{did_you_mean(waiver.pattern, candidates, before='; ')}"
    limited = {key for one in meant if waiver.device in one.lineage for key in one.keys}
    if waiver.limit.key in limited:
        return None
    return f"no budget limits {waiver.limit.key} there{did_you_mean(waiver.limit.key, sorted(limited), before='; ')}"
