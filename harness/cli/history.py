"""``harness history``: finished runs are taken into the database, and a metric's way through them is shown."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records.errors import UsageError
from harness.records.history import Series, SeriesPoint, attempts
from harness.records.labels import label_tests
from harness.records.metrics import ESTIMATES, ESTIMATOR, METRICS
from harness.records.nearest import did_you_mean
from harness.records.status import Status, exit_code
from harness.records.text import visible
from harness.records.units import format_interval, format_quantity
from harness.session.make_settings import locate_history
from harness.store.history import import_runs, newest_points, open_history, with_changes

_LETTERS = 8
"""Of a commit or a fingerprint."""
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 60
"""Points of a sparkline, the newest."""


LINES = 20
"""Of each series in a terminal, the newest; pages and JSON have all points of the newest runs."""
RUNS = 200
"""The newest that are looked through where no other number was asked for."""
MOST_SERIES = 40
"""In a terminal, where nothing narrows them."""


_RUNS = {
    1: "run failed",
    2: "run interrupted",
    3: "run ended by an error of pytest",
    4: "run refused",
    10: "run not judged",
    11: "run incomplete",
}
"""A run by its exit code, where that is not what its figure's own status gives."""


@dataclass(frozen=True)
class HistoryQuery:
    """What is wanted of the history; None: everything."""

    device: str | None
    candidate: str | None
    branch: str | None
    metric: str
    runs: int | None = None
    """The newest so many; 0: all; None: RUNS, of which a terminal shows LINES."""


@dataclass(frozen=True)
class HistoryOutput:
    """How it is wanted: as JSON, as a page, else as text."""

    as_json: bool
    page: Path | None


def show_history(asked: HistoryQuery, shown: HistoryOutput, *, reports_dir: Path | None, database: str | None) -> None:
    """Print the series that were asked for, as text or JSON, or draw them into a page. Raises UsageError."""
    if asked.metric not in METRICS:
        hint = did_you_mean(asked.metric, METRICS, after=" ")
        raise UsageError(f"--metric {asked.metric} is no metric: {hint}known: {', '.join(METRICS)}")
    folder, address = locate_history(Path.cwd(), reports_dir=reports_dir, history=database)
    if not (folder.is_dir() or (address and ("://" in address or Path(address).exists()))):
        raise UsageError(f"there are no runs in {folder}: measure first, or give --reports-dir")
    opened = open_history(folder, address)
    history = opened.history
    for line in (*opened.said, *import_runs(history, folder)):
        sys.stderr.write(f"harness: {line}\n")
    newest = RUNS if asked.runs is None else asked.runs
    found = history.series(
        device=asked.device,
        candidate=asked.candidate,
        branch=asked.branch,
        metrics=[asked.metric],
        newest=newest or None,
    )
    _show([with_changes(series) for series in found], shown, shortened=asked.runs is None)
    if newest and len(history.run_ids()) > newest:
        sys.stderr.write(f"harness: of the newest {newest} runs; --runs=0 takes all\n")


def _show(found: Sequence[Series], shown: HistoryOutput, *, shortened: bool) -> None:
    if shown.page is not None:
        from harness.report.page import write_history_page

        write_history_page(found, shown.page)
        sys.stderr.write(f"harness: history drawn: {shown.page}\n")
    if shown.as_json:
        sys.stdout.write(json.dumps([series.model_dump(mode="json") for series in found], indent=2) + "\n")
    elif shown.page is None:
        sys.stdout.write(_text(found, shortened=shortened) if found else "no run measured what was asked for\n")


def _text(found: Sequence[Series], *, shortened: bool) -> str:
    """The series as text; ``shortened`` to what somebody reads, and then saying what is not shown."""
    if not shortened:
        return _series_text(found)
    told = _series_text([newest_points(series, LINES) for series in found[:MOST_SERIES]])
    longest = max(len(series.points) for series in found)
    if longest > LINES:
        told += f"\nthe newest {LINES} runs of each; --runs={longest} shows more\n"
    if len(found) > MOST_SERIES:
        told += f"\n{len(found) - MOST_SERIES} more series: name --device, --candidate or --branch, or give --runs\n"
    return told


def _series_text(found: Sequence[Series]) -> str:
    """A heading for each series, a line for each run, then what changed; 80 columns."""
    labels = label_tests(((series.device, series.subject), series.test) for series in found)
    told = (_lines(series, labels[(series.device, series.subject), series.test]) for series in found)
    return "\n".join(line for lines in told for line in ("", *map(visible, lines))).removeprefix("\n") + "\n"


def _lines(series: Series, label: str) -> Iterator[str]:
    fingerprint = (series.fingerprint or "unknown")[:_LETTERS]
    yield f"{series.device} [{fingerprint}]  {series.subject}  {METRICS[series.metric].title}"
    test = label + (f" (measurement {series.repeat})" if series.repeat > 1 else "")
    places = (f"branch {series.branch}" if series.branch else "branch not known", test and f"test {test}")
    yield f"  {', '.join(place for place in places if place)}"
    threads = None if series.num_threads is None else f"{series.num_threads} thread{'s'[: series.num_threads > 1]}"
    setting = ", ".join(part for part in (series.runtime, series.delegate, threads) if part)
    yield f"  {setting or 'with an unknown runtime'}  {_sparkline(series.points)}".rstrip()
    if series.estimator != ESTIMATOR:
        yield f"  each run's {ESTIMATES.get(series.estimator, 'figure by another estimator')}, as runs had it once"
    tried = attempts(series.points)
    for point in series.points:
        yield _line(point, series)
        yield from (f"    {words}" for words in [_of_run(point)] if words)
        same = tried.get(point.commit or "", [])
        if same and point is same[-1]:
            yield f"    {len(same)} attempts at {_commit(point)}: {', '.join(one.status for one in same)}"
    yield from (f"  {found.sentence}" for found in series.breaks)
    yield from (f"  {change.sentence}" for change in series.changes)


def _line(point: SeriesPoint, series: Series) -> str:
    value = "-" if point.value is None else format_quantity(point.value, series.unit)
    when, interval = point.created_at[:16], _interval(point, series)
    return f"  {when}  {point.run_id:6.6}  {_commit(point):9}  {value:>9}  {interval:17} {point.status}"


def _of_run(point: SeriesPoint) -> str:
    """What is to be known of the run of a figure: one that held may stand in a run that is not whole."""
    code = point.run_exit_code
    return "" if code is None or code == exit_code([Status(point.status)]) else _RUNS.get(code, "")


def _interval(point: SeriesPoint, series: Series) -> str:
    if point.ci_low is None or point.ci_high is None:
        return ""
    return format_interval(point.ci_low, point.ci_high, series.unit)


def _commit(point: SeriesPoint) -> str:
    """The commit's first letters, with "+" where files differed from it."""
    commit, _, changed = (point.commit or "-").partition("+")
    return f"{commit[:_LETTERS]}{'+' if changed else ''}"


def _sparkline(points: Sequence[SeriesPoint]) -> str:
    values = [point.value for point in points[-_WIDTH:] if point.value is not None]
    if len(values) < 2 or max(values) == min(values):
        return ""
    low, span = min(values), max(values) - min(values)
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in values)
