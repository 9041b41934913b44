"""How the latencies of a group are spread: a lane per recipe, all on one axis."""

import itertools
from collections.abc import Sequence

from harness.records.results import Histogram, TrialSummary
from harness.report.chart_style import CONFIG, INK, WIDTH, Spec, axis_unit, palette
from harness.report.groups import Group, Variant
from harness.report.numbers import number, value_of

BINS = 80
LANE_HEIGHT = 46
KEPT_SHARE = 0.995
"""The axis ends where so large a share of each recipe's inferences is drawn; the caption counts the rest."""
LOG_FROM = 3.0
"""From such a ratio of the slowest to the fastest on, the axis is logarithmic."""

Row = dict[str, str | float]


def distribution(group: Group) -> Spec | None:
    """The Vega-Lite specification, or None where no trial was kept."""
    lanes = [variant for variant in group.variants if _kept(variant)]
    if not lanes:
        return None
    low, high = _range(lanes)
    factor, unit = axis_unit(high, "s")
    edges = _edges(low, high)
    rows = [row for lane in lanes for row in _rows(lane, edges, factor)]
    scale = {"type": _scale(low, high), "domain": [low / factor, high / factor], "nice": False, "zero": False}
    return {
        "data": {"values": rows},
        "facet": {
            "row": {
                "field": "lane",
                "type": "nominal",
                "sort": [_label(lane) for lane in lanes],
                "title": None,
                "header": {"labelAngle": 0, "labelOrient": "top", "labelAnchor": "start"},
            }
        },
        "spacing": 6,
        "spec": {
            "width": WIDTH,
            "height": LANE_HEIGHT,
            "layer": _layers(lanes, scale, f"latency of one inference ({unit})"),
        },
        "config": CONFIG,
    }


def beyond(group: Group) -> int:
    """Inferences slower than the axis shows."""
    lanes = [variant for variant in group.variants if _kept(variant)]
    if not lanes:
        return 0
    high = _range(lanes)[1]
    return sum(
        count
        for lane in lanes
        for trial in _kept(lane)
        for left, count in zip(trial.histogram.edges_s, trial.histogram.counts, strict=False)
        if left >= high
    )


def _kept(variant: Variant) -> list[TrialSummary]:
    """Trials of the candidate itself that are not void and have a usable histogram."""
    trials = variant.entry.trials
    return [trial for trial in trials if trial.void is None and trial.arm != "baseline" and _usable(trial.histogram)]


def _usable(histogram: Histogram) -> bool:
    edges, counts = histogram.edges_s, histogram.counts
    rising = all(left < right for left, right in itertools.pairwise(edges))
    return len(edges) == len(counts) + 1 and rising and edges[0] > 0 and min(counts) >= 0 and sum(counts) > 0


def _range(lanes: Sequence[Variant]) -> tuple[float, float]:
    """From the fastest inference to where KEPT_SHARE of the slowest recipe's lie, with the intervals inside."""
    lows, highs = [], []
    for lane in lanes:
        for trial in _kept(lane):
            bins = list(zip(trial.histogram.edges_s, trial.histogram.edges_s[1:], trial.histogram.counts, strict=False))
            lows.append(next(left for left, _, count in bins if count))
        highs.append(_share_below([trial.histogram for trial in _kept(lane)]))
        p50 = value_of(lane.entry, "latency_p50")
        bounds = [bound for bound in (p50.value, p50.ci_low, p50.ci_high) if bound] if p50 else []
        lows.extend(bounds)
        highs.extend(bounds)
    low, high = min(lows), max(highs)
    return low, high if high > low else low * 1.01


def _share_below(histograms: list[Histogram]) -> float:
    bins = sorted((right, count) for h in histograms for right, count in zip(h.edges_s[1:], h.counts, strict=True))
    wanted, seen = KEPT_SHARE * sum(count for _, count in bins), 0
    for right, count in bins:
        seen += count
        if seen >= wanted:
            return right
    return bins[-1][0]


def _scale(low: float, high: float) -> str:
    return "log" if high / low >= LOG_FROM else "linear"


