"""What a recipe buys: latency against accuracy, energy or size, with the Pareto front and the budgets."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.entry import Entry, Measurement
from harness.records.metrics import METRICS, Better
from harness.report.charts.style import (
    CONFIG,
    INK,
    LIMIT,
    MUTED,
    SHAPES,
    WIDTH,
    Range,
    Spec,
    axis_unit,
    layer,
    lines,
    palette,
    quantitative,
    range_of,
    short,
)
from harness.report.groups import Group, Variant
from harness.report.numbers import format_value, number, scored, value_of

X = "latency_p50"
HEIGHT = 230
_ROOM = 0.08
_FEWEST = 2
"""One recipe alone has nothing to be held against."""
_LEAST_ACCURACY = 0.04
"""The least that an accuracy axis shows, 4 pt."""
_AREAS = (60, 500)
_MODELLED = "model:"
_SIDES = ("left", "right")
MOST_POINTS = 20
"""Of a picture; those on the front come first, then the fastest."""

Row = dict[str, str | float]


@dataclass(frozen=True)
class _Point:
    """A variant with its latency and what stands on the second axis."""

    variant: Variant
    x: Measurement
    y: Measurement

    @property
    def label(self) -> list[str]:
        """Name, accuracy and size for the legend, so that nothing must be hovered to be read."""
        metrics = dict.fromkeys(("accuracy", "model_size", self.y.metric))
        shown = [number(self.variant.entry, metric) for metric in metrics]
        return lines(", ".join([self.variant.name, *(text.value for text in shown if text and text.value != "–")]))

    @property
    def place(self) -> tuple[float, float]:
        """Latency, and the other figure turned so that less is better."""
        x, y = self.x.value or 0.0, self.y.value or 0.0
        return x, -y if self.y.better == "higher" else y


@dataclass(frozen=True)
class _ShownMetric:
    """What an axis is called, its unit, and which way is better."""

    title: str
    unit: str
    better: Better


@dataclass(frozen=True)
class Tradeoff:
    """One Pareto picture: its points, those that no other beats on both axes, and the budgets of both."""

    metric: str
    points: tuple[_Point, ...]
    left_out: int = 0

    @classmethod
    def of(cls, metric: str, points: Sequence[_Point]) -> "Tradeoff":
        """The picture of some points, the most telling ones where they are many."""
        every = cls(metric, tuple(points))
        if len(points) <= MOST_POINTS:
            return every
        front = set(map(id, every.front))
        kept = sorted(points, key=lambda one: (id(one) not in front, one.place))[:MOST_POINTS]
        return cls(metric, tuple(one for one in points if one in kept), len(points) - MOST_POINTS)

    @property
    def title(self) -> str:
        """What stands against what."""
        return f"Latency against {self._shown('y').title}"

    @property
    def front(self) -> list[_Point]:
        """Points that no other beats: none is faster and at least as good, or as fast and better. Fastest first."""
        found = [
            one
            for one in self.points
            if not any(
                other.place != one.place and all(a <= b for a, b in zip(other.place, one.place, strict=True))
                for other in self.points
            )
        ]
        return sorted(found, key=lambda one: one.place)

    @property
    def caption(self) -> str:
        """How to read it, and which budgets lie outside of it."""
        better = "up" if self._shown("y").better == "higher" else "down"
        area = "" if self.metric == "model_size" else " The larger a symbol, the larger the model."
        lost = "" if self.metric == "accuracy" else _without_accuracy(self.points)
        limited = any(set(self._limits(field)) - set(self._range(field).outside) for field in ("x", "y"))
        sampled = any(one.ci_low is not None for field in ("x", "y") for one in self._figures(field))
        said = [*([" Whiskers: intervals."] if sampled else []), *([" Dashed: budgets."] if limited else [])]
        said += [f" {sentence}" for sentence in self._outside()]
        said += [f" {self.left_out} slower ones are left out."] if self.left_out else []
        return (
            f"Left and {better} is better. Line: the front, on which nothing is beaten on both axes; the others are "
            f"pale.{area}{lost}{''.join(said)}"
        )

    @property
    def alternative(self) -> str:
        """The picture in words: every point with both figures, and the front."""
        told = [
            f"{one.variant.name} {format_value(one.x.value or 0.0, 's')} and "
            f"{format_value(one.y.value or 0.0, one.y.unit)}"
            for one in self.points
        ]
        front = ", ".join(one.variant.name for one in self.front)
        return f"{self.title}: {'; '.join(told)}. On the front: {front}."

    def spec(self) -> Spec:
        """The Vega-Lite specification."""
        ranges = {field: self._range(field) for field in ("x", "y")}
        axes = {field: _Axis.of(field, self._shown(field), ranges[field]) for field in ranges}
        return {
            "data": {"values": [*_point_rows(self, axes), *self._front_rows(axes), *self._limit_rows(axes)]},
            "width": WIDTH,
            "height": HEIGHT,
            "layer": _layers(self, axes),
            "config": CONFIG,
        }

    def _metric(self, field: str) -> str:
        return X if field == "x" else self.metric

    def _shown(self, field: str) -> "_ShownMetric":
        """What an axis shows: of accuracy what the points' own metric is, where they name one."""
        metric = METRICS[self._metric(field)]
        accuracy = scored(self.points[0].variant.entry) if metric.name == "accuracy" and self.points else None
        if accuracy is None:
            return _ShownMetric(metric.title, metric.unit, metric.better)
        return _ShownMetric(accuracy.title, accuracy.unit, "higher" if accuracy.sign > 0 else "lower")

    def _figures(self, field: str) -> list[Measurement]:
        return [one.x if field == "x" else one.y for one in self.points]

    def _range(self, field: str) -> Range:
        shares = self._metric(field) == "accuracy" and self._shown(field).unit == "1"
        least = _LEAST_ACCURACY if shares else None
        bounds = [b for m in self._figures(field) for b in (m.value, m.ci_low, m.ci_high) if b is not None]
        return range_of(bounds, self._limits(field), least=least)

    def _limits(self, field: str) -> list[float]:
        """Every budget of an axis' metric, each once."""
        entries = [one.variant.entry for one in self.points]
        return list(dict.fromkeys(limit for entry in entries for limit in _limits(entry, self._metric(field))))

    def _outside(self) -> list[str]:
        return [
            f"The budget of {format_value(limit, self._shown(field).unit)} lies outside."
            for field in ("x", "y")
            for limit in self._range(field).outside
        ]

    def _front_rows(self, axes: "dict[str, _Axis]") -> list[Row]:
        front = [one for one in self.front if one.x.value is not None and one.y.value is not None]
        if len(front) < _FEWEST:
            return []
        return [
            {
                "kind": "front",
                "x": short((one.x.value or 0.0) / axes["x"].factor),
                "y": short((one.y.value or 0.0) / axes["y"].factor),
            }
            for one in front
        ]

    def _limit_rows(self, axes: "dict[str, _Axis]") -> list[Row]:
        return [
            self._limit_row(field, limit, axes[field])
            for field in ("x", "y")
            for limit in self._limits(field)
            if limit not in axes[field].range.outside
        ]

    def _limit_row(self, field: str, limit: float, axis: "_Axis") -> Row:
        """A budget with its words, which stand on the side of its line that has room."""
        known = self._shown(field)
        sign = "≤" if known.better == "lower" else "≥"
        side = "left" if limit < (axis.range.low + axis.range.high) / 2 else "right"
        text = f"{sign} {format_value(limit, known.unit)}"
        return {"kind": f"{field}-limit", field: short(limit / axis.factor), "text": text, "side": side}


