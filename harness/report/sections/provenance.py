"""How each number was obtained: every measurement of every entry."""

from typing import Any

from harness.records.results import Entry, Results
from harness.records.units import format_quantity
from harness.report.figures import GroupFigures
from harness.report.numbers import number_of
from harness.report.sections.section import Section


def _context(results: Results, _: list[GroupFigures]) -> dict[str, Any]:
    measurements = [m for entry in results.entries for m in entry.measurements]
    return {
        "devices": results.devices,
        "methods": dict.fromkeys((number_of(m).title, m.obtained) for m in measurements if m.obtained),
        "entries": [_entry(entry) for entry in results.entries if entry.measurements or entry.artifact],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    artifact = entry.artifact
    size = f"{format_quantity(artifact.size_bytes, 'B')}, sha256 {artifact.sha256[:16]}…" if artifact else ""
    threads = "" if entry.num_threads is None else f"{entry.num_threads} thread{'s' if entry.num_threads > 1 else ''}"
    void = [trial.void for trial in entry.trials if trial.void]
    return {
        "entry": entry,
        "ran": ", ".join(part for part in (entry.runtime, entry.delegate, threads) if part),
        "artifact": size,
        "void": f"{len(void)} of {len(entry.trials)} trials void: {'; '.join(dict.fromkeys(void))}" if void else "",
        "numbers": [number_of(measurement) for measurement in entry.measurements],
    }


PROVENANCE = Section("provenance", "How each number was obtained", _context)
