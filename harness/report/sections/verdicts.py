"""What became of every entry, worst first, with the sentence that says why."""

from typing import Any

from harness.records.results import Results
from harness.report.charts.page_charts import GroupCharts
from harness.report.labels import failed_tests, sentences, to_explain
from harness.report.sections import Section


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any]:
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
