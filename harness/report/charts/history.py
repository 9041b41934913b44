"""How a metric went from run to run: a lane per recipe on one time axis, a line per branch, where its level changed."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.records.history import Change, Series, SeriesPoint
from harness.records.labels import Pair, label_tests
from harness.records.metrics import ESTIMATES, METRICS
from harness.records.text import visible
from harness.report.charts.style import (
    INK,
    LIMIT,
    SHAPES,
    Spec,
    axis_unit,
    lane,
    layer,
    lines,
    palette,
    quantitative,
    range_of,
    short,
    stacked,
)
from harness.report.groups import distinct
from harness.report.numbers import format_value

HEIGHT, LANE_HEIGHT = 150, 96
"""Of a lane that is alone, and of several."""
_MOST = 8
"""Lanes of a chart; the table has all series."""
_FEWEST = 2
_ROOM = 0.08
_LETTERS = 8
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
_TIMES = {
    "year": "%Y",
    **dict.fromkeys(("quarter", "month"), "%b %Y"),
    **dict.fromkeys(("week", "date", "day"), "%-d %b"),
    **dict.fromkeys(("hours", "minutes"), "%H:%M"),
    **dict.fromkeys(("seconds", "milliseconds"), "%H:%M:%S"),
}
"""How a tick is written, by the largest unit of time that it begins."""

Row = dict[str, str | float]


@dataclass(frozen=True)
class Panel:
    """A metric of a candidate on a device: all its series, which boards, runtimes or recipes tell apart."""

    candidate: str
    device: str
    metric: str
    series: tuple[Series, ...]

    @property
    def title(self) -> str:
        """The metric as people call it."""
        known = METRICS.get(self.metric)
        return known.title if known else self.metric

    @property
    def names(self) -> list[str]:
        """A name for each series: its recipe, and where several have that, what tells these apart."""
        together: dict[str | None, list[Series]] = {}
        for one in self.series:
            together.setdefault(one.recipe, []).append(one)
        labels = label_tests((one.recipe, one.test) for one in self.series)
        return distinct([visible(_name(one, together[one.recipe], labels)) for one in self.series])

    @property
    def sentences(self) -> list[str]:
        """What changed, in words, a board's kernel among it."""
        changed = [change.sentence for one in self.series for change in one.changes]
        return [*dict.fromkeys(found.sentence for one in self.series for found in one.breaks), *changed]

    @property
    def lanes(self) -> list[list[tuple[str, Series]]]:
        """Series with their names, those of one recipe and test together; what has no figure at all is left out."""
        found: dict[tuple[str | None, str], list[tuple[str, Series]]] = {}
        for name, one in zip(self.names, self.series, strict=True):
            if _known_points(one):
                found.setdefault((one.recipe, one.test), []).append((name, one))
        return [*found.values()]

    @property
    def caption(self) -> str:
        """How to read the chart, and how many recipes it leaves out."""
        left = len(self.lanes) - _MOST
        more = f" {left} more recipes stand in the table." if left > 0 else ""
        changed = " Dashed: where the level changed and stayed." if any(one.changes for one in self.series) else ""
        broken = (
            " Dotted: another kernel on the board; a line ends there." if any(one.breaks for one in self.series) else ""
        )
        return f"Point: a run's figure with its interval.{changed}{broken}{more}"

    @property
    def alternative(self) -> str:
        """The chart in words: each series' runs, its ends and its changes."""
        told = [_tell(name, one) for name, one in zip(self.names, self.series, strict=True) if _known_points(one)]
        return f"{self.title} from run to run. {'; '.join(told)}."


def _name(one: Series, alike: Sequence[Series], labels: Mapping[Pair, str]) -> str:
    """The recipe, with its test, branch, board and setting as far as those of one recipe differ in them."""
    test = labels[one.recipe, one.test]
    said = {
        "branch": f"on {one.branch or 'an unknown branch'}",
        "fingerprint": f"[{(one.fingerprint or 'unknown')[:_LETTERS]}]",
        "runtime": f"{one.runtime or 'unknown runtime'}",
        "delegate": f"delegate {one.delegate or 'unknown'}",
        "num_threads": f"threads {one.num_threads or 'unknown'}",
        "estimator": ESTIMATES.get(one.estimator, "by another estimator"),
    }
    telling = [words for field, words in said.items() if len({getattr(other, field) for other in alike}) > 1]
    return " ".join([one.recipe or "as given", *([f"({test})"] if test else []), *telling])


def _tell(name: str, series: Series) -> str:
    points = _known_points(series)
    first, last = (format_value(point.value or 0.0, series.unit) for point in (points[0], points[-1]))
    runs = f"{len(points)} run{'' if len(points) == 1 else 's'}"
    changed = [f", {_change_text(change)} on {change.created_at[:10]}" for change in series.changes]
    broken = [f", kernel {visible(found.after)} from {found.created_at[:10]} on" for found in series.breaks]
    return f"{name}: {runs}, {first} first, {last} last{''.join(changed)}{''.join(broken)}"


def panels(found: Iterable[Series]) -> list[Panel]:
    """Series together that belong in one chart, in the order they come."""
    together: dict[tuple[str, str, str], list[Series]] = {}
    for series in found:
        together.setdefault((series.candidate, series.device, series.metric), []).append(series)
    return [Panel(*key, tuple(series)) for key, series in together.items()]


