"""The report's tools made ready while a remote board measures, when this host has nothing else to do."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from harness.records.results import Results
from harness.report.charts.chart_client import ChartClient
from harness.report.index import write_index
from harness.report.page import load_templates
from harness.report.render import render

_NEEDED = ("quantiphy", "rich.table", "rich.console")


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
            page = render(folder, self._client, results)
            write_index(folder.parent, {} if results is None else {folder.name: results})
            return page
        finally:
            if self._client is not None:
                self._client.close()
                self._client = None
