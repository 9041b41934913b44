"""A run folder's results.json -> its report.html, summary.md and github-action-benchmark.json, and the index.

Its tools may be made ready while a remote board measures, when this host has nothing else to do.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path

from harness.records.results import Results
from harness.report.action_benchmark import action_benchmark
from harness.report.charts.chart_client import ChartClient
from harness.report.charts.page_charts import draw_charts
from harness.report.index import write_index
from harness.report.page import PAGE_NAME, load_templates, page
from harness.report.summary import summary
from harness.store import load_results
from harness.store.disk import write_whole

SUMMARY_NAME = "summary.md"
ACTION_NAME = "github-action-benchmark.json"
_NEEDED = ("quantiphy", "rich.table", "rich.console")
"""What making a report imports when it is first used."""


def render(folder: Path, client: ChartClient | None = None, results: Results | None = None) -> Path:
    """Write report.html and what pipelines read beside the folder's results.json; gives the page's path.

    ``client`` is one that was started earlier and is warm by now; it stays open. ``results`` are those of the
    folder's file, where the caller has read it. Charts that cannot be drawn are left out, and the page says so.
    HarnessError when a file cannot be written.
    """
    if client is None:
        with ChartClient() as own:
            return render(folder, own, results)
    results = results or load_results(folder)
    write_whole(folder / SUMMARY_NAME, summary(results).encode())
    write_whole(folder / ACTION_NAME, action_benchmark(results).encode())
    load_templates()  # while the engine starts
    write_whole(folder / PAGE_NAME, page(results, draw_charts(results, client)).encode())
    return folder / PAGE_NAME


@dataclass
class ReportRenderer:
    """Renders a report with tools that may have been made ready long before; ``start`` is optional."""

    _client: ChartClient | None = None

    def start(self) -> None:
        """Start the drawing process and import what a page needs. Never while this host itself is measured."""
        self._client = ChartClient()
        for name in _NEEDED:
            importlib.import_module(name)
        load_templates()

    def render(self, folder: Path, results: Results | None = None) -> Path:
        """The report of a run folder, then the index over all runs beside it; ends the drawing process.

        ``results`` are those of the folder's file, where the caller has read it: a large one is read once.
        """
        try:
            written = render(folder, self._client, results)
            write_index(folder.parent, {} if results is None else {folder.name: results})
            return written
        finally:
            if self._client is not None:
                self._client.close()
                self._client = None
