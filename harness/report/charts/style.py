"""What all charts share: size, colours (the page's style sheet knows them by value), axes, units."""

import math
from typing import Any

from harness.records.metrics import Unit

Spec = dict[str, Any]

WIDTH = 350
LABEL_LIMIT = 285
"""How wide a name may be in the renderer's font; a reader's may be a fifth wider, and WIDTH is all a phone has."""
LOG_FROM = 3.0
"""From such a ratio of the largest to the smallest on, an axis is logarithmic."""
WIDE_RATIO = 50.0
"""From such a ratio of an axis' ends on, a tick per decade is enough."""
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
    "background": "transparent",
    "padding": 4,
    "axis": _AXIS,
    "view": {"stroke": None},
    "header": {"labelColor": INK, "labelFontSize": 12, "labelPadding": 2, "labelLimit": LABEL_LIMIT},
    "legend": {
        "labelColor": INK,
        "titleColor": MUTED,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelLimit": LABEL_LIMIT,
    },
}
_PREFIXES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
}


def palette(index: int) -> str:
    """The colour of the so manieth recipe; colours repeat after eight."""
    return PALETTE[index % len(PALETTE)]


def quantitative(field: str, *, domain: tuple[float, float], log: bool, title: str, grid: bool = True) -> Spec:
    """The encoding of a number on an axis from one end of ``domain`` to the other."""
    low, high = domain
    scale = {"type": "log" if log else "linear", "domain": [low, high], "nice": False, "zero": False}
    ticks: Spec = {"values": _log_ticks(low, high)} if log else {"tickCount": 6}
    axis = {"title": title, "grid": grid, "format": "~r" if log else "~f", **ticks}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 1.5, 2, 3, 5 and 7 in each decade, or the decades alone where they are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 1.5, 2, 3, 5, 7) if high / low < WIDE_RATIO else (1,)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def axis_unit(largest: float, unit: Unit) -> tuple[float, str]:
    """The factor and the name of the prefixed unit in which ``largest`` is at least one."""
    prefixes = _PREFIXES[unit]
    return next((pair for pair in prefixes if largest >= pair[0]), prefixes[-1])
