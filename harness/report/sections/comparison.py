"""How recipes compare on a device: the numbers side by side, what each step gained, the charts."""

from collections import Counter
from itertools import groupby
from typing import Any

from harness.records.metrics import METRICS
from harness.records.results import Entry, Results
from harness.records.units import format_quantity
from harness.report.charts.page_charts import GroupCharts
from harness.report.groups import MOST_SHOWN
from harness.report.labels import worst_first
from harness.report.numbers import Number, number
from harness.report.sections import Section

MOST_OPEN = 4
"""Candidates on a board whose charts are seen at once; of more, they fold."""

Cells = list[tuple[str, Number | None]]


def _numbers(results: Results, _: list[GroupCharts]) -> dict[str, Any] | None:
    measured = [entry for entry in worst_first(results.entries) if entry.measurements]
    names = dict.fromkeys(entry.device for entry in measured[:MOST_SHOWN])
    tables = [_table(name, [entry for entry in measured[:MOST_SHOWN] if entry.device == name]) for name in names]
    if not measured:
        return None
    return {"devices": results.devices, "tables": tables, "left_out": len(measured) - MOST_SHOWN}


def _table(device: str, entries: list[Entry]) -> dict[str, Any]:
    columns = _columns(entries)
    rows: list[tuple[Entry, Cells]] = [
        (entry, [(title, number(entry, metric)) for metric, title in columns.items()]) for entry in entries
    ]
    return {"device": device, "columns": list(columns.values()), "rows": rows}


def _columns(entries: list[Entry]) -> dict[str, str]:
    """Every metric that some entry has; stages stand in a section of their own."""
    names = {measurement.metric for entry in entries for measurement in entry.measurements}
    return {
        metric.name: metric.short or metric.title
        for metric in METRICS.values()
        if metric.kind != "stages" and metric.name in names
    }


COMPARISON = Section("comparison", "Every figure", _numbers)


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
        "opened": len(shown) <= MOST_OPEN,
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
