"""What all charts share: size, colours (the page's style sheet knows them by value), lanes, axes, units."""

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
LIMIT = PALETTE[5]
"""The colour of a limit's line, which is dashed."""
LINE = 44
"""Characters of a title or a legend's text that fit one line on a phone."""
_WIDENED = 5.0
"""So many times as wide a limit may make an axis; one that is further off is told beside it."""
_LEAST_SPAN = 0.1
"""An axis shows at least this share of its largest value, so that noise does not look like a difference."""

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
    "aria": False,
    "background": "transparent",
    "padding": 4,
    "axis": _AXIS,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "color": INK,
        "fontSize": 12,
        "fontWeight": "normal",
        "offset": 4,
        "limit": 0,
        "frame": "group",
    },
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
    "J": ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ")),
    "W": ((1.0, "W"), (1e-3, "mW"), (1e-6, "µW")),
    "1": ((0.01, "%"),),
}


def palette(index: int) -> str:
    """The colour of the so manieth recipe; colours repeat after eight."""
    return PALETTE[index % len(PALETTE)]


def layer(kind: str, mark: Spec, encoding: Spec) -> Spec:
    """A layer of a chart whose rows say by ``kind`` to which layer they belong."""
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark, "encoding": encoding}


def lane(title: Sequence[str], *, rows: Sequence[Spec], layers: Sequence[Spec], height: int) -> Spec:
    """One of the charts that stand below each other, with its title's lines and an axis of its own."""
    return {
        "title": {"text": [*title]},
        "data": {"values": [*rows]},
        "width": WIDTH,
        "height": height,
        "layer": [*layers],
    }


def stacked(lanes: Sequence[Spec], *, spacing: int = 14) -> Spec:
    """The whole specification of lanes below each other."""
    own = {"scale": dict.fromkeys(("color", "shape", "strokeDash"), "independent")}
    return {"vconcat": [*lanes], "spacing": spacing, "resolve": own, "config": CONFIG}


def lines(text: str) -> list[str]:
    """A name in lines that fit a phone; a recipe is broken between its steps."""
    return [line.replace("+ ", "+") for line in textwrap.wrap(text.replace("+", "+ "), LINE)] or [""]


def short(value: float) -> float:
    """Six digits: more than a chart can show."""
    return float(f"{value:.6g}")


@dataclass(frozen=True)
class Range:
    """What an axis shows, and which limits lie outside of it."""

    low: float
    high: float
    outside: tuple[float, ...] = ()

    @property
    def log(self) -> bool:
        """Whether its ends are so far apart that a logarithmic scale is due."""
        return self.low > 0 and self.high / self.low >= LOG_FROM

    def padded(self, room: float, *, floor: float = -math.inf, ceiling: float = math.inf) -> tuple[float, float]:
        """Both ends with room beside them, a share of what lies between, but never past what a metric can be."""
        if self.log:
            factor = (self.high / self.low) ** room
            low, high = self.low / factor, self.high * factor
        else:
            beside = (self.high - self.low) * room
            low, high = self.low - beside, self.high + beside
        return max(low, floor), min(high, ceiling)


def range_of(values: Iterable[float], limits: Iterable[float] = (), *, least: float | None = None) -> Range:
    """From the least to the largest value and the limits near them; at least ``least`` wide, or a share of the largest.

    A limit that would widen the axis too much is left outside, so that it does not squeeze what is measured.
    """
    shown = [*values]
    low, high = min(shown), max(shown)
    narrow = max(0.0, (_LEAST_SPAN * max(map(abs, shown)) if least is None else least) - (high - low)) / 2
    low, high = low - narrow, high + narrow
    wide, outside = _WIDENED * (high - low), list[float]()
    for limit in sorted({*limits}, key=lambda limit: max(low - limit, limit - high)):
        if max(high, limit) - min(low, limit) > wide:
            outside.append(limit)
        else:
            low, high = min(low, limit), max(high, limit)
    return Range(low, high, tuple(outside))


def quantitative(field: str, *, domain: tuple[float, float], log: bool, title: str | None) -> Spec:
    """The encoding of a number on an axis from one end of ``domain`` to the other."""
    low, high = domain
    scale = {"type": "log" if log else "linear", "domain": [low, high], "nice": False, "zero": False}
    ticks: Spec = {"values": _log_ticks(low, high)} if log else {"tickCount": 6}
    axis = {"title": title, "grid": True, "format": "~r" if log else "~f", **ticks}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 1.5, 2, 3, 5 and 7 in each decade, or the decades alone where they are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 1.5, 2, 3, 5, 7) if high / low < WIDE_RATIO else (1,)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def axis_unit(largest: float, unit: str) -> tuple[float, str]:
    """The factor and the name of the prefixed unit in which ``largest`` is at least one; of a share per cent."""
    prefixes = _PREFIXES.get(unit, ((1.0, unit),))
    return next((pair for pair in prefixes if largest >= pair[0]), prefixes[-1])
