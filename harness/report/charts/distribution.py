"""How latencies are spread: a lane per recipe of a group, or per arm of an entry, all on one axis."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from harness.records.results import Entry, Histogram, Measurement, TrialSummary
from harness.report.charts.style import CONFIG, INK, LOG_FROM, WIDTH, Spec, axis_unit, palette, quantitative
from harness.report.groups import Group
from harness.report.numbers import Number, known_measurement, number_of, value_of

BINS = 80
KEPT_SHARE = 0.995
"""The axis ends where so large a share of each recipe's inferences is drawn; the caption counts the rest."""
ARMS = ("baseline", "candidate")
LANE_HEIGHT = 46
LINE = 46
"""Characters of a lane's label that fit one line on a phone."""
Row = dict[str, str | float]


@dataclass(frozen=True)
class Axis:
    """The latencies an axis shows, in seconds."""

    low_s: float
    high_s: float

    @property
    def log(self) -> bool:
        """Whether latencies are so far apart that a logarithmic scale is due."""
        return self.high_s / self.low_s >= LOG_FROM

    def edges(self) -> list[float]:
        """BINS + 1 bin edges in seconds, evenly spaced on the scale."""
        steps = [step / BINS for step in range(BINS + 1)]
        if self.log:
            return [self.low_s * (self.high_s / self.low_s) ** step for step in steps]
        return [self.low_s + (self.high_s - self.low_s) * step for step in steps]


def is_drawable(histogram: Histogram) -> bool:
    """Whether a histogram is one: as many counts as bins, rising edges above zero, something counted."""
    edges, counts = histogram.edges_s, histogram.counts
    rising = all(left < right for left, right in pairwise(edges))
    return len(edges) == len(counts) + 1 and rising and edges[0] > 0 and sum(counts) > 0 and min(counts) >= 0


def fastest(histograms: list[Histogram]) -> float:
    """The left edge of the first bin with something in it."""
    return min(left for h in histograms for left, count in zip(h.edges_s, h.counts, strict=False) if count)


def nearly_slowest(histograms: list[Histogram]) -> float:
    """The right edge of the bin below which KEPT_SHARE of all inferences lie."""
    bins = sorted((right, count) for h in histograms for right, count in zip(h.edges_s[1:], h.counts, strict=True))
    wanted, seen = KEPT_SHARE * sum(count for _, count in bins), 0
    for right, count in bins:
        seen += count
        if seen >= wanted:
            return right
    return bins[-1][0]


def heights(histograms: list[Histogram], edges: list[float]) -> list[float]:
    """Inferences per chart bin; a bin of the file gives each chart bin its share by overlap."""
    found = [0.0] * (len(edges) - 1)
    for histogram in histograms:
        for (left, right), count in zip(pairwise(histogram.edges_s), histogram.counts, strict=True):
            if count:
                _share_out(found, edges, left=left, right=right, count=count)
    return found


def _share_out(found: list[float], edges: list[float], *, left: float, right: float, count: int) -> None:
    index = max(0, bisect_right(edges, left) - 1)
    while index < len(found) and edges[index] < right:
        overlap = min(right, edges[index + 1]) - max(left, edges[index])
        if overlap > 0:
            found[index] += count * overlap / (right - left)
        index += 1


def slower_than(histograms: list[Histogram], limit_s: float) -> int:
    """Inferences in bins that start at or above a limit."""
    return sum(count for h in histograms for left, count in zip(h.edges_s, h.counts, strict=False) if left >= limit_s)


@dataclass(frozen=True)
class _Lane:
    """A recipe or an arm with its valid trials and its p50."""

    name: str
    colour: int
    trials: list[TrialSummary]
    p50: Measurement
    label: str
    """Name and median on two lines, so that nothing must be hovered to be read."""

    @property
    def histograms(self) -> list[Histogram]:
        return [trial.histogram for trial in self.trials]


def distribution(group: Group) -> Spec | None:
    """The Vega-Lite specification of a group's recipes, or None where no trial was kept."""
    return _spec(_lanes(group))


def arms_distribution(entry: Entry) -> Spec | None:
    """The same of an entry's two arms, or None where either was not measured."""
    lanes = _arms(entry)
    return _spec(lanes) if len(lanes) == len(ARMS) else None


def _spec(lanes: list[_Lane]) -> Spec | None:
    if not lanes:
        return None
    axis = _axis(lanes)
    factor, unit = axis_unit(axis.high_s, "s")
    x = quantitative(
        "x",
        domain=(axis.low_s / factor, axis.high_s / factor),
        log=axis.log,
        title=f"latency of one inference ({unit})",
        grid=False,
    )
    labels = [lane.label for lane in lanes]
    header = {"labelAngle": 0, "labelOrient": "top", "labelAnchor": "start", **_lines(labels)}
    return {
        "data": {"values": [row for lane in lanes for row in _rows(lane, axis.edges(), factor)]},
        "facet": {"row": {"field": "lane", "type": "nominal", "sort": labels, "title": None, "header": header}},
        "spacing": 6,
        "spec": {"width": WIDTH, "height": LANE_HEIGHT, "layer": _layers(lanes, x)},
        "config": CONFIG,
    }


