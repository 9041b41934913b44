"""Every entry, a row each, worst first: its main figures, each with its interval, its limit and its change."""

from dataclasses import dataclass
from typing import Any

from harness.records.entry import Entry
from harness.records.metrics import METRICS, main_metrics
from harness.records.results import Results
from harness.records.status import Status
from harness.report.baseline_changes import REGRESSION, BaselineChange, changes
from harness.report.bullet import Bullet, JudgedLimit, compare_bullet, judged_limits
from harness.report.charts.page_charts import GroupCharts
from harness.report.labels import STATUS_WORDS, entry_detail, entry_name, worst_first
from harness.report.numbers import Number, number, value_of
from harness.report.sections import Section

MOST_COLUMNS = 7
COMPARED = "latency_p50"
"""The figure that candidates of one board are compared by where no limit holds it."""
_WITHOUT_FIGURES = ("identical", "new", "missing", "unlike")


@dataclass(frozen=True)
class Cell:
    """One metric of one entry; ``sort`` is its value in SI base units, or nothing."""

    column: str
    sort: str
    number: Number | None
    change: BaselineChange | None
    """Beyond its interval."""
    limit: JudgedLimit | None
    bullet: Bullet | None


@dataclass(frozen=True)
class Row:
    """One entry; ``remark`` is what its status does not say: that it has no limit, or nothing to compare with.

    ``detail`` is what tells entries of one name apart, its test and its board.
    """

    entry: Entry
    remark: str
    detail: str
    searched: str
    cells: list[Cell]


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any]:
    entries = worst_first(results.entries)
    columns = _columns(entries)
    longest = _longest(entries)
    return {
        "columns": list(columns.values()),
        "rows": [
            _row(entry, columns, longest=longest[entry.device, entry.candidate], devices=len(results.devices))
            for entry in entries
        ],
        "statuses": [(one.value, STATUS_WORDS[one]) for one in dict.fromkeys(entry.status for entry in entries)],
        "names": list(dict.fromkeys(entry.device for entry in results.entries)),
    }


def _columns(entries: list[Entry]) -> dict[str, str]:
    """The main metrics that some entry has, and before the last of them those that a limit holds; by name, a title."""
    known = {one.metric for entry in entries for one in entry.measurements if one.value is not None}
    limited = {str(finding.metric) for entry in entries for finding in entry.findings if finding.limit is not None}
    main = [metric.name for metric in main_metrics()]
    wanted = [name for name in METRICS if name in limited or (name in main and name in known)]
    spare = [name for name in reversed(wanted) if name not in limited and name != COMPARED]
    left_out = spare[: max(0, len(wanted) - MOST_COLUMNS)]
    return {name: METRICS[name].short or METRICS[name].title for name in wanted if name not in left_out}


def _longest(entries: list[Entry]) -> dict[tuple[str, str], float]:
    """The longest latency of every candidate on every device."""
    longest: dict[tuple[str, str], float] = {}
    for entry in entries:
        found = value_of(entry, COMPARED)
        key = entry.device, entry.candidate
        longest[key] = max(longest.get(key, 0.0), found.value or 0.0 if found else 0.0)
    return longest


def _row(entry: Entry, columns: dict[str, str], *, longest: float, devices: int) -> Row:
    limits = judged_limits(entry)
    changed = {one.metric: one for one in changes([entry]) if one.kind in ("worse", "better")}
    cells = [_cell(entry, metric, limits=limits, change=changed.get(metric), longest=longest) for metric in columns]
    return Row(
        entry=entry,
        remark=_remark(entry),
        detail=entry_detail(entry, devices),
        searched=f"{entry_name(entry)} {entry.test}".casefold(),
        cells=cells,
    )


def _cell(
    entry: Entry,
    metric: str,
    *,
    limits: list[JudgedLimit],
    change: BaselineChange | None,
    longest: float,
) -> Cell:
    own = [one for one in limits if one.finding.metric == metric]
    limit = max(own, key=_urgency, default=None)
    found = value_of(entry, metric)
    bullet = limit.bullet if limit else None
    if limit is None and found is not None and metric == COMPARED:
        bullet = compare_bullet(entry, found, longest)
    return Cell(
        column=METRICS[metric].short or METRICS[metric].title,
        sort="" if found is None else f"{found.value:.6g}",
        number=number(entry, metric),
        change=change,
        limit=limit,
        bullet=bullet,
    )


def _urgency(limit: JudgedLimit) -> tuple[int, bool]:
    """Of a metric's limits that one is shown which went worst; of two alike, that against the baseline."""
    return limit.finding.status.severity, limit.finding.gate == REGRESSION


def _remark(entry: Entry) -> str:
    if entry.baseline and entry.baseline.state in _WITHOUT_FIGURES:
        return entry.baseline.state
    return "no limit" if entry.status is Status.MEASURED else ""


ENTRIES = Section("entries", "Entries", _context, folds=False)
