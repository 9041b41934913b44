"""How the recipes of a candidate compare on a device, drawn."""

from itertools import groupby
from typing import Any

from harness.records.results import Results
from harness.report.figures import GroupFigures
from harness.report.sections.section import Section


def _context(results: Results, figures: list[GroupFigures]) -> dict[str, Any]:
    candidates = groupby(figures, key=lambda drawn: drawn.group.candidate)
    return {
        "devices": results.devices,
        "candidates": [(candidate, [_panel(drawn) for drawn in same]) for candidate, same in candidates],
    }


def _panel(drawn: GroupFigures) -> dict[str, Any]:
    return {
        "device": drawn.group.device,
        "unmeasured": drawn.group.unmeasured,
        "left_out": drawn.left_out,
        "figures": drawn.of("charts"),
    }


CHARTS = Section("charts", "Charts", _context)
