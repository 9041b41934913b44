"""The main numbers side by side, a table per device."""

from typing import Any

from harness.records.results import Entry, Results
from harness.report.figures import GroupFigures
from harness.report.numbers import Number, number
from harness.report.sections.section import Section

COLUMNS = {
    "latency_p50": "p50",
    "latency_p90": "p90",
    "peak_memory": "peak memory",
    "model_size": "size",
    "accuracy": "accuracy",
    "energy_per_inference": "energy",
}


def _context(results: Results, _: list[GroupFigures]) -> dict[str, Any]:
    names = dict.fromkeys([*results.devices, *(entry.device for entry in results.entries)])
    return {
        "columns": list(COLUMNS.values()),
        "devices": results.devices,
        "tables": [(name, _rows(results, name)) for name in names],
    }


def _rows(results: Results, device: str) -> list[tuple[Entry, list[tuple[str, Number | None]]]]:
    return [
        (entry, [(title, number(entry, metric)) for metric, title in COLUMNS.items()])
        for entry in results.entries
        if entry.device == device
    ]


COMPARISON = Section("comparison", "Comparison", _context)
