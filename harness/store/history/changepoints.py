"""Where a series changed its level, in words."""

from itertools import pairwise

from harness.records.history import Change, Series, SeriesPoint
from harness.records.status import Status
from harness.records.units import format_quantity
from harness.stats import Changepoint, changepoints

_UNFIT = (Status.INVALID, Status.ERROR)
"""A figure of such an entry says nothing of the model: the board was not fit, or measuring broke off."""
_COMMIT_LETTERS = 8


def with_changes(series: Series) -> Series:
    """The series with the places where its figures went to another level and stayed there.

    Another kernel of the board is no commit's doing: figures before and after are looked at apart.
    """
    ends = [0, *(found.at for found in series.breaks), len(series.points)]
    changes = [change for first, end in pairwise(ends) for change in _changes_between(series, first, end)]
    return series.model_copy(update={"changes": tuple(changes)})


def _changes_between(series: Series, first: int, end: int) -> list[Change]:
    counting = [
        (place, point.value)
        for place, point in enumerate(series.points[first:end], first)
        if point.value is not None and point.status not in _UNFIT
    ]
    shifts = changepoints([value for _, value in counting]) if counting else []
    return [_change(series, shift, counting[shift.at][0]) for shift in shifts]


def newest_points(series: Series, count: int) -> Series:
    """The newest points of a series that knows its changes, and of the changes those among them."""
    dropped = max(0, len(series.points) - count)
    changes = [
        change.model_copy(update={"at": change.at - dropped}) for change in series.changes if change.at > dropped
    ]
    return series.model_copy(update={"points": series.points[dropped:], "changes": tuple(changes)})


def _change(series: Series, shift: Changepoint, at: int) -> Change:
    point = series.points[at]
    worse = (shift.after > shift.before) == (series.better == "lower")
    before, after = (format_quantity(value, series.unit) for value in (shift.before, shift.after))
    by = f"{_by(series, shift)}, {'worse' if worse else 'better'}"
    return Change(
        at=at,
        run_id=point.run_id,
        created_at=point.created_at,
        commit=point.commit,
        before=shift.before,
        after=shift.after,
        worse=worse,
        sentence=f"{series.metric} of {series.subject} on {series.device}: {before} -> {after} ({by}) {_since(point)}",
    )


def _by(series: Series, shift: Changepoint) -> str:
    """The change as a share; of a share itself, and from zero, as a difference."""
    if series.unit == "1":
        return f"{(shift.after - shift.before) * 100:+.3g} pt"
    if shift.before == 0.0:
        return f"{'+' if shift.after > 0 else ''}{format_quantity(shift.after, series.unit)}"
    return f"{(shift.after / shift.before - 1) * 100:+.3g} %"


def _since(point: SeriesPoint) -> str:
    day = point.created_at[:10]
    if point.commit is None:
        return f"from run {point.run_id} ({day}) on"
    commit, _, dirty = point.commit.partition("+")
    return f"from commit {commit[:_COMMIT_LETTERS]}{'+' + dirty if dirty else ''} ({day}) on"
