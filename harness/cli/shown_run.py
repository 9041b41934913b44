"""What a command that measures says at its end."""

import sys

from harness.records.results import Results
from harness.store import RunFolder


def show_run(results: Results, folder: RunFolder, *, as_json: bool) -> None:
    """The table and where the report lies; as JSON the whole of results.json on stdout, the prose on stderr."""
    from harness.report import table

    prose = sys.stderr if as_json else sys.stdout
    prose.write(f"{table(results)}\nreport: {folder.path / 'report.html'}\n")
    if as_json:
        sys.stdout.write((folder.path / "results.json").read_text(encoding="utf-8"))
