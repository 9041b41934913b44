"""What did not hold: a line for each broken limit with its bullet chart, worst first, and what could not be judged."""

from dataclasses import dataclass
from typing import Any

from harness.records.entry import Entry
from harness.records.results import Results
from harness.records.status import Status
from harness.report.bullet import JudgedLimit, judged_limits
from harness.report.charts.page_charts import GroupCharts
from harness.report.groups import MOST_SHOWN
from harness.report.labels import entry_detail, failed_tests, to_explain, verdict_lines
from harness.report.sections import Section

MOST_SENTENCES = 4
"""Lines that have room for their sentence below them; of more, the sentences fold."""
ROOMY_LINES = 6
"""Lines that stand apart; more stand closely."""
MOST_LINES = 20
"""Lines that stand open; the others fold."""


@dataclass(frozen=True)
class Line:
    """One thing that did not hold: its sentence, and the limit it is about, where it is about one with a number."""

    status: Status
    entry: Entry
    detail: str
    sentence: str
    basis: str
    """What stands behind the sentence, quieter; may be empty."""
    limit: JudgedLimit | None = None


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any] | None:
    explained = [line for entry in to_explain(results) for line in _lines(entry, len(results.devices))]
    lines = sorted(explained, key=lambda line: -line.status.severity)
    tests = failed_tests(results)
    if not lines and not tests:
        return None
    return {
        "lines": lines[:MOST_LINES],
        "more": lines[MOST_LINES:MOST_SHOWN],
        "left_out": len(lines) - MOST_SHOWN,
        "told": len(lines) + len(tests) <= MOST_SENTENCES,
        "many": len(lines) + len(tests) > ROOMY_LINES,
        "failed_tests": tests,
        "many_devices": len(results.devices) > 1,
    }


def _lines(entry: Entry, devices: int) -> list[Line]:
    detail = entry_detail(entry, devices)
    broken = {(one.finding.status, one.finding.reason): one for one in judged_limits(entry) if one.broken}
    return [
        Line(one.status, entry, detail, one.reason, one.detail, broken.get((one.status, one.reason)))
        for one in verdict_lines(entry)
    ]


VERDICTS = Section("verdicts", "What did not hold", _context, folds=False)
