"""The table at the end of a run, for a terminal of so many columns."""

import io
import textwrap
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from harness.records.metrics import METRICS, main_metrics
from harness.records.results import Entry, Measurement, Results
from harness.records.text import visible
from harness.report.baseline_changes import changes
from harness.report.labels import (
    STATUS_WORDS,
    device_title,
    entry_name,
    exit_meaning,
    failed_tests,
    tally,
    to_explain,
    uncompared_outputs,
    verdict_lines,
    waived_limits,
    worst_first,
)
from harness.report.numbers import Number, has_stages, number, stage_lines

if TYPE_CHECKING:
    from rich.table import Table

MOST_CHANGES = 20
"""Lines of what changed against a baseline; the losses are the first, and the report has all."""
MOST_ROWS = 100
"""Of a device: nobody reads a thousand rows in a terminal."""
_LEAST_CONFIDENCE = 0.9
WIDE = 96
"""From so many columns on, p90 has room too."""


def table(results: Results, width: int = 80) -> str:
    """What is waived, a block a device, what changed, what did not hold, the exit code, what verdicts promise.

    Plain text without colour codes; no line is longer than ``width``.
    """
    waivers = "\n".join(_wrap(f"WAIVED: {sentence}", width) for sentence in waived_limits(results))
    by_device = groupby(sorted(results.entries, key=lambda entry: entry.device), key=lambda entry: entry.device)
    blocks = [_block(results, device, list(entries), width) for device, entries in by_device]
    read = [line for entry in to_explain(results) for line in _explain(results, entry, width)]
    read += [_wrap(f"{note.test}: {note.sentence}", width) for note in failed_tests(results)]
    read += [_wrap(sentence, width) for sentence in uncompared_outputs(results)]
    notes = [_wrap(f"note: {note}", width) for note in results.run.notes]
    closing = _wrap(f"{tally(results)}; {exit_meaning(results)}", width)
    promise = [_wrap(results.run.gate.sentence, width)] if results.run.gate else []
    records = [_wrap(d.selftests.sentence, width) for d in results.devices.values() if d.selftests]
    compared = "\n".join(_wrap(line, width) for line in _against_baseline(results))
    parts = [waivers, *blocks, compared, "\n".join(read), "\n".join([*notes, closing, *promise, *records])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(results: Results, device: str, entries: list[Entry], width: int) -> str:
    record = results.devices.get(device)
    model = record.facts.model if record and record.facts else None
    heading = device_title(device, results.devices) + (f": {model}" if model else "")
    shown = entries if len(entries) <= MOST_ROWS else worst_first(entries)[:MOST_ROWS]
    left = f"the {MOST_ROWS} of {len(entries)} entries that fared worst; all of them stand in the report"
    rest = [_wrap(left, width)] if len(shown) < len(entries) else []
    return "\n".join([_wrap(heading, width), _draw(_rows(shown, width), width), *rest, *_legend(shown, width)])


def _legend(entries: list[Entry], width: int) -> list[str]:
    """What the small second lines are; nothing where there is none."""
    levels = sorted({m.confidence for m in _of(entries, "latency_p50") if m.confidence is not None}, reverse=True)
    said = list(dict.fromkeys(f"below p50: {_interval_name(confidence)}" for confidence in levels))
    if any(shown.change for entry in entries if (shown := number(entry, "accuracy"))):
        said.append("below accuracy: points gained or lost against float32")
    if any(m.band is not None for m in _of(entries, "energy_per_inference")):
        said.append("below energy: the error band of its source")
    return [_wrap("; ".join(said), width)] if said else []


def _interval_name(confidence: float) -> str:
    """What an interval of a confidence is; two and three trials have their ends only."""
    if confidence < _LEAST_CONFIDENCE:
        return "the least and largest of so few trials"
    return f"its {confidence:.0%} interval over trials".replace("%", " %")


def _of(entries: list[Entry], metric: str) -> list[Measurement]:
    return [m for entry in entries for m in entry.measurements if m.metric == metric]


def _rows(entries: list[Entry], width: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    metrics = _metrics(entries, width)
    rows = Table(box=None, padding=(0, 1, 0, 1), pad_edge=False)
    rows.add_column("candidate", overflow="fold", ratio=1)
    rows.add_column("status", no_wrap=True)
    for metric in metrics:
        rows.add_column(METRICS[metric].short, justify="right", no_wrap=True)
    for entry in entries:
        cells = [_cell(entry, metric) for metric in metrics]
        below = [part for part in (entry.recipe, entry.test_label) if part]
        name = "\n  ".join(map(visible, [entry.candidate, *below]))
        rows.add_row(Text(name), STATUS_WORDS[entry.status], *map(Text, cells))
        for line in stage_lines(entry):
            rows.add_row(Text(f"  {line.title}"), "", *(line.value if m == "latency_p50" else "" for m in metrics))
    return rows


def _metrics(entries: list[Entry], width: int) -> list[str]:
    """Columns with at least one known number; percentiles only where there is room."""
    known = {m.metric for entry in entries for m in entry.measurements if m.value is not None}
    if any(map(has_stages, entries)):
        known.add("latency_p50")  # the column in which stages stand
    return [m.name for m in main_metrics() if m.name in known and (m.percentile is None or width >= WIDE)]


def _cell(entry: Entry, metric: str) -> str:
    shown = number(entry, metric)
    if shown is None:
        return ""
    detail = _small_interval(shown) if metric == "latency_p50" else shown.change or shown.band
    return f"{shown.value}\n{detail}" if detail else shown.value


def _small_interval(shown: Number) -> str:
    """Without the unit where both ends and the value above them share it."""
    unit = f" {shown.value.rpartition(' ')[2]}"
    return shown.interval.removesuffix(unit) if shown.interval.count(" ") == 1 else shown.interval


def _draw(rows: "Table", width: int) -> str:
    from rich.console import Console

    page = io.StringIO()
    Console(file=page, width=width, color_system=None, force_terminal=False).print(rows)
    return "\n".join(line.rstrip() for line in page.getvalue().rstrip().splitlines())


def _against_baseline(results: Results) -> Iterator[str]:
    """A line for each metric that changed beyond its interval, and for accuracy and size, losses first."""
    found = changes(results.entries)
    if not found:
        return
    compared = [one.entry.baseline for one in found if one.entry.baseline is not None]
    said = dict.fromkeys(base.sentence for base in compared)
    bases = list(dict.fromkeys(e.baseline.given for e in results.entries if e.baseline is not None))
    yield f"against {next(iter(said)) if len(said) == 1 else ', '.join(bases)}:"
    yield from dict.fromkeys(f"  {base.measured_by}" for base in compared if base.measured_by)
    told = [one for one in found if one.kind != "identical"]
    for one in told[:MOST_CHANGES]:
        where = f"{entry_name(one.entry)} on {device_title(one.entry.device, results.devices)}"
        yield f"  {one.title} {one.was} -> {one.now}, {one.amount}: {where}"
    if len(told) > MOST_CHANGES:
        yield f"  and {len(told) - MOST_CHANGES} more changes: see the report"
    alike = Counter(one.title for one in found if one.kind == "identical")
    if alike:
        yield f"  identical: {', '.join(f'{title} of {_count_entries(count)}' for title, count in alike.items())}"


def _count_entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _explain(results: Results, entry: Entry, width: int) -> list[str]:
    """Each limit that did not hold, and behind it what stands behind it."""
    where = f"{device_title(entry.device, results.devices)}, {entry_name(entry)}"
    told = [(f"{STATUS_WORDS[line.status]}: {where}: {line.reason}", line.detail) for line in verdict_lines(entry)]
    return [_wrap(text, width) for said, detail in told for text in (said, f"  {detail}" if detail else "") if text]


def _wrap(text: str, width: int) -> str:
    return textwrap.fill(visible(text), width, subsequent_indent="  ")
