"""summary.md, fit for a comment on a pull request: the verdict, what changed, and the rest folded."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.results import Entry, Results
from harness.report.markdown_head import against_baseline, to_read, verdict
from harness.report.markdown_text import escaped, fitted, kept_together, named, row, stacked, titled
from harness.report.numbers import Number, number
from harness.report.stages import stage_lines, staged
from harness.report.words import STATUS_WORDS, not_compared

MARKER = "<!-- edge-harness -->"
"""The first line, by which a pipeline finds its own comment again."""
LONGEST_COMMENT = 65_536
"""GitHub takes no comment that has more characters."""
COLUMNS = {
    "latency_p50": "latency p50",
    "latency_p90": "latency p90",
    "peak_memory": "peak memory",
    "model_size": "size",
    "accuracy": "accuracy",
    "energy_per_inference": "energy",
}
_HEAD_ROOM = 40_000
_TAIL_ROOM = 8_000
_CUT_ROOM = 200


@dataclass(frozen=True)
class _Folded:
    """A part that opens on a click."""

    title: str
    lines: list[str]
    unfolded: bool = False

    def within(self, room: int) -> list[str]:
        """The part in at most ``room`` characters, cut at a line where it must be; nothing without room."""
        opened = ["", f"<details{' open' if self.unfolded else ''}>", f"<summary>{self.title}</summary>", ""]
        closed = ["", "</details>"]
        room -= sum(len(line) + 1 for line in (*opened, *closed))
        kept = _cut(self.lines, room)
        return [*opened, *kept, *closed] if kept else []


def summary(results: Results) -> str:
    """The run as Markdown of fewer than LONGEST_COMMENT characters; what boards, models and people named is escaped."""
    head = [MARKER, *verdict(results), *to_read(results), *against_baseline(results)]
    tail = _cut([*_selftests(results), "", _origin(results)], _TAIL_ROOM)
    lines = _cut(head, _HEAD_ROOM)
    for part in _folded(results, alone=not any(line.startswith(("- ", "| ")) for line in head)):
        lines += part.within(LONGEST_COMMENT - 1 - _taken(lines) - _taken(tail))
    return "\n".join([*lines, *tail]) + "\n"


def _cut(lines: Sequence[str], room: int) -> list[str]:
    """The lines, or as many as ``room`` takes with a pointer to where the others stand."""
    if _taken(lines) <= room:
        return list(lines)
    kept = fitted(lines, room - _CUT_ROOM)
    if not kept:
        return []
    return [*kept, "", f"Cut here: {len(lines) - len(kept)} more lines. All of it is in the run's report.html."]


def _taken(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _folded(results: Results, *, alone: bool) -> list[_Folded]:
    """The parts that have something to tell; where nothing stands above them, the first is unfolded."""
    parts = (
        _Folded(f"All entries ({len(results.entries)})", _table(results), unfolded=alone),
        _Folded("Stages", _stages(results)),
        _Folded("What each step gained", _gains(results)),
        _Folded("Findings", _findings(results)),
        _Folded("Outputs not compared", [f"- {escaped(sentence)}" for sentence in not_compared(results)]),
        _Folded("Notes", [f"- {escaped(note)}" for note in results.run.notes]),
    )
    return [part for part in parts if part.lines]


def _table(results: Results) -> list[str]:
    if not results.entries:
        return []
    known = {measured.metric for entry in results.entries for measured in entry.measurements}
    metrics = [metric for metric in COLUMNS if metric in known]
    head = ["device, candidate", "status", *(COLUMNS[metric] for metric in metrics)]
    rule = ["---", "---", *["---:"] * len(metrics)]
    rows = (
        [
            titled(entry, results.devices),
            STATUS_WORDS[entry.status],
            *(_number(entry, metric) for metric in metrics),
        ]
        for entry in results.entries
    )
    return [row(cells) for cells in (head, rule, *rows)]


def _number(entry: Entry, metric: str) -> str:
    shown = number(entry, metric)
    if shown is None:
        return ""
    details = (shown.interval, shown.trials) if metric != "model_size" else ()
    return stacked(*map(kept_together, (shown.value, *details)), _against_float32(shown))


def _against_float32(shown: Number) -> str:
    return f"{kept_together(shown.change)} against float32" if shown.change else ""


def _stages(results: Results) -> list[str]:
    return [f"- {named(entry, results.devices)}: {_stage_texts(entry)}" for entry in results.entries if staged(entry)]


def _stage_texts(entry: Entry) -> str:
    return ", ".join(
        escaped(f"{line.title} {line.value}{f' ({line.interval})' if line.interval else ''}")
        for line in stage_lines(entry)
    )


def _gains(results: Results) -> list[str]:
    return [
        f"- {named(entry, results.devices)}: {escaped(comparison.sentence)}"
        for entry in results.entries
        for comparison in entry.comparisons
    ]


def _findings(results: Results) -> list[str]:
    return [
        f"- {STATUS_WORDS[finding.status]}: {named(entry, results.devices)}: {escaped(finding.gate)}"
        f"{' on ' + escaped(finding.metric) if finding.metric else ''}: {escaped(finding.reason)}"
        for entry in results.entries
        for finding in entry.findings
    ]


def _selftests(results: Results) -> list[str]:
    said = [record.selftests.sentence for record in results.devices.values() if record.selftests is not None]
    return ["", *(f"- {escaped(line)}" for line in said)] if said else []


def _origin(results: Results) -> str:
    run = results.run
    commit = f", commit {escaped(run.commit)}" if run.commit else ""
    return f"Run {escaped(run.id)} of {escaped(run.created_at)}, edge-harness {escaped(run.harness_version)}{commit}."
