"""The numbers side by side: for each device the main ones, then the others."""

from typing import Any

from harness.records.metrics import METRICS, STAGE_METRICS
from harness.records.results import Entry, Results
from harness.report.figures import GroupFigures
from harness.report.numbers import Number, number
from harness.report.sections.section import Section

MAIN = {
    "latency_p50": "p50",
    "latency_p90": "p90",
    "peak_memory": "peak memory",
    "model_size": "size",
    "accuracy": "accuracy",
    "energy_per_inference": "energy",
}
OTHERS = {name: metric.title for name, metric in METRICS.items() if name not in MAIN and name not in STAGE_METRICS}

Cells = list[tuple[str, Number | None]]


def _context(results: Results, _: list[GroupFigures]) -> dict[str, Any]:
    names = dict.fromkeys([*results.devices, *(entry.device for entry in results.entries)])
    return {"devices": results.devices, "blocks": [_block(results, name) for name in names]}


def _block(results: Results, device: str) -> dict[str, Any]:
    entries = [entry for entry in results.entries if entry.device == device]
    measured = [entry for entry in entries if entry.measurements]
    return {"device": device, "main": _table(entries, MAIN), "others": _table(measured, _known(measured))}


def _known(entries: list[Entry]) -> dict[str, str]:
    """The other metrics that some entry has."""
    names = {measurement.metric for entry in entries for measurement in entry.measurements}
    return {metric: title for metric, title in OTHERS.items() if metric in names}


def _table(entries: list[Entry], columns: dict[str, str]) -> dict[str, Any]:
    rows: list[tuple[Entry, Cells]] = [
        (entry, [(title, number(entry, metric)) for metric, title in columns.items()]) for entry in entries
    ]
    return {"columns": list(columns.values()), "rows": rows}


COMPARISON = Section("comparison", "Comparison", _context)
