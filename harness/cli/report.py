"""``harness report``: a stored run's report again, byte for byte; and the page over all runs."""

import json
import sys
from pathlib import Path

from harness.cli.budget_files import stored_folder
from harness.records.errors import UsageError
from harness.report import render, write_index
from harness.session.make_settings import locate_history
from harness.store import load_results


def remake_report(named: str | None, *, reports_dir: Path | None, as_json: bool) -> None:
    """Write report.html and summary.md of a run folder (or of its results.json) and say where."""
    if named is None:
        raise UsageError("report: name a run folder, a run id or latest, or give --index")
    page = render(stored_folder(named, reports_dir))
    sys.stdout.write(json.dumps({"report": str(page)}) + "\n" if as_json else f"report: {page}\n")


def print_openmetrics(named: str | None, *, reports_dir: Path | None) -> None:
    """The figures of a run folder (or of its results.json) on stdout."""
    from harness.report.openmetrics import openmetrics

    if named is None:
        raise UsageError("report: --openmetrics needs a run folder, a run id or latest")
    sys.stdout.write(openmetrics(load_results(stored_folder(named, reports_dir))))


def remake_index(reports_dir: Path | None, *, as_json: bool) -> None:
    """Write index.html of the reports folder and say where; what is left out is said on stderr."""
    folder, _ = locate_history(Path.cwd(), reports_dir=reports_dir, history=None)
    if not folder.is_dir():
        raise UsageError(f"there are no runs in {folder}: measure first, or give --reports-dir")
    index = write_index(folder)
    for skipped in index.skipped:
        sys.stderr.write(f"harness: {skipped}\n")
    sys.stdout.write(json.dumps({"index": str(index.page)}) + "\n" if as_json else f"index: {index.page}\n")
