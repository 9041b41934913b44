"""Waivers proposed for the limits that a run broke; each admits what was measured, and people date and explain it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isfinite
from typing import Final

from harness.gates.judge import GATES
from harness.gates.limits import Limit, parse_limit
from harness.records.entry import Entry, Finding
from harness.records.errors import BudgetsError
from harness.records.metrics import METRICS, is_exact
from harness.records.status import Status

DEFAULT_DAYS: Final = 30
MOST_DAYS: Final = 90
"""A waiver is for what will be mended; what is to stay is a new limit."""
_DIGITS: Final = 2
_MARGIN: Final = Decimal("0.1")
"""Beyond the far end of what chance has a part in, so that the next run, which differs a little, keeps it too."""
_KINDS: Final = {name: kind for kind, (name, _) in GATES.items()}


@dataclass(frozen=True)
class ProposedWaiver:
    """A limit that an entry broke, and the one that would admit it, both as a budgets file writes them."""

    entry: Entry
    metric: str
    """The budget's key, e.g. "latency_p50_regression"."""
    limit: str
    why: str
    """The sentence of the verdict."""

    @property
    def device(self) -> str:
        """The board for which it is waived, and no other."""
        return self.entry.device

    @property
    def candidate(self) -> str:
        """The candidate and its recipe."""
        return self.entry.subject

    @property
    def place(self) -> tuple[str, str, str]:
        """What no two waivers of a file have in common."""
        return (self.device, self.candidate, self.metric)


def propose_waivers(entries: Iterable[Entry]) -> list[ProposedWaiver]:
    """One for each board, candidate and key whose limit failed, in the order of the entries; of several the laxest.

    Wrong outputs, errors and what was not judged have no limit that could be waived. Of a name that cannot stand in a
    budgets file there is none either.
    """
    found: dict[tuple[str, str, str], tuple[Limit, ProposedWaiver]] = {}
    for entry in entries:
        for finding in entry.findings:
            admitted = _admitting(finding)
            if admitted is None or not (entry.device + entry.subject).isprintable():
                continue
            proposed = ProposedWaiver(entry, admitted.key, admitted.text, finding.reason)
            known = found.get(proposed.place)
            if known is None or admitted.strictness < known[0].strictness:
                found[proposed.place] = (admitted, proposed)
    return [proposed for _, proposed in found.values()]


def last_day(made: str, days: int = DEFAULT_DAYS) -> date | None:
    """So many days after a run was made, as its record has it; None where that is no time."""
    try:
        return datetime.fromisoformat(made).date() + timedelta(days=days)
    except (ValueError, OverflowError):
        return None


def _admitting(finding: Finding) -> Limit | None:
    """A limit beyond all that was judged, rounded to two digits away from it; None where there is none."""
    kind = _KINDS.get(finding.gate)
    if finding.status is not Status.FAIL or kind is None or finding.metric not in METRICS or finding.limit is None:
        return None
    broken = Limit(finding.metric, kind, finding.limit, origin="the run")
    far = finding.bound_low if broken.is_floor else finding.bound_high
    near = finding.ci_low if broken.is_floor else finding.ci_high
    # Of what is exact an interval is shown at most, and does not decide.
    ends = [finding.value] if is_exact(finding.metric) else [finding.value, far, near]
    known = [end for end in ends if end is not None and isfinite(end) and end > 0.0]
    if not known:
        return None
    margin = Decimal(0) if is_exact(finding.metric) else -_MARGIN if broken.is_floor else _MARGIN
    end = Decimal(repr(min(known) if broken.is_floor else max(known))) * (1 + margin)
    step = Decimal(1).scaleb(end.adjusted() - _DIGITS + 1)
    rounded = (end / step).to_integral_value(ROUND_FLOOR if broken.is_floor else ROUND_CEILING) * step
    limit = replace(broken, value=float(rounded))
    return limit if limit.strictness < broken.strictness and _is_readable(limit) else None


def _is_readable(limit: Limit) -> bool:
    """Whether a budgets file may have it so: figures of nature's wilder ranges get prefixes that it may not have."""
    try:
        parse_limit(limit.key, limit.text, origin=limit.origin)
    except BudgetsError:
        return False
    return True
