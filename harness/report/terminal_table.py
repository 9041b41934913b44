"""A device's entries as a table for a terminal: figures, changes against the baseline, how much of a limit is used.

A row is an entry, with a second line for what changed. Columns that do not fit the width are left out, the least
important first; the report has all.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from harness.records.entry import Entry, Finding, Measurement
from harness.records.metrics import METRICS, main_metrics
from harness.records.status import Status
from harness.records.text import visible
from harness.report.baseline_changes import ACCURACY, SIZE, BaselineChange, changes, sampled_ratios
from harness.report.labels import GOOD, LIMITED, STATUS_WORDS
from harness.report.numbers import Number, has_stages, number, points, stage_lines, value_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

STATUS_STYLES: Final[dict[Status, str]] = {
    Status.MEASURED: "",
    Status.PASS: "green",
    Status.INCONCLUSIVE: "yellow",
    Status.INVALID: "yellow",
    Status.FAIL: "bold red",
    Status.ERROR: "bold red",
}
_KIND_STYLES: Final = {"worse": "red", "better": "green", "unknown": "yellow", "identical": "dim"}
_STATES: Final = {"identical": "identical", "new": "new", "missing": "no baseline", "unlike": "not compared"}
"""Of a baseline that nothing was measured against: what stands below the status."""
_MAIN: Final = "latency_p50"
_LIMIT: Final = "limit"
"""The column of how much of a limit is used, behind the main metric's."""
_ENERGY: Final = "energy_per_inference"
_DISPENSABLE: Final = ("latency_p90", "peak_memory", _ENERGY, SIZE, ACCURACY, _LIMIT)
"""Columns that give way where there is no room, the first one first."""
_LEAST_NAME: Final = 16
"""Columns that a name has before others give way to it."""
_SHORTEST_NAME: Final = 8
_MOST_NAME: Final = 44
_SHORT_LIMIT: Final = 8
"""Letters of a limit's name that fit into its column's heading."""
_GAP: Final = 2
_PARTS: Final = re.compile(r"[^+,/_]*[+,/_]|[^+,/_]+")
_BAR: Final = 5
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_MOST_SHARE: Final = 10.0
"""Beyond it, how much of a limit is used is told as so many times the limit."""
_LEAST_CONFIDENCE: Final = 0.9


@dataclass(frozen=True)
class EntryTable:
    """The table of one device's entries, and what the small figures in it are."""

    table: "Table"
    legend: tuple[str, ...]


def entry_table(entries: Sequence[Entry], width: int) -> EntryTable:
    """The table of one device's entries, at most so wide."""
    from rich.console import Console

    console, columns = Console(width=width), _metrics(entries)
    spare = [metric for metric in _DISPENSABLE if metric in columns]
    longest = max(_longest_names(entries))
    beside = _table(entries, columns, longest, beside=True)
    if width - _width_of_figures(beside, console) >= longest:
        return EntryTable(beside, tuple(_legend(entries, columns)))
    while True:
        room = width - _width_of_figures(_table(entries, columns, longest), console)
        if room >= min(longest, _LEAST_NAME) or not spare:
            made = _table(entries, columns, max(_SHORTEST_NAME, min(room, longest, _MOST_NAME)))
            return EntryTable(made, tuple(_legend(entries, columns)))
        columns.remove(spare.pop(0))


def _legend(entries: Sequence[Entry], columns: Collection[str]) -> Iterator[str]:
    shown = [m for entry in entries for m in entry.measurements if m.metric in columns]
    levels = sorted({m.confidence for m in shown if m.metric == _MAIN and m.confidence is not None}, reverse=True)
    yield from dict.fromkeys(f"±: {_interval_name(confidence)}" for confidence in levels)
    if ACCURACY in columns and _shows_loss(entries):
        yield "below accuracy: points gained or lost against float32"
    if any(m.metric == _ENERGY and m.band is not None for m in shown):
        yield "below energy: the error band of its source"


def _interval_name(confidence: float) -> str:
    """What an interval of a confidence is; two and three trials have their ends only."""
    if confidence < _LEAST_CONFIDENCE:
        return "the least and largest of so few trials"
    return f"{confidence:.0%} interval over trials".replace("%", " %")


def _width_of_figures(made: "Table", console: "Console") -> int:
    """What the columns behind the names take, with the blanks between them."""
    from rich.measure import Measurement as Width

    widths = [
        max(Width.get(console, console.options, cell).maximum for cell in _cells(made, at))
        for at in range(1, len(made.columns))
    ]
    return sum(width + _GAP for width in widths)


