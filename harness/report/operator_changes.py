"""Operators that got surely slower or faster than the baseline's, as page and summary say it."""

from harness.records.entry import Entry
from harness.records.operators import OperatorChange
from harness.records.units import format_quantity

_TOLD = 3


def changed_operators(entry: Entry) -> list[OperatorChange]:
    """Those beyond noise, most slowed first."""
    return [one for one in entry.baseline.operator_changes if one.changed] if entry.baseline else []


def operators_sentence(entry: Entry) -> str:
    """What an entry's operators show, in a line: where most time goes, and what got slower; why it is not known."""
    profile = entry.operators
    if profile is None:
        return ""
    if profile.reason:
        return f"operators are not known: {profile.reason}"
    known = [(kind.name, kind.share) for kind in profile.kinds[:_TOLD] if kind.share]
    shares = [f"{name} {format_quantity(round(share, 3), '1')}" for name, share in known]
    most = f"most time: {', '.join(shares)}" if shares else f"operators are not told apart: {profile.untold}"
    return "; ".join(filter(None, [most, slower_operators_sentence(entry)]))


def slower_operators_sentence(entry: Entry) -> str:
    """e.g. "slower operators: CONV_2D 4 (12.1 -> 15.3 µs), ADD 7 (1.2 -> 2 µs) and 2 more"; empty for none."""
    slower = [one for one in changed_operators(entry) if one.difference_s > 0.0]
    if not slower:
        return ""
    told = [
        f"{one.name} ({format_quantity(one.before_s, 's')} → {format_quantity(one.after_s, 's')})"
        for one in slower[:_TOLD]
    ]
    more = f" and {len(slower) - _TOLD} more" if len(slower) > _TOLD else ""
    return f"slower operator{'s' if len(slower) > 1 else ''}: {', '.join(told)}{more}"
