"""Every limit of every entry with its whole sentence: what was judged, how sure, and where the limit stands."""

from typing import Any

from harness.records.results import Results
from harness.report.charts.page_charts import GroupCharts
from harness.report.groups import MOST_SHOWN
from harness.report.labels import worst_first
from harness.report.sections import Section


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any] | None:
    judged = [entry for entry in worst_first(results.entries) if entry.findings]
    if not judged:
        return None
    return {
        "devices": results.devices,
        "entries": judged[:MOST_SHOWN],
        "left_out": len(judged) - MOST_SHOWN,
    }


FINDINGS = Section("findings", "Every limit in words", _context)