def _cells(made: "Table", at: int) -> "list[RenderableType]":
    column = made.columns[at]
    return [column.header, *column.cells]


def _metrics(entries: Sequence[Entry]) -> list[str]:
    """Columns: the metrics of which any entry knows a figure, and how much of a limit is used."""
    known = {m.metric for entry in entries for m in entry.measurements if m.value is not None}
    if any(map(has_stages, entries)):
        known.add(_MAIN)  # the column in which stages stand
    columns = [metric.name for metric in main_metrics() if metric.name in known]
    if _MAIN in columns and any(map(_tightest, entries)):
        columns.insert(columns.index(_MAIN) + 1, _LIMIT)
    return columns


def _table(entries: Sequence[Entry], metrics: Sequence[str], room: int, *, beside: bool = False) -> "Table":
    """Names in so many columns; the name of a limit below how much of it is used, or ``beside`` it."""
    from rich.table import Table
    from rich.text import Text

    limits = {_limit_name(found[0]) for entry in entries if (found := _tightest(entry))}
    named = len(limits) > 1 or max(map(len, limits), default=0) > _SHORT_LIMIT
    behind_share = (" " if beside else "\n") if named else ""
    rows = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    rows.add_column("", no_wrap=True)
    rows.add_column("", no_wrap=True)
    for metric in metrics:
        if metric == _LIMIT:
            rows.add_column("limit used" if named else f"{next(iter(limits))} limit", no_wrap=True)
        else:
            rows.add_column(METRICS[metric].short, justify="right", no_wrap=True)
    together, told = Counter(entry.candidate for entry in entries), ""
    for entry in entries:
        alone = together[entry.candidate] == 1
        if not alone and entry.candidate != told:
            rows.add_row(Text(break_name(entry.candidate, room)))
        told = entry.candidate
        rows.add_row(_name(entry, room, alone=alone), _status(entry), *_entry_cells(entry, metrics, behind_share))
        for line in stage_lines(entry):
            shown = (Text(line.value, style="dim") if metric == _MAIN else "" for metric in metrics[:1])
            rows.add_row(Text(f"    {line.title}", style="dim"), "", *shown)
    return rows


def _longest_names(entries: Sequence[Entry]) -> Iterator[int]:
    from rich.cells import cell_len

    together = Counter(entry.candidate for entry in entries)
    for entry in entries:
        alone = together[entry.candidate] == 1
        label = f"{'' if alone else '  '}{entry.test_label}"
        yield from (cell_len(visible(text)) for text in (_own_name(entry, alone=alone), label))
        yield 0 if alone else cell_len(visible(entry.candidate))


def _own_name(entry: Entry, *, alone: bool) -> str:
    """Candidate and recipe, or below its candidate's line the recipe alone."""
    return entry.subject if alone else f"  {entry.recipe or 'as given'}"


def _name(entry: Entry, room: int, *, alone: bool) -> "Text":
    """An entry's name; with the test where rows are alike."""
    from rich.text import Text

    name = Text(break_name(_own_name(entry, alone=alone), room))
    if entry.test_label:
        label = break_name(f"{'' if alone else '  '}{entry.test_label}", room)
        name.append(f"\n{label}", style="dim")
    return name


def break_name(name: str, room: int) -> str:
    """A name in lines of at most so many columns, broken behind + , / and _ where it can be."""
    from rich.cells import cell_len, chop_cells

    indent = " " * (len(name) - len(name.lstrip(" ")))
    lines = [""]
    for part in _PARTS.findall(visible(name)):
        pieces = [part] if cell_len(part) <= room - len(indent) else chop_cells(part, max(2, room - len(indent)))
        for piece in pieces:
            if lines[-1] and cell_len(lines[-1]) + cell_len(piece) > room:
                lines.append(indent)
            lines[-1] += piece
    return "\n".join(lines)


def _status(entry: Entry) -> "Text":
    from rich.text import Text

    shown = Text().append(STATUS_WORDS[entry.status], style=STATUS_STYLES[entry.status])
    state = _STATES.get(entry.baseline.state) if entry.baseline else None
    return shown.append(f"\n{state}", style="dim") if state else shown


