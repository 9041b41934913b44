"""A sparkline: a figure's way from run to run in the height of a line of text, for a table's cell.

It is written here and not by the drawing process, which would take minutes for those of a thousand rows. The style
sheet has its colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.charts.style import range_of
from harness.report.numbers import format_value

WIDTH, HEIGHT = 96, 24
MOST = 24
"""Runs that it shows, the newest ones."""
_EDGE = 3.5
"""Room for half of the last point."""


@dataclass(frozen=True)
class Sparkline:
    """Its SVG, which holds numbers only, and what it shows in words."""

    svg: str
    alternative: str


def sparkline(values: Sequence[float | None], unit: str) -> Sparkline | None:
    """The way of a figure in its SI base unit, oldest first; a run without it is a gap. None for fewer than two.

    Its height is at least a tenth of the figure, so that noise looks level.
    """
    shown = [*values[-MOST:]]
    known = [value for value in shown if value is not None]
    if len(known) < 2:
        return None
    found = range_of(known)
    step = (WIDTH - 2 * _EDGE) / (len(shown) - 1)
    points = [
        None if value is None else (_EDGE + step * place, _height(value, found.low, found.high))
        for place, value in enumerate(shown)
    ]
    last = next(point for point in reversed(points) if point is not None)
    svg = (
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<path d="{_path(points)}"/><circle cx="{last[0]:.0f}" cy="{last[1]:.1f}" r="2.5"/></svg>'
    )
    return Sparkline(svg, _tell(known, unit))


def _height(value: float, low: float, high: float) -> float:
    return HEIGHT - _EDGE - (value - low) / ((high - low) or 1.0) * (HEIGHT - 2 * _EDGE)


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """A line through the points, broken at gaps; a point between two gaps is a dot."""
    parts, pen = list[str](), "M"
    for place, point in enumerate(points):
        if point is None:
            pen = "M"
            continue
        parts.append(f"{pen}{point[0]:.0f},{point[1]:.1f}")
        alone = pen == "M" and (place + 1 == len(points) or points[place + 1] is None)
        parts += ["h0.1"] if alone else []
        pen = "L"
    return "".join(parts)


def _tell(known: Sequence[float], unit: str) -> str:
    low, high, last = (format_value(value, unit) for value in (min(known), max(known), known[-1]))
    return f"{len(known)} runs: {low} to {high}, now {last}"
