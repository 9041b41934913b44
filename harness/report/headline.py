"""What stands under a page's verdict: which board, compared with what, how sure; each a name and its lines."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.entry import Entry
from harness.records.results import DeviceRecord, Results
from harness.records.units import format_quantity
from harness.report.labels import label_of

MOST_BOARDS = 3
"""Boards that are named with all that tells them apart; the others by name."""
MOST_CONCLUSIONS = 5
"""Groups whose conclusion stands open; those of the others fold."""


@dataclass(frozen=True)
class Board:
    """A device of the run: its name, its label, and what it is."""

    name: str
    label: str | None
    facts: tuple[str, ...]
    differences: tuple[str, ...]
    """Where it differs from its profile."""


def boards(results: Results) -> list[Board]:
    """Every device that the run names, in the order of the file."""
    names = dict.fromkeys([*results.devices, *(entry.device for entry in results.entries)])
    return [_board(results, name) for name in names]


def _board(results: Results, name: str) -> Board:
    record = results.devices.get(name)
    facts = (*_machine(record), *_runtimes([entry for entry in results.entries if entry.device == name]))
    differences = tuple(record.differences) if record else ()
    return Board(name, label_of(name, results.devices), facts or ("not reached",), differences)


def _machine(record: DeviceRecord | None) -> Iterator[str]:
    if record is None or record.facts is None:
        return
    facts = record.facts
    if facts.model:
        yield facts.model
    clock = f" at {facts.max_freq_khz / 1e6:.3g} GHz" if facts.max_freq_khz else ""
    yield f"{facts.cpu or facts.arch}, {facts.cpu_count} core{'' if facts.cpu_count == 1 else 's'}{clock}"
    if facts.governor:
        yield f"governor {facts.governor}"


def _runtimes(entries: list[Entry]) -> Iterator[str]:
    """Every combination of runtime, delegate and threads."""
    told = {(entry.runtime, entry.delegate, entry.num_threads) for entry in entries if entry.runtime}
    for runtime, delegate, threads in sorted(told, key=str):
        count = "" if threads is None else f"{threads} thread{'' if threads == 1 else 's'}"
        yield ", ".join(part for part in (runtime, delegate, count) if part)


def comparisons(results: Results) -> list[str]:
    """What the entries were compared with and how, each sentence once."""
    bases = [entry.baseline for entry in results.entries if entry.baseline and entry.baseline.ratios]
    told = [text for base in bases for text in (base.sentence, base.measured_by) if text]
    return list(dict.fromkeys(told))


def certainty(results: Results) -> list[str]:
    """What the verdicts promise, what boards' self-tests say, and what the intervals are."""
    told = [results.run.gate.sentence] if results.run.gate else []
    told += [record.selftests.sentence for record in results.devices.values() if record.selftests]
    return [*told, *_intervals(results)]


def _intervals(results: Results) -> Iterator[str]:
    found = [
        measurement
        for entry in results.entries
        for measurement in entry.measurements
        if measurement.metric == "latency_p50" and measurement.confidence is not None
    ]
    if found:
        levels = " and ".join(format_quantity(level, "1") for level in sorted({m.confidence or 0.0 for m in found}))
        least, most = min(m.n for m in found), max(m.n for m in found)
        trials = f"{least}" if least == most else f"{least} to {most}"
        yield f"intervals at {levels} over {trials} trial{'' if most == 1 else 's'} each"
