"""What all charts share: size, colours (the page's style sheet knows them by value), axes, units."""

from typing import Any

from harness.records.metrics import Unit

Spec = dict[str, Any]

WIDTH = 400
PALETTE = ("#2f6fd0", "#c4581b", "#17866c", "#8f4fb0", "#a97b12", "#c23a62", "#4c7f1f", "#566573")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
INK, MUTED, GRID = "#1d2329", "#5a6570", "#dde2e7"

_AXIS = {
    "domainColor": MUTED,
    "tickColor": MUTED,
    "gridColor": GRID,
    "labelColor": MUTED,
    "titleColor": INK,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "labelOverlap": True,
}
CONFIG = {
    "background": None,
    "padding": 4,
    "axis": _AXIS,
    "view": {"stroke": None},
    "header": {"labelColor": INK, "labelFontSize": 12, "labelPadding": 2, "labelLimit": WIDTH},
    "legend": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": WIDTH},
}
_PREFIXES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
}


def palette(index: int) -> str:
    """The colour of the so manieth recipe; colours repeat after eight."""
    return PALETTE[index % len(PALETTE)]


def axis_unit(largest: float, unit: Unit) -> tuple[float, str]:
    """The factor and the name of the prefixed unit in which ``largest`` is at least one."""
    prefixes = _PREFIXES[unit]
    return next((pair for pair in prefixes if largest >= pair[0]), prefixes[-1])
