"""What a command that measures says at its end."""

import sys

from harness.records.results import Results
from harness.records.text import escaped_json
from harness.store import RunFolder
from harness.store.results_file import results_text


def show_run(results: Results, folder: RunFolder, *, as_json: bool) -> None:
    """The table and where the report lies; as JSON the whole of results.json on stdout, the prose on stderr."""
    from harness.report import table

    prose = sys.stderr if as_json else sys.stdout
    prose.write(f"{table(results)}\nreport: {folder.path / 'report.html'}\n")
    if as_json:
        sys.stdout.write(escaped_json(results_text(results)))