def beyond(group: Group) -> int:
    """Inferences slower than the axis shows."""
    lanes = _lanes(group)
    if not lanes:
        return 0
    high_s = _axis(lanes).high_s
    return sum(slower_than(lane.histograms, high_s) for lane in lanes)


def _lanes(group: Group) -> list[_Lane]:
    lanes = []
    for variant in group.variants:
        p50 = value_of(variant.entry, "latency_p50")
        trials = [trial for trial in variant.entry.trials if _counts(trial, "candidate")]
        if p50 and trials:
            lanes.append(_Lane(variant.name, variant.colour, trials, p50, _label(variant.name, number_of(p50))))
    return lanes


def _arms(entry: Entry) -> list[_Lane]:
    """The baseline above the candidate."""
    measured = {"baseline": entry.baseline.measurements if entry.baseline else [], "candidate": entry.measurements}
    lanes = []
    for colour, arm in enumerate(ARMS):
        p50 = known_measurement(measured[arm], "latency_p50")
        trials = [trial for trial in entry.trials if _counts(trial, arm)]
        if p50 and trials:
            lanes.append(_Lane(arm, colour, trials, p50, _label(arm, number_of(p50))))
    return lanes


def _label(name: str, p50: Number) -> str:
    detail = ", ".join(part for part in (p50.interval, p50.trials) if part)
    return f"{name}:\np50 {p50.value}{f' ({detail})' if detail else ''}"


def _lines(labels: list[str]) -> Spec:
    """One line for each lane's label where all of them fit, else two for every lane."""
    if max(map(len, labels)) <= LINE:
        return {"labelExpr": r"replace(datum.label, '\n', ' ')"}
    return {"labelExpr": r"split(datum.label, '\n')", "labelPadding": 16}


def _counts(trial: TrialSummary, arm: str) -> bool:
    """Trials of this arm alone that are not void and have a usable histogram."""
    return trial.void is None and trial.arm == arm and is_drawable(trial.histogram)


def _axis(lanes: list[_Lane]) -> Axis:
    """From the fastest inference to where nearly all of the slowest recipe's lie, with the intervals inside."""
    bounds = [
        bound for lane in lanes for bound in (lane.p50.value, lane.p50.ci_low, lane.p50.ci_high) if bound and bound > 0
    ]
    low = min([*bounds, *(fastest(lane.histograms) for lane in lanes)])
    high = max([*bounds, *(nearly_slowest(lane.histograms) for lane in lanes)])
    return Axis(low, max(high, low * 1.01))


def _rows(lane: _Lane, edges: list[float], factor: float) -> list[Row]:
    def row(kind: str, x_s: float, **more: float) -> Row:
        return {"lane": lane.label, "recipe": lane.name, "kind": kind, "x": _short(x_s / factor), **more}

    found = heights(lane.histograms, edges)
    tallest = max(found) or 1.0
    rows = [row("shape", edge, y=_short(y / tallest)) for edge, y in zip(edges, [*found, found[-1]], strict=True)]
    rows += [row("trial", trial.quantiles["p50"]) for trial in lane.trials if "p50" in trial.quantiles]
    if lane.p50.value is not None:
        rows.append(row("p50", lane.p50.value))
    if lane.p50.ci_low is not None and lane.p50.ci_high is not None:
        rows.append(row("interval", lane.p50.ci_low, x2=_short(lane.p50.ci_high / factor)))
    return rows


def _short(value: float) -> float:
    """Six digits: more than a chart can show."""
    return float(f"{value:.6g}")


def _layers(lanes: list[_Lane], x: Spec) -> list[Spec]:
    y = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [-0.3, 1]}}
    colours = {
        "domain": [lane.name for lane in lanes],
        "range": [palette(lane.colour) for lane in lanes],
    }
    colour = {"field": "recipe", "type": "nominal", "scale": colours, "legend": None}
    ink = {"value": INK}
    base, top, below = {"datum": 0}, {"datum": 1}, {"datum": -0.16}
    shape = {"type": "area", "interpolate": "step-after", "fillOpacity": 0.55}
    tick = {"type": "tick", "thickness": 1, "height": 7}
    thick, thin = {"type": "rule", "strokeWidth": 5, "opacity": 0.5}, {"type": "rule", "strokeWidth": 1.5}
    return [
        _layer("shape", shape, {"x": x, "y": y, "color": colour}),
        _layer("trial", tick, {"x": x, "y": below, "color": colour}),
        _layer("interval", thick, {"x": x, "x2": {"field": "x2"}, "y": base, "color": ink}),
        _layer("p50", thin, {"x": x, "y": base, "y2": top, "color": ink}),
    ]


def _layer(kind: str, mark: Spec, encoding: Spec) -> Spec:
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark | {"aria": False}, "encoding": encoding}
