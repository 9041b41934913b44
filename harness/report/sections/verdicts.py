"""What became of every entry, worst first, with the sentence that says why."""

from typing import Any

from harness.records.results import Results
from harness.report.figures import GroupFigures
from harness.report.sections.section import Section
from harness.report.words import GOOD, sentences, to_explain


def _context(results: Results, _: list[GroupFigures]) -> dict[str, Any]:
    return {
        "devices": results.devices,
        "explained": [
            {
                "entry": entry,
                "sentences": read,
                "others": [f for f in entry.findings if (f.status, f.reason) not in read],
            }
            for entry in to_explain(results)
            if (read := sentences(entry))
        ],
        "good": [entry for entry in results.entries if entry.status in GOOD],
    }


VERDICTS = Section("verdicts", "Verdicts", _context)
