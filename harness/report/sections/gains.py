"""What each step of a recipe gained in latency, and where it gained nothing."""

from typing import Any

from harness.records.results import Results
from harness.records.units import format_quantity
from harness.report.figures import GroupFigures
from harness.report.sections.section import Section


def _context(results: Results, figures: list[GroupFigures]) -> dict[str, Any] | None:
    groups = []
    for group in (drawn.group for drawn in figures):
        told = [(variant.name, variant.entry.comparisons) for variant in group.variants if variant.entry.comparisons]
        if told:
            groups.append({"candidate": group.candidate, "device": group.device, "told": told})
    levels = {c.confidence for entry in results.entries for c in entry.comparisons if c.confidence is not None}
    confidence = " and ".join(format_quantity(level, "1") for level in sorted(levels))
    return {"devices": results.devices, "groups": groups, "confidence": confidence} if groups else None


GAINS = Section("gains", "What each step gained", _context)
