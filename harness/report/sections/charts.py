"""How the recipes of a candidate compare on a device, drawn."""

from collections import Counter
from itertools import groupby
from typing import Any

from harness.records.results import Results
from harness.report.figures import GroupFigures
from harness.report.sections.section import Section


def _context(results: Results, figures: list[GroupFigures]) -> dict[str, Any]:
    shown = [drawn for drawn in figures if drawn.of("charts") or drawn.group.unmeasured]
    candidates = groupby(shown, key=lambda drawn: drawn.group.candidate)
    missing = Counter(drawn.missing for drawn in figures if drawn.missing)
    return {
        "devices": results.devices,
        "candidates": [(candidate, [_panel(drawn) for drawn in same]) for candidate, same in candidates],
        "missing": [f"Of {count} of {len(figures)} candidates: {why}" for why, count in missing.items()],
    }


def _panel(drawn: GroupFigures) -> dict[str, Any]:
    return {
        "device": drawn.group.device,
        "unmeasured": drawn.group.unmeasured,
        "figures": drawn.of("charts"),
    }


CHARTS = Section("charts", "Charts", _context)