def tradeoffs(group: Group) -> list[Tradeoff]:
    """The group's pictures: against accuracy where it is known, energy where it is measured or limited, else size.

    A picture of one recipe alone is none; size has one beside accuracy only where it is limited.
    """
    found = {metric: Tradeoff.of(metric, _points(group, metric)) for metric in ("accuracy", *_OTHERS)}
    wanted = [
        "accuracy",
        *(["energy_per_inference"] if _is_measured(found["energy_per_inference"]) else []),
        *(["model_size"] if len(found["accuracy"].points) < _FEWEST or _is_limited(found["model_size"]) else []),
    ]
    return [found[metric] for metric in wanted if len(found[metric].points) >= _FEWEST]


_OTHERS = ("energy_per_inference", "model_size")


def _is_limited(picture: Tradeoff) -> bool:
    return any(_limits(one.variant.entry, picture.metric) for one in picture.points)


def _is_measured(picture: Tradeoff) -> bool:
    """Whether a sensor measured it or a budget asks for it: an energy from a model is little but the latency again."""
    return _is_limited(picture) or any(not (one.y.source or _MODELLED).startswith(_MODELLED) for one in picture.points)


def _points(group: Group, metric: str) -> list[_Point]:
    points = []
    for variant in group.variants:
        x, y = value_of(variant.entry, X), value_of(variant.entry, metric)
        if x and y and x.value and x.value > 0:
            points.append(_Point(variant, x, y))
    return _of_one_metric(points) if metric == "accuracy" else points


def _of_one_metric(points: list[_Point]) -> list[_Point]:
    """Those scored as the first is: figures of two metrics share no axis."""
    ways = [found.metric if (found := scored(one.variant.entry)) else None for one in points]
    return [one for one, way in zip(points, ways, strict=True) if way == ways[0]]


def _limits(entry: Entry, metric: str) -> list[float]:
    """The entry's budgets of a metric; one on the accuracy's drop is drawn where it leaves float32's accuracy."""
    own = [f.limit for f in entry.findings if f.gate == "budget" and f.metric == metric and f.limit is not None]
    drop = entry.artifact.verification.accuracy_drop if entry.artifact else None
    accuracy = value_of(entry, "accuracy")
    if metric == "accuracy" and drop is not None and accuracy and accuracy.value is not None:
        sign = 1 if accuracy.better == "higher" else -1
        whole = accuracy.value + sign * drop.value
        own += [whole - sign * f.limit for f in entry.findings if f.gate == "accuracy_drop" and f.limit is not None]
    return [short(limit) for limit in own]


