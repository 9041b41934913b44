"""What else the run had to say, and which files lie beside the page."""

from typing import Any

from harness.records.results import Results
from harness.report.figures import GroupFigures
from harness.report.sections.section import Section


def _context(results: Results, _: list[GroupFigures]) -> dict[str, Any]:
    return {"notes": results.run.notes}


NOTES = Section("notes", "Notes", _context)
