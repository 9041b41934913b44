"""``harness report``: a stored run's report again, byte for byte."""

import json
import sys
from pathlib import Path

from harness.report import render


def remake_report(run_folder: Path, *, as_json: bool) -> None:
    """Write report.html and summary.md of a run folder (or of its results.json) and say where."""
    folder = run_folder.parent if run_folder.name == "results.json" else run_folder
    page = render(folder)
    sys.stdout.write(json.dumps({"report": str(page)}) + "\n" if as_json else f"report: {page}\n")
