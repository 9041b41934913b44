"""Each block's ratio of candidate to baseline, a lane per metric, with the interval over all and the limit."""

from harness.records.results import Entry
from harness.report.baseline_changes import JudgedRatio, judged_ratios
from harness.report.charts.style import CONFIG, INK, PALETTE, WIDTH, Spec, quantitative

LANE_HEIGHT = 64
_LIMIT_COLOUR = PALETTE[5]
_ROOM = 0.06
_MOST = 6
"""Lanes of a chart; the table has all metrics."""

Row = dict[str, str | float]


def ratio_chart(entry: Entry) -> Spec | None:
    """The Vega-Lite specification, or None where no block has a ratio."""
    lanes = [one for one in judged_ratios(entry) if any(ratio > 0 for ratio in one.ratio.by_block)][:_MOST]
    if not lanes:
        return None
    x = quantitative("x", domain=_domain(lanes), log=False, title="candidate / baseline (left of 1 is less)")
    header = {"labelAngle": 0, "labelOrient": "top", "labelAnchor": "start"}
    labels = [_label(lane) for lane in lanes]
    rows = [row for label, lane in zip(labels, lanes, strict=True) for row in _rows(lane, label)]
    return {
        "data": {"values": rows},
        "facet": {"row": {"field": "lane", "type": "nominal", "sort": labels, "title": None, "header": header}},
        "spacing": 8,
        "spec": {"width": WIDTH, "height": LANE_HEIGHT, "layer": _layers(x)},
        "config": CONFIG,
    }


def _label(lane: JudgedRatio) -> str:
    count = len(lane.ratio.by_block)
    return f"{lane.title}: {lane.ratio.ratio:.4f} ({count} block{'' if count == 1 else 's'})"


def _domain(lanes: list[JudgedRatio]) -> tuple[float, float]:
    shown = [1.0]
    for lane in lanes:
        bounds = (*lane.ratio.by_block, lane.ratio.ratio, lane.ratio.ci_low, lane.ratio.ci_high, lane.limit)
        shown += [bound for bound in bounds if bound is not None]
    low, high = min(shown), max(shown)
    room = (high - low or 0.01) * _ROOM
    return low - room, high + room


def _rows(lane: JudgedRatio, label: str) -> list[Row]:
    def row(kind: str, x: float, **more: float) -> Row:
        return {"lane": label, "kind": kind, "x": float(f"{x:.6g}"), **more}

    ratio = lane.ratio
    last = max(1, len(ratio.by_block) - 1)
    rows = [row("block", x, y=round(place / last, 4)) for place, x in enumerate(ratio.by_block)]
    rows += [row("even", 1.0), row("ratio", ratio.ratio)]
    if ratio.ci_low is not None and ratio.ci_high is not None:
        rows.append(row("interval", ratio.ci_low, x2=float(f"{ratio.ci_high:.6g}")))
    if lane.limit is not None:
        rows.append(row("limit", lane.limit))
    return rows


def _layers(x: Spec) -> list[Spec]:
    y: Spec = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [1.25, -0.1]}}
    top, bottom, foot = {"value": 0}, {"value": LANE_HEIGHT}, {"value": LANE_HEIGHT - 6}
    ink, blue, red = {"value": INK}, {"value": PALETTE[0]}, {"value": _LIMIT_COLOUR}
    symbol = {"type": "point", "filled": True, "size": 22, "opacity": 0.7}
    dashed = {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.5}
    across = {"x": x, "y": top, "y2": bottom}
    return [
        _layer("even", {"type": "rule", "strokeWidth": 1}, {**across, "color": {"value": "#5a6570"}}),
        _layer("limit", dashed, {**across, "color": red}),
        _layer("block", symbol, {"x": x, "y": y, "color": blue}),
        _layer("interval", {"type": "rule", "strokeWidth": 6, "opacity": 0.5}, _span(x, foot) | {"color": ink}),
        _layer("ratio", {"type": "tick", "thickness": 2, "height": 14}, {"x": x, "y": foot, "color": ink}),
    ]


def _span(x: Spec, y: Spec) -> Spec:
    return {"x": x, "x2": {"field": "x2"}, "y": y}


def _layer(kind: str, mark: Spec, encoding: Spec) -> Spec:
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark | {"aria": False}, "encoding": encoding}
