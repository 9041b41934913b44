"""Each block's ratio of candidate to baseline, a lane per metric with an axis of its own; what decided stands first."""

from dataclasses import dataclass

from harness.records.entry import Entry
from harness.report.baseline_changes import JudgedRatio, judged_ratios
from harness.report.charts.style import (
    INK,
    LIMIT,
    MUTED,
    PALETTE,
    Spec,
    lane,
    layer,
    quantitative,
    range_of,
    short,
    stacked,
)

LANE_HEIGHT = 76
_ROOM = 0.06
_MOST = 4
_MOST_UNJUDGED = 2
"""Lanes of a chart, and of one with metrics that no budget holds; the table has all metrics."""
_LEAST_SPAN = 0.2
"""Per cent that an axis shows at least."""

Row = dict[str, str | float]


@dataclass(frozen=True)
class RatioChart:
    """The metrics of an entry against its baseline, the one whose verdict is worst first."""

    lanes: tuple[JudgedRatio, ...]
    left_out: int

    @property
    def caption(self) -> str:
        """How to read it."""
        more = f" {self.left_out} more {'stands' if self.left_out == 1 else 'stand'} in the table."
        return (
            "A point is a block, the first at the top. Bar: the change over all blocks with its interval; dashed: the "
            f"budget; line: no change. Each metric has an axis of its own.{more if self.left_out else ''}"
        )

    @property
    def alternative(self) -> str:
        """The picture in words: each metric's change."""
        return f"Change against the baseline, block by block. {'; '.join(' '.join(_title(one)) for one in self.lanes)}."

    def spec(self) -> Spec:
        """The Vega-Lite specification."""
        return stacked([_draw_lane(one) for one in self.lanes])


def ratio_chart(entry: Entry) -> RatioChart | None:
    """The chart, or None where no block has a ratio."""
    drawable = [one for one in judged_ratios(entry) if any(ratio > 0 for ratio in one.ratio.by_block)]
    judged = sum(one.finding is not None for one in drawable)
    shown = min(_MOST, max(judged, _MOST_UNJUDGED))
    return RatioChart(tuple(drawable[:shown]), max(0, len(drawable) - shown)) if drawable else None


def _title(one: JudgedRatio) -> list[str]:
    """Metric and change; then the budget, which may lie outside of the axis."""
    count = len(one.ratio.by_block)
    blocks = f"{count} block{'' if count == 1 else 's'}"
    told = [f"{one.title}: {one.percent_text}", blocks]
    if one.limit_text:
        told[1] += f", {one.limit_text} allowed"
        told[1] += " (outside)" if _is_outside(one) else ""
    return told


def _percent(ratio: float) -> float:
    return short(100 * (ratio - 1))


def _limits(one: JudgedRatio) -> list[float]:
    return [] if one.limit is None else [_percent(one.limit)]


def _shown(one: JudgedRatio) -> list[float]:
    bounds = (1.0, *one.ratio.by_block, one.ratio.ratio, one.ratio.ci_low, one.ratio.ci_high)
    return [_percent(bound) for bound in bounds if bound is not None]


def _is_outside(one: JudgedRatio) -> bool:
    return bool(range_of(_shown(one), _limits(one), least=_LEAST_SPAN).outside)


def _draw_lane(one: JudgedRatio) -> Spec:
    found = range_of(_shown(one), _limits(one), least=_LEAST_SPAN)
    beside = (found.high - found.low) * _ROOM
    worse = "right" if one.ratio.better == "lower" else "left"
    title = f"change against the baseline (%), {worse} is worse"
    x = quantitative("x", domain=(found.low - beside, found.high + beside), log=False, title=title)
    x["axis"] |= {"format": "+~f", "labelExpr": "datum.value === 0 ? '0' : datum.label"}
    return lane(_title(one), rows=_rows(one), layers=_layers(x), height=LANE_HEIGHT)


def _rows(one: JudgedRatio) -> list[Row]:
    def row(kind: str, ratio: float, **more: float) -> Row:
        return {"kind": kind, "x": _percent(ratio), **more}

    ratio = one.ratio
    last = max(1, len(ratio.by_block) - 1)
    rows = [row("block", found, y=round(place / last, 4)) for place, found in enumerate(ratio.by_block)]
    rows += [row("even", 1.0), row("ratio", ratio.ratio)]
    if ratio.ci_low is not None and ratio.ci_high is not None:
        rows.append(row("interval", ratio.ci_low, x2=_percent(ratio.ci_high)))
    if one.limit is not None and not _is_outside(one):
        rows.append(row("limit", one.limit))
    return rows


def _layers(x: Spec) -> list[Spec]:
    y: Spec = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [1.3, -0.1]}}
    top, bottom, foot = {"value": 0}, {"value": LANE_HEIGHT}, {"value": LANE_HEIGHT - 8}
    ink, grey, blue, red = ({"value": colour} for colour in (INK, MUTED, PALETTE[0], LIMIT))
    symbol = {"type": "point", "filled": True, "size": 22, "opacity": 0.7}
    dashed = {"type": "rule", "strokeDash": [5, 3], "strokeWidth": 1.5}
    across = {"x": x, "y": top, "y2": bottom}
    return [
        layer("even", {"type": "rule", "strokeWidth": 1}, {**across, "color": grey}),
        layer("limit", dashed, {**across, "color": red}),
        layer("block", symbol, {"x": x, "y": y, "color": blue}),
        layer("interval", {"type": "rule", "strokeWidth": 6, "opacity": 0.5}, _span(x, foot) | {"color": ink}),
        layer("ratio", {"type": "tick", "thickness": 2, "height": 14}, {"x": x, "y": foot, "color": ink}),
    ]


def _span(x: Spec, y: Spec) -> Spec:
    return {"x": x, "x2": {"field": "x2"}, "y": y}