def history_chart(panel: Panel) -> Spec | None:
    """The Vega-Lite specification, or None where no series has two points."""
    if all(len(_known_points(one)) < _FEWEST for one in panel.series):
        return None
    drawn = panel.lanes[:_MOST]
    x = _time_axis([one for same in drawn for _, one in same])
    height = HEIGHT if len(drawn) == 1 else LANE_HEIGHT
    last = len(drawn) - 1
    return stacked(
        [
            _draw_lane(panel.title, same, x if place == last else _unlabelled(x), height=height)
            for place, same in enumerate(drawn)
        ]
    )


def _known_points(series: Series) -> list[SeriesPoint]:
    return [point for point in series.points if point.value is not None]


def _time_axis(series: list[Series]) -> Spec:
    """One axis for all lanes. Its title has the days and the time zone, its labels the day once and hours between."""
    stamps = sorted(point.created_at for one in series for point in _known_points(one))
    first, last = (datetime.fromisoformat(stamp).astimezone(UTC) for stamp in (stamps[0], stamps[-1]))
    days = f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    axis = {"title": f"{days} (UTC)", "grid": True, "format": _TIMES, "tickCount": 5, "labelFlush": False}
    return {"field": "x", "type": "temporal", "scale": {"type": "utc", "domain": [stamps[0], stamps[-1]]}, "axis": axis}


def _unlabelled(x: Spec) -> Spec:
    bare = {"labels": False, "ticks": False, "domain": False, "title": None}
    return x | {"axis": x["axis"] | bare}


def _draw_lane(title: str, same: list[tuple[str, Series]], x: Spec, *, height: int) -> Spec:
    values = [value for _, one in same for point in one.points for value in _bounds(point)]
    factor, unit = axis_unit(max(abs(value) for value in values), same[0][1].unit)
    found = range_of(values)
    ceiling = 1.0 if same[0][1].unit == "1" else float("inf")
    low, high = found.padded(_ROOM, ceiling=ceiling)
    y = quantitative("y", domain=(low / factor, high / factor), log=found.log, title=None)
    y["axis"] |= {"tickCount": 4}
    names = [name for name, _ in same]
    alone = len(names) == 1
    rows = [row for name, one in same for row in _rows(one, name=name, factor=factor)]
    heading = lines(f"{names[0] if alone else same[0][1].recipe or 'as given'}: {title} ({unit})")
    return lane(heading, rows=rows, layers=_layers(names, x, y), height=height)


def _bounds(point: SeriesPoint) -> list[float]:
    return [
        bound for bound in (point.value, point.ci_low, point.ci_high) if bound is not None and point.value is not None
    ]


def _rows(series: Series, *, name: str, factor: float) -> list[Row]:
    rows: list[Row] = []
    starts = [found.at for found in series.breaks]
    for place, point in enumerate(series.points):
        if point.value is None:
            continue
        row: Row = {"series": name, "kind": "point", "x": point.created_at, "y": short((point.value or 0.0) / factor)}
        row["segment"] = f"{name} {bisect_right(starts, place)}"
        if point.ci_low is not None and point.ci_high is not None:
            row |= {"low": short(point.ci_low / factor), "high": short(point.ci_high / factor)}
        rows.append(row)
    rows += [
        {"series": name, "kind": "change", "x": change.created_at, "text": _change_text(change)}
        for change in series.changes
    ]
    rows += [
        {"series": name, "kind": "break", "x": found.created_at, "text": f"kernel {visible(found.after)}"}
        for found in series.breaks
    ]
    return rows


def _change_text(change: Change) -> str:
    """``+12 %``, or nothing where the level before was zero."""
    return f"{100 * (change.after / change.before - 1):+.2g} %" if change.before else ""


def _layers(names: list[str], x: Spec, y: Spec) -> list[Spec]:
    legend: Spec = {"orient": "bottom", "title": None, "columns": 1, "labelLimit": 0}
    legend |= {"symbolOpacity": 1, "symbolSize": 70, "symbolStrokeWidth": 0}
    named: Spec = {"field": "series", "type": "nominal", "legend": legend if len(names) > 1 else None}
    count = range(len(names))
    colour = named | {"scale": {"domain": names, "range": [palette(place) for place in count]}}
    shape = named | {"scale": {"domain": names, "range": [SHAPES[place % len(SHAPES)] for place in count]}}
    dash = named | {"scale": {"domain": names, "range": [_DASHES[place % len(_DASHES)] for place in count]}}
    red, ink = {"value": LIMIT}, {"value": INK}
    ends = {"y": y | {"field": "low"}, "y2": {"field": "high"}}
    dashed = {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.5}
    words = {"type": "text", "align": "right", "dx": -4, "dy": 6, "fontSize": 11}
    segment: Spec = {"field": "segment", "type": "nominal"}
    dotted = {"type": "rule", "strokeDash": [1, 3], "strokeWidth": 1.5}
    below = words | {"dy": 20}
    return [
        layer("change", dashed, {"x": x, "color": red}),
        layer("point", {"type": "rule", "opacity": 0.4, "strokeWidth": 3}, {"x": x, **ends, "color": colour}),
        layer(
            "point",
            {"type": "line", "strokeWidth": 1.5},
            {"x": x, "y": y, "color": colour, "strokeDash": dash, "detail": segment},
        ),
        layer(
            "point",
            {"type": "point", "filled": True, "size": 30},
            {"x": x, "y": y, "color": colour, "shape": shape},
        ),
        layer("change", words, {"x": x, "y": {"value": 0}, "text": {"field": "text"}, "color": ink}),
        layer("break", dotted, {"x": x, "color": ink}),
        layer("break", below, {"x": x, "y": {"value": 0}, "text": {"field": "text"}, "color": ink}),
    ]
