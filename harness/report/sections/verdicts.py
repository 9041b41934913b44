"""What became of every entry, worst first, with the sentence that says why."""

from typing import Any

from harness.records.results import Results
from harness.report.figures import GroupFigures
from harness.report.sections.section import Section
from harness.report.words import GOOD, to_explain


def _context(results: Results, _: list[GroupFigures]) -> dict[str, Any]:
    return {
        "devices": results.devices,
        "explained": to_explain(results),
        "good": [entry for entry in results.entries if entry.status in GOOD],
    }


VERDICTS = Section("verdicts", "Verdicts", _context)
