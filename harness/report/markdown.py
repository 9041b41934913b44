"""summary.md: the verdict first, then the numbers, then stages, what steps gained, every finding."""

import re

from harness.records.results import Entry, Results
from harness.report.numbers import Number, number
from harness.report.stages import stage_lines, staged
from harness.report.words import (
    STATUS_WORDS,
    device_title,
    entry_name,
    exit_meaning,
    tally,
    to_explain,
    visible,
)

COLUMNS = {
    "latency_p50": "latency p50",
    "latency_p90": "latency p90",
    "peak_memory": "peak memory",
    "model_size": "size",
    "accuracy": "accuracy",
    "energy_per_inference": "energy",
}
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#!&])")
_LINK = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=www)\.|@(?=\w)")


def summary(results: Results) -> str:
    """The run as Markdown; what boards, models and people named is escaped."""
    parts = [_verdict(results), _table(results), _stages(results), _gains(results), _findings(results), _notes(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no link."""
    return _LINK.sub(r"\\\g<0>", _SPECIAL.sub(r"\\\1", visible(text)))


def _verdict(results: Results) -> str:
    run = results.run
    lines = [f"# {tally(results).capitalize()}", f"{exit_meaning(results).capitalize()}."]
    explained = [
        f"- **{STATUS_WORDS[entry.status]}**: {_name(results, entry)}: {escaped(entry.reason)}"
        for entry in to_explain(results)
    ]
    origin = f"Run {escaped(run.id)} of {escaped(run.created_at)}, edge-harness {escaped(run.harness_version)}"
    commit = f", commit {escaped(run.commit)}" if run.commit else ""
    return "\n\n".join([*lines, "\n".join(explained), f"{origin}{commit}."]).replace("\n\n\n\n", "\n\n")


def _table(results: Results) -> str:
    if not results.entries:
        return ""
    head = ["device", "candidate", "status", *COLUMNS.values()]
    rule = ["---", "---", "---", *["---:"] * len(COLUMNS)]
    return "\n".join(_row(cells) for cells in (head, rule, *(_cells(results, entry) for entry in results.entries)))


def _cells(results: Results, entry: Entry) -> list[str]:
    device = escaped(device_title(entry.device, results.devices))
    numbers = [_number(entry, metric) for metric in COLUMNS]
    return [device, escaped(entry_name(entry)), STATUS_WORDS[entry.status], *numbers]


def _number(entry: Entry, metric: str) -> str:
    shown = number(entry, metric)
    if shown is None:
        return ""
    detail = ", ".join(part for part in (shown.interval, shown.trials, _against_float32(shown)) if part)
    return escaped(f"{shown.value} ({detail})" if detail and metric != "model_size" else shown.value)


def _against_float32(shown: Number) -> str:
    return f"{shown.change} against float32" if shown.change else ""


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _stages(results: Results) -> str:
    lines = [f"- {_name(results, entry)}: {_stage_texts(entry)}" for entry in results.entries if staged(entry)]
    return "\n".join(["## Stages", "", *lines]) if lines else ""


def _stage_texts(entry: Entry) -> str:
    return ", ".join(
        escaped(f"{line.title} {line.value}{f' ({line.interval})' if line.interval else ''}")
        for line in stage_lines(entry)
    )


def _gains(results: Results) -> str:
    lines = [
        f"- {_name(results, entry)}: {escaped(comparison.sentence)}"
        for entry in results.entries
        for comparison in entry.comparisons
    ]
    return "\n".join(["## What each step gained", "", *lines]) if lines else ""


def _findings(results: Results) -> str:
    lines = [
        f"- {STATUS_WORDS[finding.status]}: {_name(results, entry)}: {escaped(finding.gate)}"
        f"{' on ' + escaped(finding.metric) if finding.metric else ''}: {escaped(finding.reason)}"
        for entry in results.entries
        for finding in entry.findings
    ]
    return "\n".join(["## Findings", "", *lines]) if lines else ""


def _notes(results: Results) -> str:
    lines = [f"- {escaped(note)}" for note in results.run.notes]
    return "\n".join(["## Notes", "", *lines]) if lines else ""


def _name(results: Results, entry: Entry) -> str:
    return f"{escaped(device_title(entry.device, results.devices))}, {escaped(entry_name(entry))}"
