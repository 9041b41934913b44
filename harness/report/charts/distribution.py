"""How latencies are spread: a lane per recipe of a group, or per arm of an entry, and a board's two speeds."""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise

from harness.records.entry import Entry, Histogram, Measurement, TrialSummary
from harness.report.charts.style import (
    INK,
    LINE,
    LOG_FROM,
    MUTED,
    Spec,
    axis_unit,
    lane,
    layer,
    lines,
    palette,
    quantitative,
    short,
    stacked,
)
from harness.report.groups import Group
from harness.report.numbers import format_value, known_measurement, number_of

BINS = 80
KEPT_SHARE = 0.995
"""An axis ends where so large a share of a recipe's inferences is drawn, or earlier; the caption counts the rest."""
_TAIL = 1.0
"""So many times as far as 95 % of inferences spread an axis goes beyond them: a few that waited would squeeze all."""
ARMS = ("baseline", "candidate")
LANE_HEIGHT = 84
MOST_LANES = 12
"""Of a chart; the table has all recipes."""
_LEAST_SHARE = 0.25
"""Of a shared axis: where a lane's inferences cover less of it, each lane has an axis of its own."""
_FOOT, _HEAD = -0.24, 1.22
"""Below a lane's shape stand the ticks of trials, above it the names of the two speeds."""
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

    def share(self, other: "Axis") -> float:
        """How much of this axis another one covers."""
        if self.log:
            return math.log(other.high_s / other.low_s) / math.log(self.high_s / self.low_s)
        return (other.high_s - other.low_s) / (self.high_s - self.low_s)

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
    """Where an axis ends: the right edge of the bin below which KEPT_SHARE of all inferences lie, or before it."""
    most, nearly_all = edges_below(histograms, (0.95, KEPT_SHARE))
    return min(nearly_all, most + _TAIL * (most - fastest(histograms)))


def edges_below(histograms: list[Histogram], shares: tuple[float, ...]) -> list[float]:
    """For each share, from small to large, the right edge of the bin below which so many of all inferences lie."""
    bins = sorted((right, count) for h in histograms for right, count in zip(h.edges_s[1:], h.counts, strict=True))
    seen = [*accumulate(count for _, count in bins)]
    return [bins[bisect_left(seen, share * seen[-1])][0] for share in shares]


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

    @property
    def histograms(self) -> list[Histogram]:
        return [trial.histogram for trial in self.trials]

    def title(self, *, on_one_line: bool) -> list[str]:
        """Name, median and both speeds in lines that fit a phone, so that nothing must be hovered to be read."""
        named = [self.whole] if on_one_line else [*lines(f"{self.name}:"), self.median]
        return [*named, *([self.speeds] if self.speeds else [])]

    @property
    def median(self) -> str:
        """``p50 4.1 ms (4.084-4.116 ms, n 60)``."""
        shown = number_of(self.p50)
        detail = ", ".join(part for part in (shown.interval, shown.trials) if part)
        return f"p50 {shown.value}{f' ({detail})' if detail else ''}"

    @property
    def whole(self) -> str:
        """Name and median, which may be too long for one line."""
        return f"{self.name}: {self.median}"

    @property
    def speeds(self) -> str:
        """``two speeds: 4.1 ms, 5.7 ms 30 % of the time``; empty for one."""
        found = self.p50.speeds
        if found is None:
            return ""
        fast, slow = format_value(found.fast_s, "s"), format_value(found.slow_s, "s")
        return f"two speeds: {fast}, {slow} {100 * found.slow_share:.0f} % of the time"

    @property
    def axis(self) -> Axis:
        """From the fastest inference to where nearly all lie, with the interval and both speeds inside."""
        speeds = self.p50.speeds
        own = (self.p50.value, self.p50.ci_low, self.p50.ci_high, *((speeds.fast_s, speeds.slow_s) if speeds else ()))
        bounds = [bound for bound in own if bound and bound > 0]
        low, high = min([*bounds, fastest(self.histograms)]), max([*bounds, nearly_slowest(self.histograms)])
        return Axis(low, max(high, low * 1.01))


@dataclass(frozen=True)
class Distribution:
    """The lanes of a group's recipes, or of an entry's two arms."""

    lanes: tuple[_Lane, ...]
    left_out: int = 0

    @property
    def total(self) -> int:
        """Inferences of all lanes."""
        return sum(sum(histogram.counts) for lane in self.lanes for histogram in lane.histograms)

    @property
    def axes(self) -> list[Axis]:
        """Of each lane: the same for all, or an axis of its own where one for all would squeeze a lane."""
        own = [lane.axis for lane in self.lanes]
        shared = Axis(min(axis.low_s for axis in own), max(axis.high_s for axis in own))
        if any(shared.share(axis) < _LEAST_SHARE for axis in own):
            return own
        return [shared] * len(own)

    @property
    def beyond(self) -> int:
        """Inferences slower than the axes show."""
        pairs = zip(self.lanes, self.axes, strict=True)
        return sum(slower_than(lane.histograms, axis.high_s) for lane, axis in pairs)

    @property
    def caption(self) -> str:
        """How to read it, and what stands outside of it."""
        axes = self.axes
        told = [
            "All inferences of all valid trials; each lane is scaled to its own peak. Line: p50 with its interval; "
            "ticks below: each trial's median.",
            *(["Each lane has an axis of its own."] if len({*axes}) > 1 else []),
            *(self.speeds),
            *([f"{self.beyond:,} of {self.total:,} inferences are slower than the axis shows."] if self.beyond else []),
            *([f"{self.left_out} more stand in the table."] if self.left_out else []),
        ]
        return " ".join(told)

    @property
    def speeds(self) -> list[str]:
        """A sentence on each lane whose board ran at two speeds."""
        return [
            f"{lane.name}: this board ran at two speeds, x{found.factor:.2f} apart, "
            f"{100 * found.slow_share:.0f} % of the time at the slower one; the p50 is between them, or either."
            for lane in self.lanes
            if (found := lane.p50.speeds) is not None
        ]

    @property
    def alternative(self) -> str:
        """The picture in words: each lane's name, median and speeds."""
        told = [" ".join(lane.title(on_one_line=True)) for lane in self.lanes]
        return f"Distribution of latencies. {'; '.join(told)}."

    def spec(self) -> Spec:
        """The Vega-Lite specification."""
        axes = self.axes
        last = len(axes) - 1
        shared = len({*axes}) == 1
        short_names = all(len(lane.whole) <= LINE for lane in self.lanes)
        return stacked(
            [
                _draw_lane(one, axis, title=one.title(on_one_line=short_names), labelled=not shared or place == last)
                for place, (one, axis) in enumerate(zip(self.lanes, axes, strict=True))
            ]
        )


