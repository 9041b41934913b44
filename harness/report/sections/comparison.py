"""How recipes compare on a device: the numbers side by side, what each step gained, the charts."""

from collections import Counter
from itertools import groupby
from typing import Any

from harness.records.metrics import METRICS, main_metrics
from harness.records.results import Entry, Results
from harness.records.units import format_quantity
from harness.report.charts.page_charts import GroupCharts
from harness.report.numbers import Number, number
from harness.report.sections import Section

Cells = list[tuple[str, Number | None]]


def _numbers(results: Results, _: list[GroupCharts]) -> dict[str, Any]:
    names = dict.fromkeys([*results.devices, *(entry.device for entry in results.entries)])
    return {"devices": results.devices, "blocks": [_block(results, name) for name in names]}


def _block(results: Results, device: str) -> dict[str, Any]:
    entries = [entry for entry in results.entries if entry.device == device]
    measured = [entry for entry in entries if entry.measurements]
    return {"device": device, "main": _table(entries, _main()), "others": _table(measured, _other_metrics(measured))}


def _main() -> dict[str, str]:
    return {metric.name: metric.short for metric in main_metrics()}


def _other_metrics(entries: list[Entry]) -> dict[str, str]:
    """The other metrics that some entry has; stages stand in a section of their own."""
    names = {measurement.metric for entry in entries for measurement in entry.measurements}
    others = (metric for metric in METRICS.values() if not metric.short and metric.kind != "stages")
    return {metric.name: metric.title for metric in others if metric.name in names}


def _table(entries: list[Entry], columns: dict[str, str]) -> dict[str, Any]:
    rows: list[tuple[Entry, Cells]] = [
        (entry, [(title, number(entry, metric)) for metric, title in columns.items()]) for entry in entries
    ]
    return {"columns": list(columns.values()), "rows": rows}


COMPARISON = Section("comparison", "Comparison", _numbers)


def _gains(results: Results, figures: list[GroupCharts]) -> dict[str, Any] | None:
    groups = []
    for group in (drawn.group for drawn in figures):
        told = [(variant.name, variant.entry.comparisons) for variant in group.variants if variant.entry.comparisons]
        if told:
            groups.append({"candidate": group.candidate, "device": group.device, "told": told})
    levels = {c.confidence for entry in results.entries for c in entry.comparisons if c.confidence is not None}
    confidence = " and ".join(format_quantity(level, "1") for level in sorted(levels))
    return {"devices": results.devices, "groups": groups, "confidence": confidence} if groups else None


GAINS = Section("gains", "What each step gained", _gains)


def _charts(results: Results, figures: list[GroupCharts]) -> dict[str, Any]:
    shown = [drawn for drawn in figures if drawn.of("charts") or drawn.group.unmeasured]
    candidates = groupby(shown, key=lambda drawn: drawn.group.candidate)
    missing = Counter(drawn.missing for drawn in figures if drawn.missing)
    return {
        "devices": results.devices,
        "candidates": [(candidate, [_panel(drawn) for drawn in same]) for candidate, same in candidates],
        "missing": [f"Of {count} of {len(figures)} candidates: {why}" for why, count in missing.items()],
    }


def _panel(drawn: GroupCharts) -> dict[str, Any]:
    return {
        "device": drawn.group.device,
        "unmeasured": drawn.group.unmeasured,
        "calm": drawn.calm,
        "figures": drawn.of("charts"),
    }


CHARTS = Section("charts", "Charts", _charts)
