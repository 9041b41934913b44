"""How this run's metrics went in the runs before it, and where they went to another level."""

from typing import Any

from harness.records.history import Series
from harness.records.results import Results
from harness.records.units import format_quantity
from harness.report.charts.history import Panel, panels
from harness.report.charts.page_charts import GroupCharts
from harness.report.charts.sparkline import sparkline
from harness.report.sections import Section

MOST_ROWS = 200
"""So that a page of many entries stays small."""


def _context(results: Results, figures: list[GroupCharts]) -> dict[str, Any] | None:
    if not results.history:
        return None
    drawn = {(one.group.candidate, one.group.device): one.of("history") for one in figures}
    shown = _most_telling(results)
    groups: dict[tuple[str, str], list[Panel]] = {}
    for panel in panels(shown):
        groups.setdefault((panel.candidate, panel.device), []).append(panel)
    changed = [change.sentence for one in results.history for change in one.changes]
    broken = [*dict.fromkeys(found.sentence for one in results.history for found in one.breaks)]
    return {
        "devices": results.devices,
        "hint": f"{len(changed)} change{'' if len(changed) == 1 else 's'} of level" if changed else "",
        "sentences": [*broken, *changed][:MOST_ROWS],
        "left_out": _left_out(len(results.history), len(shown)),
        "groups": [
            {
                "candidate": candidate,
                "device": device,
                "rows": [row for panel in found for row in _rows(panel)],
                "figures": drawn.get((candidate, device), []),
            }
            for (candidate, device), found in groups.items()
        ],
    }


def _most_telling(results: Results) -> list[Series]:
    """The series that a page has room for, in the order of the file: those that changed, then of the worst entries."""
    if len(results.history) <= MOST_ROWS:
        return results.history
    worst = {(one.device, one.candidate, one.recipe): -one.status.severity for one in reversed(results.entries)}
    ranked = sorted(
        results.history, key=lambda one: (not one.changes, worst.get((one.device, one.candidate, one.recipe), 0))
    )
    kept = set(map(id, ranked[:MOST_ROWS]))
    return [one for one in results.history if id(one) in kept]


def _left_out(known: int, shown: int) -> str:
    """How many series have no row, a sentence; empty for none."""
    if known == shown:
        return ""
    told = "those that changed, and of the entries that fared worst"
    return f"{shown} of {known} series: {told}; the others stand in results.json."


def _rows(panel: Panel) -> list[dict[str, Any]]:
    return [
        {
            "title": f"{panel.title}, {name}",
            "spark": sparkline([point.value for point in series.points], series.unit),
            "cells": [
                ("runs", str(len(series.points))),
                ("lowest", _format_extreme(series, min)),
                ("highest", _format_extreme(series, max)),
                ("before this run", _at(series, -2)),
                ("this run", _at(series, -1)),
            ],
        }
        for name, series in zip(panel.names, panel.series, strict=True)
    ]


def _format_extreme(series: Series, pick: Any) -> str:  # noqa: ANN401 - min or max, of which neither has a writable type
    values = [point.value for point in series.points if point.value is not None]
    return format_quantity(pick(values), series.unit) if values else "–"


def _at(series: Series, place: int) -> str:
    value = series.points[place].value if len(series.points) >= abs(place) else None
    return "–" if value is None else format_quantity(value, series.unit)


HISTORY = Section("history", "History", _context)
