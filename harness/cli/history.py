"""``harness history``: finished runs are taken into the database, and a metric's way through them is shown."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.records.errors import UsageError
from harness.records.metrics import METRICS
from harness.records.nearest import nearest
from harness.records.units import format_quantity
from harness.store import load_results
from harness.store.history import History, Series, SeriesPoint

_DATABASE = "history.db"
_FINGERPRINT_LETTERS = 8


@dataclass(frozen=True)
class Asked:
    """What is wanted of the history; None: everything."""

    device: str | None
    candidate: str | None
    metric: str


def show_history(asked: Asked, *, reports_dir: Path, database: str | None, as_json: bool) -> None:
    """Print the series that were asked for, as text or JSON. Raises UsageError."""
    if asked.metric not in METRICS:
        close = nearest(asked.metric, METRICS)
        hint = f"did you mean {close}? " if close else ""
        raise UsageError(f"--metric {asked.metric} is no metric: {hint}known: {', '.join(METRICS)}")
    if not (reports_dir.is_dir() or database):
        raise UsageError(f"there are no runs in {reports_dir}: measure first, or give --reports-dir")
    history = History.open(database or str(reports_dir / _DATABASE))
    _take_in(history, reports_dir)
    found = history.series(device=asked.device, candidate=asked.candidate, metric=asked.metric)
    if as_json:
        sys.stdout.write(json.dumps([asdict(series) for series in found], indent=2) + "\n")
    else:
        sys.stdout.write(_told(found) if found else "no run measured what was asked for\n")


def _take_in(history: History, reports_dir: Path) -> None:
    """Append every finished run that the history does not hold yet, oldest first."""
    known = history.run_ids()
    for file in sorted(reports_dir.glob("*-*/results.json")):
        if file.parent.name.partition("-")[2] not in known and not file.parent.is_symlink():
            history.append(load_results(file))


def _told(found: Sequence[Series]) -> str:
    """A heading for each series, then a line for each run; 80 columns."""
    lines = []
    for series in found:
        subject = f"{series.candidate}/{series.recipe}" if series.recipe else series.candidate
        fingerprint = (series.fingerprint or "unknown")[:_FINGERPRINT_LETTERS]
        lines += ["", f"{series.device} [{fingerprint}]  {subject}  {METRICS[series.metric].title}"]
        lines += [_line(point, series) for point in series.points]
    return "\n".join(lines[1:]) + "\n"


def _line(point: SeriesPoint, series: Series) -> str:
    unit = METRICS[series.metric].unit
    value = "-" if point.value is None else format_quantity(point.value, unit)
    interval = ""
    if point.ci_low is not None and point.ci_high is not None:
        interval = f"({format_quantity(point.ci_low, unit)} to {format_quantity(point.ci_high, unit)})"
    commit = (point.commit or "-")[:_FINGERPRINT_LETTERS]
    return f"  {point.created_at[:16]}  {point.run_id:6.6}  {commit:8}  {value:>10}  {interval:24} {point.status}"
