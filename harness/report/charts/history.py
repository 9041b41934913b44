"""How a metric went from run to run: a line per series, its intervals, and where its level changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.records.history import Series, SeriesPoint
from harness.records.labels import Pair, label_tests
from harness.records.metrics import ESTIMATES, METRICS, Unit
from harness.records.text import visible
from harness.report.charts.style import CONFIG, PALETTE, WIDTH, Spec, axis_unit, palette, quantitative
from harness.report.groups import distinct

CAPTION = "Line: each run's figure with its interval. Dashed: where the level changed and stayed."
HEIGHT = 170
_ROOM = 0.08
_LETTERS = 8

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
        """What changed, in words."""
        return [change.sentence for one in self.series for change in one.changes]


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


def panels(found: Iterable[Series]) -> list[Panel]:
    """Series together that belong in one chart, in the order they come."""
    together: dict[tuple[str, str, str], list[Series]] = {}
    for series in found:
        together.setdefault((series.candidate, series.device, series.metric), []).append(series)
    return [Panel(*key, tuple(series)) for key, series in together.items()]


def history_chart(panel: Panel) -> Spec | None:
    """The Vega-Lite specification, or None where no series has two points."""
    values = [value for one in panel.series for point in one.points for value in _bounds(point)]
    if not values or all(len(_known_points(one)) < 2 for one in panel.series):
        return None
    factor, unit = _unit(max(abs(value) for value in values), panel.series[0].unit)
    y = quantitative("y", domain=_domain(values, factor), log=False, title=f"{panel.title} ({unit})")
    rows = [
        row for name, one in zip(panel.names, panel.series, strict=True) for row in _rows(one, name=name, factor=factor)
    ]
    return {
        "data": {"values": rows},
        "width": WIDTH,
        "height": HEIGHT,
        "layer": _layers(panel.names, y),
        "config": CONFIG,
    }


def _known_points(series: Series) -> list[SeriesPoint]:
    return [point for point in series.points if point.value is not None]


def _bounds(point: SeriesPoint) -> list[float]:
    return [
        bound for bound in (point.value, point.ci_low, point.ci_high) if bound is not None and point.value is not None
    ]


def _unit(largest: float, unit: Unit) -> tuple[float, str]:
    if unit in ("s", "B"):
        return axis_unit(largest, unit)
    return (0.01, "%") if unit == "1" else (1.0, unit)


def _domain(values: Sequence[float], factor: float) -> tuple[float, float]:
    low, high = min(values) / factor, max(values) / factor
    room = (high - low or abs(high) or 1.0) * _ROOM
    return low - room, high + room


def _rows(series: Series, *, name: str, factor: float) -> list[Row]:
    rows: list[Row] = []
    for point in _known_points(series):
        row: Row = {"series": name, "kind": "point", "x": point.created_at, "y": _short(point.value or 0.0, factor)}
        if point.ci_low is not None and point.ci_high is not None:
            row |= {"low": _short(point.ci_low, factor), "high": _short(point.ci_high, factor)}
        rows.append(row)
    rows += [{"series": name, "kind": "change", "x": change.created_at} for change in series.changes]
    return rows


def _short(value: float, factor: float) -> float:
    return float(f"{value / factor:.6g}")


def _layers(names: list[str], y: Spec) -> list[Spec]:
    axis = {"title": None, "grid": False, "format": "%Y-%m-%d", "tickCount": 5}
    x: Spec = {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    legend = {"orient": "bottom", "title": None, "columns": 2, "symbolOpacity": 1} if len(names) > 1 else None
    scale = {"domain": names, "range": [palette(place) for place in range(len(names))]}
    colour = {"field": "series", "type": "nominal", "scale": scale, "legend": legend}
    red = {"value": PALETTE[5]}
    ends = {"y": y | {"field": "low"}, "y2": {"field": "high"}}
    dashed = {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.5}
    return [
        _layer("change", dashed, {"x": x, "color": red}),
        _layer("point", {"type": "rule", "opacity": 0.4, "strokeWidth": 3}, {"x": x, **ends, "color": colour}),
        _layer("point", {"type": "line", "strokeWidth": 1.5}, {"x": x, "y": y, "color": colour}),
        _layer("point", {"type": "point", "filled": True, "size": 28}, {"x": x, "y": y, "color": colour}),
    ]


def _layer(kind: str, mark: Spec, encoding: Spec) -> Spec:
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark | {"aria": False}, "encoding": encoding}