def _edges(low: float, high: float) -> list[float]:
    steps = [step / BINS for step in range(BINS + 1)]
    if _scale(low, high) == "log":
        return [low * (high / low) ** step for step in steps]
    return [low + (high - low) * step for step in steps]


def _rows(lane: Variant, edges: list[float], factor: float) -> list[Row]:
    trials = _kept(lane)
    heights = _heights([trial.histogram for trial in trials], edges)
    tallest = max(heights) or 1.0
    shape = [height / tallest for height in heights]
    base: Row = {"lane": _label(lane), "recipe": lane.name}
    rows: list[Row] = [
        base | {"kind": "shape", "x": round(edge / factor, 6), "y": round(height, 4)}
        for edge, height in zip(edges, [*shape, shape[-1]], strict=True)
    ]
    rows += [
        base | {"kind": "trial", "x": round(trial.quantiles["p50"] / factor, 6)}
        for trial in trials
        if "p50" in trial.quantiles
    ]
    p50 = value_of(lane.entry, "latency_p50")
    if p50 and p50.value is not None:
        rows.append(base | {"kind": "p50", "x": round(p50.value / factor, 6)})
        if p50.ci_low is not None and p50.ci_high is not None:
            rows.append(
                base | {"kind": "interval", "x": round(p50.ci_low / factor, 6), "x2": round(p50.ci_high / factor, 6)}
            )
    return rows


def _heights(histograms: list[Histogram], edges: list[float]) -> list[float]:
    """Inferences per chart bin; a bin of the file gives each chart bin its share by overlap."""
    heights = [0.0] * (len(edges) - 1)
    for histogram in histograms:
        for left, right, count in zip(histogram.edges_s, histogram.edges_s[1:], histogram.counts, strict=False):
            if count:
                _spread(heights, edges, left=left, right=right, count=count)
    return heights


def _spread(heights: list[float], edges: list[float], *, left: float, right: float, count: int) -> None:
    for index, (start, end) in enumerate(itertools.pairwise(edges)):
        overlap = min(right, end) - max(left, start)
        if overlap > 0:
            heights[index] += count * overlap / (right - left)


def _label(lane: Variant) -> str:
    """The lane's name and its median, so that nothing must be hovered to be read."""
    p50 = number(lane.entry, "latency_p50")
    detail = ", ".join(part for part in (p50.interval, p50.trials) if part) if p50 else ""
    return f"{lane.name}: p50 {p50.value if p50 else ''}{f' ({detail})' if detail else ''}"


def _layers(lanes: Sequence[Variant], scale: Spec, title: str) -> list[Spec]:
    x = {"field": "x", "type": "quantitative", "scale": scale, "axis": {"title": title, "grid": False, "tickCount": 6}}
    y = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [-0.3, 1]}}
    colours = {"domain": [lane.name for lane in lanes], "range": [palette(lane.colour) for lane in lanes]}
    colour = {"field": "recipe", "type": "nominal", "scale": colours, "legend": None}

    def layer(kind: str, mark: Spec, encoding: Spec) -> Spec:
        return {
            "transform": [{"filter": f"datum.kind === '{kind}'"}],
            "mark": mark | {"aria": False},
            "encoding": encoding,
        }

    return [
        layer(
            "shape",
            {"type": "area", "interpolate": "step-after", "fillOpacity": 0.55},
            {"x": x, "y": y, "color": colour},
        ),
        layer("trial", {"type": "tick", "thickness": 1, "height": 7}, {"x": x, "y": {"datum": -0.16}, "color": colour}),
        layer(
            "interval",
            {"type": "rule", "strokeWidth": 5, "opacity": 0.5},
            {"x": x, "x2": {"field": "x2"}, "y": {"datum": 0}, "color": {"value": INK}},
        ),
        layer(
            "p50",
            {"type": "rule", "strokeWidth": 1.5},
            {"x": x, "y": {"datum": 0}, "y2": {"datum": 1}, "color": {"value": INK}},
        ),
    ]