def _without_accuracy(points: tuple[_Point, ...]) -> str:
    known = any(value_of(one.variant.entry, "accuracy") for one in points)
    return "" if known else " No accuracy is known."


@dataclass(frozen=True)
class _Axis:
    """An axis with the unit in which its ticks are written."""

    factor: float
    range: Range
    encoding: Spec

    @classmethod
    def of(cls, field: str, known: _ShownMetric, found: Range) -> "_Axis":
        """The axis of a metric over a range in its base unit; a share ends at 100 %, and what is positive at zero."""
        factor, unit = axis_unit(found.high, known.unit)
        floor = 0.0 if found.low >= 0.0 else -float("inf")
        low, high = found.padded(_ROOM, floor=floor, ceiling=1.0 if known.unit == "1" else float("inf"))
        title = f"{known.title} ({unit})"
        domain = (low / factor, high / factor)
        return cls(factor, found, quantitative(field, domain=domain, log=found.log, title=title))


def _point_rows(picture: Tradeoff, axes: dict[str, _Axis]) -> list[Row]:
    front = {id(one) for one in picture.front}
    rows = []
    for one in picture.points:
        size = value_of(one.variant.entry, "model_size")
        row: Row = {"recipe": "\n".join(one.label), "size": size.value or 0.0 if size else 0.0}
        row["kind"] = "beaten" if id(one) not in front else "best"
        for field, measurement in (("x", one.x), ("y", one.y)):
            row[field] = short((measurement.value or 0.0) / axes[field].factor)
            if measurement.ci_low is not None and measurement.ci_high is not None:
                row[f"{field}_low"] = short(measurement.ci_low / axes[field].factor)
                row[f"{field}_high"] = short(measurement.ci_high / axes[field].factor)
        rows.append(row)
    return rows


def _layers(picture: Tradeoff, axes: dict[str, _Axis]) -> list[Spec]:
    x, y = axes["x"].encoding, axes["y"].encoding
    whiskers = {"type": "rule", "opacity": 0.8}
    grey, ink, red = ({"value": colour} for colour in (MUTED, INK, LIMIT))
    looks = _looks(picture)
    dashed = {"type": "rule", "strokeDash": [5, 3], "strokeWidth": 1.5}
    words = {"type": "text", "fontSize": 11, "color": LIMIT, "limit": 0}
    step = {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5, "opacity": 0.7}
    best = {"type": "point", "filled": True, "opacity": 0.9, "stroke": INK, "strokeWidth": 1}
    text = {"field": "text"}
    top, right = {"value": 0}, {"value": WIDTH}
    return [
        layer("x-limit", dashed, {"x": x, "color": red}),
        layer("y-limit", dashed, {"y": y, "color": red}),
        layer("front", step, {"x": x, "y": y, "color": ink, "order": {"field": "x", "type": "quantitative"}}),
        {"mark": whiskers, "encoding": {"x": x | {"field": "x_low"}, "x2": {"field": "x_high"}, "y": y, "color": grey}},
        {"mark": whiskers, "encoding": {"x": x, "y": y | {"field": "y_low"}, "y2": {"field": "y_high"}, "color": grey}},
        layer("beaten", {"type": "point", "filled": True, "opacity": 0.45}, {"x": x, "y": y, **looks}),
        layer("best", best, {"x": x, "y": y, **looks}),
        *(_on_side(side, words | {"align": side, "dy": -6}, {"x": x, "y": top, "text": text}) for side in _SIDES),
        layer("y-limit", words | {"align": "right", "dy": -6}, {"x": right, "y": y, "text": text}),
    ]


def _on_side(side: str, mark: Spec, encoding: Spec) -> Spec:
    made = layer("x-limit", mark, encoding)
    return made | {"transform": [*made["transform"], {"filter": f"datum.side === '{side}'"}]}


def _looks(picture: Tradeoff) -> Spec:
    """Colour and shape tell recipes apart, area is the model's size."""
    points = picture.points
    labels = ["\n".join(one.label) for one in points]
    colours = [palette(one.variant.colour) for one in points]
    shapes = [SHAPES[one.variant.colour % len(SHAPES)] for one in points]
    legend = {
        "orient": "bottom",
        "title": None,
        "columns": 1,
        "symbolSize": 90,
        "symbolOpacity": 1,
        "symbolStrokeWidth": 0,
        "labelExpr": r"split(datum.label, '\n')",
        "labelLimit": 0,
    }
    named = {"field": "recipe", "type": "nominal", "legend": legend}
    looks: Spec = {
        "color": named | {"scale": {"domain": labels, "range": colours}},
        "shape": named | {"scale": {"domain": labels, "range": shapes}},
    }
    if picture.metric == "model_size":
        return looks | {"size": {"value": 130}}
    sizes = [size.value for one in points if (size := value_of(one.variant.entry, "model_size")) and size.value]
    scale = {"domain": [0, max(sizes, default=1.0)], "range": [*_AREAS]}
    return looks | {"size": {"field": "size", "type": "quantitative", "legend": None, "scale": scale}}
