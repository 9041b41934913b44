"""Where the time of an inference goes, operator by operator, and which of them got slower than the baseline's."""

from typing import Any

from harness.records.entry import Entry
from harness.records.operators import OperatorChange, OperatorFigure, OperatorProfile
from harness.records.results import Results
from harness.records.units import format_interval, format_quantity
from harness.report.bullet import Bullet
from harness.report.charts.page_charts import GroupCharts
from harness.report.labels import worst_first
from harness.report.operator_changes import changed_operators
from harness.report.sections import Section

COLUMNS = ("time", "share", "count", "in a delegate", "MACs")
CHANGES = ("baseline", "candidate", "difference")
CHANGES_SHOWN = 10
KERNELS_SHOWN = 20
MOST_SHOWN = 60
"""Entries whose operators a page tells, so that it stays small."""
_DECIMALS = 7


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any] | None:
    told = [(entry, entry.operators) for entry in worst_first(results.entries) if entry.operators is not None]
    if not told:
        return None
    return {
        "devices": results.devices,
        "columns": COLUMNS,
        "changes": CHANGES,
        "entries": [_entry(entry, profile) for entry, profile in told[:MOST_SHOWN]],
        "left_out": max(0, len(told) - MOST_SHOWN),
    }


def _entry(entry: Entry, profile: OperatorProfile) -> dict[str, Any]:
    changed = changed_operators(entry)
    longest = max((kind.seconds or 0.0 for kind in profile.kinds), default=0.0)
    return {
        "entry": entry,
        "reason": profile.reason,
        "said": _said(profile),
        "untold": profile.untold,
        "rows": [(kind.name, _bar(kind, longest), _cells(kind)) for kind in profile.kinds],
        "kernels": [(one.name, f"{one.count} x, {_time(one.seconds)}") for one in profile.kernels[:KERNELS_SHOWN]],
        "compared": entry.baseline is not None and bool(entry.baseline.operator_changes),
        "changed": [(one.name, _change(one)) for one in changed[:CHANGES_SHOWN]],
        "more": max(0, len(changed) - CHANGES_SHOWN),
    }


def _said(profile: OperatorProfile) -> str:
    """How the figures were obtained, and how much of the inference they tell."""
    if profile.inference_s is None or profile.told_share is None:
        return ""
    processes = "process" if profile.processes == 1 else "processes"
    return (
        f"{_time(profile.inference_s)} an inference while profiled, of which operators are "
        f"{format_quantity(round(profile.told_share, 3), '1')}; {profile.runs:,} inferences in {profile.processes} "
        f"{processes}, {profile.path}, counted in steps of {format_quantity(profile.resolution_s, 's')}"
    )


def _bar(kind: OperatorFigure, longest: float) -> Bullet | None:
    if kind.seconds is None or longest <= 0.0:
        return None
    end = round(100.0 * kind.seconds / longest, 1)
    return Bullet(value=end, low=0.0, high=end)


def _cells(kind: OperatorFigure) -> list[tuple[str, ...]]:
    return [
        ("–" if kind.seconds is None else _time(kind.seconds), *_interval(kind)),
        ("–" if kind.share is None else format_quantity(round(kind.share, 3), "1"),),
        (f"{kind.count:,}",),
        (f"{kind.delegated:,}",),
        (f"{kind.macs:,}" if kind.macs else "–",),
    ]


def _interval(kind: OperatorFigure) -> tuple[str, ...]:
    if kind.ci_low is None or kind.ci_high is None:
        return ()
    return (format_interval(round(kind.ci_low, _DECIMALS), round(kind.ci_high, _DECIMALS), "s"),)


def _change(one: OperatorChange) -> list[tuple[str, ...]]:
    ends = f"{_signed(one.ci_low)} to {_signed(one.ci_high)}"
    return [(_time(one.before_s),), (_time(one.after_s),), (_signed(one.difference_s), ends)]


def _signed(seconds: float) -> str:
    return f"{'+' if seconds > 0 else ''}{_time(seconds)}"


def _time(seconds: float) -> str:
    """No finer than a tenth of what the profiler counts in."""
    return format_quantity(round(seconds, _DECIMALS), "s")


OPERATORS = Section("operators", "Operators", _context)
