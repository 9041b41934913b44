"""How recipes compare on a device: the numbers side by side, what each step gained, the charts."""

from collections import Counter
from typing import Any

from harness.records.entry import Entry
from harness.records.metrics import METRICS
from harness.records.results import Results
from harness.records.units import format_quantity
from harness.report.charts.page_charts import GroupCharts
from harness.report.charts.sparkline import Sparkline, sparkline
from harness.report.groups import MOST_SHOWN
from harness.report.labels import GOOD, worst_first
from harness.report.numbers import Number, number
from harness.report.sections import Section

MOST_FIGURES = 1_000
"""Of entries that have many figures each fewer are shown, so that the page stays small."""
Cells = list[tuple[str, Number | None]]


def _numbers(results: Results, _: list[GroupCharts]) -> dict[str, Any] | None:
    measured = [entry for entry in worst_first(results.entries) if entry.measurements]
    if not measured:
        return None
    shown = measured[: min(MOST_SHOWN, max(1, MOST_FIGURES // max(1, len(_columns(measured)))))]
    ways = _ways(results)
    names = dict.fromkeys(entry.device for entry in shown)
    tables = [_table(name, [entry for entry in shown if entry.device == name], ways) for name in names]
    return {"devices": results.devices, "tables": tables, "left_out": len(measured) - len(shown)}


def _ways(results: Results) -> dict[tuple[str | None, ...], Sparkline]:
    """Each entry's median latency through earlier runs of this run's branch, by device, candidate, recipe and test."""
    own = [one for one in results.history if one.metric == "latency_p50" and one.branch == results.run.branch]
    drawn = [(one, sparkline([point.value for point in one.points], one.unit)) for one in own]
    return {(one.device, one.candidate, one.recipe, one.test): way for one, way in drawn if way is not None}


def _table(device: str, entries: list[Entry], ways: dict[tuple[str | None, ...], Sparkline]) -> dict[str, Any]:
    columns = _columns(entries)
    rows: list[tuple[Entry, Cells, Sparkline | None]] = [
        (
            entry,
            [(title, number(entry, metric)) for metric, title in columns.items()],
            ways.get((entry.device, entry.candidate, entry.recipe, entry.test)),
        )
        for entry in entries
    ]
    told = any(way is not None for _, _, way in rows)
    return {"device": device, "columns": list(columns.values()), "rows": rows, "ways": told}


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
    missing = Counter(drawn.missing for drawn in figures if drawn.missing)
    first = next((drawn for drawn in shown if _is_broken(drawn)), shown[0] if shown else None)
    return {
        "devices": results.devices,
        "opened": True,
        "panels": [_panel(drawn, opened=drawn is first) for drawn in shown],
        "missing": [f"Of {count} of {len(figures)} candidates: {why}" for why, count in missing.items()],
    }


def _is_broken(drawn: GroupCharts) -> bool:
    return bool(drawn.figures) and any(variant.entry.status not in GOOD for variant in drawn.group.variants)


def _panel(drawn: GroupCharts, *, opened: bool) -> dict[str, Any]:
    return {
        "candidate": drawn.group.candidate,
        "device": drawn.group.device,
        "opened": opened,
        "unmeasured": drawn.group.unmeasured,
        "calm": drawn.calm,
        "figures": drawn.of("charts"),
    }


CHARTS = Section("charts", "Charts", _charts)
