"""What was asked for, and where the time went."""

from typing import Any

from harness.records.results import Results
from harness.records.units import format_quantity
from harness.report.figures import GroupFigures
from harness.report.sections.section import Section


def _context(results: Results, _: list[GroupFigures]) -> dict[str, Any]:
    run = results.run
    return {
        "command": run.command,
        "settings": [(name, _value(value)) for name, value in run.settings.items()],
        "seconds": [(name, format_quantity(value, "s")) for name, value in run.seconds.items()],
    }


def _value(value: str | float | list[str] | None) -> str:
    if value is None:
        return "default"
    return ", ".join(value) if isinstance(value, list) else str(value)


SETTINGS = Section("settings", "Settings", _context)