def distribution(group: Group) -> Distribution | None:
    """That of a group's recipes, or None where no trial was kept."""
    found = [_lane(one.name, one.colour, one.entry, one.entry.measurements, "candidate") for one in group.variants]
    lanes = tuple(one for one in found if one is not None)
    return Distribution(lanes[:MOST_LANES], max(0, len(lanes) - MOST_LANES)) if lanes else None


def arms_distribution(entry: Entry) -> Distribution | None:
    """The same of an entry's two arms, the baseline above the candidate, or None where either was not measured."""
    measured = {"baseline": entry.baseline.measurements if entry.baseline else [], "candidate": entry.measurements}
    found = [_lane(arm, colour, entry, measured[arm], arm) for colour, arm in enumerate(ARMS)]
    lanes = tuple(one for one in found if one is not None)
    return Distribution(lanes) if len(lanes) == len(ARMS) else None


def _lane(name: str, colour: int, entry: Entry, measurements: list[Measurement], arm: str) -> _Lane | None:
    p50 = known_measurement(measurements, "latency_p50")
    trials = [trial for trial in entry.trials if _counts(trial, arm)]
    return _Lane(name, colour, trials, p50) if p50 and trials else None


def _counts(trial: TrialSummary, arm: str) -> bool:
    """Trials of this arm alone that are not void and have a usable histogram."""
    return trial.void is None and trial.arm == arm and is_drawable(trial.histogram)


def _draw_lane(one: _Lane, axis: Axis, *, title: list[str], labelled: bool) -> Spec:
    factor, unit = axis_unit(axis.high_s, "s")
    x = quantitative(
        "x",
        domain=(axis.low_s / factor, axis.high_s / factor),
        log=axis.log,
        title=f"latency of one inference ({unit})" if labelled else "",
    )
    if not labelled:
        x["axis"] |= {"labels": False, "ticks": False, "domain": False, "title": None}
    rows = _rows(one, axis.edges(), factor)
    return lane(title, rows=rows, layers=_layers(one, x), height=LANE_HEIGHT)


def _rows(lane: _Lane, edges: list[float], factor: float) -> list[Row]:
    def row(kind: str, x_s: float, **more: float | str) -> Row:
        return {"kind": kind, "x": short(x_s / factor), **more}

    found = heights(lane.histograms, edges)
    tallest = max(found) or 1.0
    rows = [row("shape", edge, y=short(y / tallest)) for edge, y in zip(edges, [*found, found[-1]], strict=True)]
    medians = [trial.quantiles.get("p50", 0.0) for trial in lane.trials]
    rows += [row("trial", seconds) for seconds in medians if edges[0] <= seconds <= edges[-1]]
    if lane.p50.value is not None:
        rows.append(row("p50", lane.p50.value))
    if lane.p50.ci_low is not None and lane.p50.ci_high is not None:
        rows.append(row("interval", lane.p50.ci_low, x2=short(lane.p50.ci_high / factor)))
    if lane.p50.speeds is not None:
        speeds = {"fast": lane.p50.speeds.fast_s, "slow": lane.p50.speeds.slow_s}
        rows += [row("speed", seconds, text=name) for name, seconds in speeds.items()]
    return rows


def _layers(lane: _Lane, x: Spec) -> list[Spec]:
    y = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [_FOOT, _HEAD]}}
    colour, ink, grey = ({"value": value} for value in (palette(lane.colour), INK, MUTED))
    base, top, below, above = {"datum": 0}, {"datum": 1}, {"datum": _FOOT / 2}, {"datum": _HEAD - 0.1}
    shape = {"type": "area", "interpolate": "step-after", "fillOpacity": 0.55}
    tick = {"type": "tick", "thickness": 1, "height": 9}
    thick, thin = {"type": "rule", "strokeWidth": 5, "opacity": 0.5}, {"type": "rule", "strokeWidth": 1.5}
    dashed = {"type": "rule", "strokeDash": [3, 3], "strokeWidth": 1}
    words = {"type": "text", "fontSize": 11, "baseline": "middle", "limit": 0}
    return [
        layer("shape", shape, {"x": x, "y": y, "color": colour}),
        layer("trial", tick, {"x": x, "y": below, "color": colour}),
        layer("interval", thick, {"x": x, "x2": {"field": "x2"}, "y": base, "color": ink}),
        layer("p50", thin, {"x": x, "y": base, "y2": top, "color": ink}),
        layer("speed", dashed, {"x": x, "y": base, "y2": top, "color": grey}),
        layer("speed", words, {"x": x, "y": above, "text": {"field": "text"}, "color": ink}),
    ]
