"""What became of every entry, worst first, with the sentence that says why."""

from typing import Any

from harness.records.results import Results
from harness.report.figures import GroupFigures
from harness.report.sections.section import Section
from harness.report.words import failed_tests, sentences, to_explain


def _context(results: Results, _: list[GroupFigures]) -> dict[str, Any]:
    explained = to_explain(results)
    told = {id(entry) for entry in explained}
    return {
        "devices": results.devices,
        "explained": [
            {
                "entry": entry,
                "sentences": read,
                "others": [f for f in entry.findings if (f.status, f.reason) not in read],
            }
            for entry in explained
            if (read := sentences(entry))
        ],
        "failed_tests": failed_tests(results),
        "others": [entry for entry in results.entries if id(entry) not in told],
    }


VERDICTS = Section("verdicts", "Verdicts", _context)
