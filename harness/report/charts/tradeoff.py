"""What a recipe buys: latency against accuracy with size as area, or against size where no accuracy is known."""

from dataclasses import dataclass

from harness.records.results import Measurement
from harness.report.charts.style import CONFIG, LOG_FROM, MUTED, SHAPES, WIDTH, Spec, axis_unit, palette, quantitative
from harness.report.groups import Group, Variant
from harness.report.numbers import number, value_of

HEIGHT = 220
MARGIN = 0.08
"""Room beside the outermost points, as a share of what the axis spans."""

Row = dict[str, str | float]


@dataclass(frozen=True)
class _Point:
    """A variant with its latency and what stands on the second axis."""

    variant: Variant
    x: Measurement
    y: Measurement

    @property
    def label(self) -> str:
        """Name, accuracy and size for the legend, so that nothing must be hovered to be read."""
        shown = [number(self.variant.entry, metric) for metric in ("accuracy", "model_size")]
        return ", ".join([self.variant.name, *(text.value for text in shown if text and text.value != "–")])


def tradeoff(group: Group) -> Spec | None:
    """The Vega-Lite specification, or None where neither accuracy nor size is known beside a latency."""
    metric = against(group)
    points = _points(group, metric)
    if not points:
        return None
    x_factor, x_unit = axis_unit(max(_bounds([point.x for point in points])), "s")
    y_factor, y_unit = _y_unit(metric, points)
    y_title = "accuracy" if metric == "accuracy" else "model size"
    x = _axis([point.x for point in points], "x", factor=x_factor, title=f"latency p50 ({x_unit})")
    y = _axis([point.y for point in points], "y", factor=y_factor, title=f"{y_title} ({y_unit})")
    return {
        "data": {"values": [_row(point, x_factor, y_factor) for point in points]},
        "width": WIDTH,
        "height": HEIGHT,
        "layer": _layers(points, x, y),
        "config": CONFIG,
    }


def against(group: Group) -> str:
    """What stands on the second axis: accuracy where any recipe has one, else model_size."""
    has_accuracy = any(value_of(variant.entry, "accuracy") for variant in group.variants)
    return "accuracy" if has_accuracy else "model_size"


def _points(group: Group, metric: str) -> list[_Point]:
    points = []
    for variant in group.variants:
        x, y = value_of(variant.entry, "latency_p50"), value_of(variant.entry, metric)
        if x and y and x.value and x.value > 0:
            points.append(_Point(variant, x, y))
    return points


def _y_unit(metric: str, points: list[_Point]) -> tuple[float, str]:
    if metric == "accuracy":
        return 0.01, "%"
    return axis_unit(max(_bounds([point.y for point in points])), "B")


def _bounds(measurements: list[Measurement]) -> list[float]:
    """Every number an axis must show."""
    return [b for m in measurements for b in (m.value, m.ci_low, m.ci_high) if b is not None]


def _axis(measurements: list[Measurement], field: str, *, factor: float, title: str) -> Spec:
    bounds = [bound / factor for bound in _bounds(measurements)]
    low, high = min(bounds), max(bounds)
    log = low > 0 and high / low >= LOG_FROM
    if log:
        room = (high / low) ** MARGIN
        domain = (low / room, high * room)
    else:
        room = (high - low or abs(high) or 1.0) * MARGIN
        domain = (low - room, high + room)
    return quantitative(field, domain=domain, log=log, title=title)


def _row(point: _Point, x_factor: float, y_factor: float) -> Row:
    size = value_of(point.variant.entry, "model_size")
    row: Row = {"recipe": point.label, "size": size.value or 0.0 if size else 0.0}
    for field, measurement, factor in (("x", point.x, x_factor), ("y", point.y, y_factor)):
        row[field] = (measurement.value or 0.0) / factor
        if measurement.ci_low is not None and measurement.ci_high is not None:
            row |= {f"{field}_low": measurement.ci_low / factor, f"{field}_high": measurement.ci_high / factor}
    return row


def _layers(points: list[_Point], x: Spec, y: Spec) -> list[Spec]:
    grey = {"value": MUTED}
    rule = {"type": "rule", "aria": False, "opacity": 0.7}
    symbol = {"type": "point", "aria": False, "filled": True, "opacity": 0.75}
    return [
        {"mark": rule, "encoding": {"x": x | {"field": "x_low"}, "x2": {"field": "x_high"}, "y": y, "color": grey}},
        {"mark": rule, "encoding": {"x": x, "y": y | {"field": "y_low"}, "y2": {"field": "y_high"}, "color": grey}},
        {"mark": symbol, "encoding": {"x": x, "y": y, **_looks(points)}},
    ]


def _looks(points: list[_Point]) -> Spec:
    """Colour and shape tell recipes apart, area is the model's size."""
    labels = [point.label for point in points]
    colours = [palette(point.variant.colour) for point in points]
    shapes = [SHAPES[point.variant.colour % len(SHAPES)] for point in points]
    sizes = [value_of(point.variant.entry, "model_size") for point in points]
    largest = max((size.value for size in sizes if size and size.value), default=1.0)
    legend = {"orient": "bottom", "title": None, "columns": 1, "symbolSize": 90, "symbolOpacity": 1}
    named = {"field": "recipe", "type": "nominal", "legend": legend}
    return {
        "color": named | {"scale": {"domain": labels, "range": colours}},
        "shape": named | {"scale": {"domain": labels, "range": shapes}},
        "size": {
            "field": "size",
            "type": "quantitative",
            "legend": None,
            "scale": {"domain": [0, largest], "range": [0, 500]},
        },
    }