def _entry_cells(entry: Entry, metrics: Sequence[str], behind_share: str) -> "list[Text]":
    found = {change.metric: change for change in changes([entry])}
    compared = {ratio.metric for ratio in sampled_ratios([entry])}
    return [
        _used_cell(entry, behind_share)
        if metric == _LIMIT
        else _cell(entry, metric, found.get(metric), compared=metric in compared)
        for metric in metrics
    ]


def _cell(entry: Entry, metric: str, change: BaselineChange | None, *, compared: bool) -> "Text":
    """A figure, and below it what changed; without a baseline an accuracy's loss and an energy's error band."""
    from rich.text import Text

    shown = number(entry, metric)
    if shown is None:
        return Text()
    cell = Text(shown.value)
    if metric == _MAIN:
        cell.append(_plus_minus(value_of(entry, metric)), style="dim")
    if change is not None:
        return cell.append(f"\n{_delta(change)}", style=_KIND_STYLES[change.kind])
    detail = "unchanged" if compared else _detail(shown)
    return cell.append(f"\n{detail}", style="dim") if detail else cell


def _detail(shown: Number) -> str:
    return shown.band if shown.change == points(0.0) else shown.change or shown.band


def _delta(change: BaselineChange) -> str:
    """``▲ 5.1 %``, "identical"; what is not known is said in the report."""
    if change.kind == "unknown":
        return "not compared"
    return change.amount if change.kind == "identical" else " ".join(change.amount.split()[:3])


def _plus_minus(found: Measurement | None) -> str:
    """The interval's larger half as a share of the value."""
    if found is None or not found.value or found.ci_low is None or found.ci_high is None:
        return ""
    half = max(found.ci_high - found.value, found.value - found.ci_low)
    return f" ±{100 * half / found.value:.2g} %"


def _used_cell(entry: Entry, behind_share: str) -> "Text":
    """How much of the limit that is nearest, or the most broken, the entry uses; which it is, if that must be said."""
    from rich.text import Text

    tightest = _tightest(entry)
    if tightest is None:
        return Text("no limit", style="dim") if entry.status is Status.MEASURED else Text()
    finding, share = tightest
    told = "over" if share == inf else f"{share:.0f}x" if share >= _MOST_SHARE else f"{100 * share:.0f} %"
    cell = Text().append(_bar(share), style=STATUS_STYLES[finding.status])
    cell.append(f" {told:>5}", style=STATUS_STYLES[finding.status] if finding.status not in GOOD else "")
    return cell.append(f"{behind_share}{_limit_name(finding)}", style="dim") if behind_share else cell


def _bar(share: float) -> str:
    eighths = round(8 * _BAR * min(1.0, max(0.0, share)))
    whole, rest = divmod(eighths, 8)
    bar = "█" * whole + (_EIGHTHS[rest] if rest else "")
    return bar.ljust(_BAR, "░")


def _limit_name(finding: Finding) -> str:
    metric = str(finding.metric)
    known = METRICS.get(metric)
    short = {"latency_mean": "mean", "latency_p99": "p99"}.get(metric, known.short if known else "") or metric
    against = {"regression": " vs baseline", "accuracy_drop": " vs float32"}.get(finding.gate, "")
    return f"{short.replace('_', ' ')}{against}"


def _tightest(entry: Entry) -> tuple[Finding, float] | None:
    """The finding of whose limit the largest share is used; those that did not hold first."""
    told = [(finding, share) for finding in entry.findings if (share := _used(finding, entry)) is not None]
    return max(told, key=lambda one: (one[0].status.severity, one[1]), default=None)


def _used(finding: Finding, entry: Entry) -> float | None:
    """The share of its limit that a figure uses: 1 is all of it. Of an accuracy's floor it is the share of errors."""
    value, limit = finding.value, finding.limit
    if finding.gate not in LIMITED or finding.status is Status.MEASURED or value is None or limit is None:
        return None
    known = value_of(entry, str(finding.metric)) or METRICS.get(str(finding.metric))
    if finding.gate == "budget" and known is not None and known.better == "higher":
        value, limit = (1.0 - value, 1.0 - limit) if known.unit == "1" else (limit, value)
    if limit > 0.0:
        return max(0.0, value / limit)
    return 0.0 if value <= 0.0 else inf


def _shows_loss(entries: Sequence[Entry]) -> bool:
    """Whether any accuracy has the points below it that it lost against float32."""
    plain = [entry for entry in entries if not any(one.metric == ACCURACY for one in changes([entry]))]
    return any(_detail(shown) for entry in plain if (shown := number(entry, ACCURACY)))
