"""What is wrong with budgets that are not broken: limits with too much room, waivers that run out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from harness.gates.budgets import Budgets, limits_for
from harness.gates.limits import Limit
from harness.gates.propose_limits import bad_end, figure_text, room, with_margin
from harness.gates.waivers import SOON_DAYS, Waiver
from harness.records.entry import Entry
from harness.records.status import Status
from harness.records.units import format_quantity

MOST_ROOM: Final = 0.25
"""A limit is slack where the worst figure under it keeps away by more than this share."""
_MARGIN: Final = 0.1


@dataclass(frozen=True)
class Slack:
    """A limit with too much room, and the figure that comes nearest to it."""

    limit: Limit
    room: float
    device: str
    candidate: str
    measured: str
    proposed: str
    """The limit that the usual margin would make of this figure."""

    @property
    def sentence(self) -> str:
        """The limit, its room, and what would take it up."""
        left, usual = (format_quantity(share, "1") for share in (self.room, _MARGIN))
        return (
            f"{self.limit.origin}: {self.limit.text} leaves {left} room: {self.candidate} on {self.device} "
            f"measured {self.measured}; {self.proposed} would leave {usual}"
        )


def slack_limits(
    entries: Iterable[Entry], budgets_of: Callable[[str], Budgets | None], *, lineages: Mapping[str, Sequence[str]]
) -> list[Slack]:
    """The limits of budgets files that every figure under them keeps by more than a quarter, in reading order.

    ``budgets_of`` gives the file of a test. Only limits in a metric's own unit can be slack: those on shares and
    points are tolerances. Entries that were not fit are left out.
    """
    nearest: dict[str, Slack | None] = {}
    for entry in entries:
        budgets = budgets_of(entry.test)
        if budgets is None or entry.status in (Status.INVALID, Status.ERROR):
            continue
        for limit in limits_for(budgets, lineages.get(entry.device, (entry.device,)), entry.subject, today=None):
            if limit.kind == "absolute":
                found = _slack(limit, entry)
                nearest[limit.origin] = _nearer(nearest.get(limit.origin, found), found)
    return [one for one in nearest.values() if one is not None and one.room > MOST_ROOM]


def expiring_sentences(waivers: Iterable[Waiver], today: date) -> list[str]:
    """One sentence for each waiver that holds for at most fourteen days more."""
    return [
        f"{waiver.limit.origin}: expires {waiver.days_left(today)}, {waiver.until} ({waiver.issue}: {waiver.reason})"
        for waiver in waivers
        if 0 <= (waiver.until - today).days <= SOON_DAYS
    ]


def _slack(limit: Limit, entry: Entry) -> Slack | None:
    """The room of one figure under a limit; None where it is not known well enough to say, or is 0.

    From nothing no margin can be reckoned.
    """
    measurement = next((m for m in entry.measurements if m.metric == limit.metric), None)
    end = bad_end(measurement) if measurement else None
    if measurement is None or end is None or end <= 0.0:
        return None
    return Slack(
        limit=limit,
        room=room(limit, end),
        device=entry.device,
        candidate=entry.subject,
        measured=figure_text(measurement),
        proposed=with_margin(end, metric=limit.metric, margin=_MARGIN),
    )


def _nearer(first: Slack | None, second: Slack | None) -> Slack | None:
    """The one with less room; what is not known leaves nothing to say."""
    if first is None or second is None:
        return None
    return first if first.room <= second.room else second
