"""What a recipe buys: latency against accuracy with size as area, or against size where no accuracy is known."""

from harness.records.results import Measurement
from harness.report.chart_style import CONFIG, MUTED, SHAPES, WIDTH, Spec, axis_unit, palette
from harness.report.distribution import LOG_FROM
from harness.report.groups import Group, Variant
from harness.report.numbers import number, value_of

HEIGHT = 250

Row = dict[str, str | float]


def tradeoff(group: Group) -> Spec | None:
    """The Vega-Lite specification, or None where neither accuracy nor size is known beside a latency."""
    metric = against(group)
    placed = [(variant, value_of(variant.entry, metric)) for variant in group.variants]
    points = [(variant, y) for variant, y in placed if y is not None]
    latencies = [p50.value for variant, _ in points if (p50 := value_of(variant.entry, "latency_p50")) and p50.value]
    if not points or not latencies:
        return None
    factor, unit = axis_unit(max(latencies), "s")
    y_factor, y_unit = (0.01, "%") if metric == "accuracy" else axis_unit(max(y.value or 0 for _, y in points), "B")
    rows = [_row(variant, y, x_factor=factor, y_factor=y_factor) for variant, y in points]
    log = max(latencies) / min(latencies) >= LOG_FROM
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"type": "log" if log else "linear", "zero": False, "padding": 24},
        "axis": {"title": f"latency p50 ({unit})", "tickCount": 6},
    }
    y_axis = {
        "field": "y",
        "type": "quantitative",
        "scale": {"zero": False, "padding": 24},
        "axis": {"title": f"{'accuracy' if metric == 'accuracy' else 'model size'} ({y_unit})", "tickCount": 6},
    }
    return {
        "data": {"values": rows},
        "width": WIDTH,
        "height": HEIGHT,
        "layer": _layers([variant for variant, _ in points], rows, x, y_axis),
        "config": CONFIG,
    }


def against(group: Group) -> str:
    """What stands on the second axis: accuracy where any recipe has one, else model_size."""
    has_accuracy = any(value_of(variant.entry, "accuracy") for variant in group.variants)
    return "accuracy" if has_accuracy else "model_size"


def _row(variant: Variant, y: Measurement, *, x_factor: float, y_factor: float) -> Row:
    p50 = value_of(variant.entry, "latency_p50")
    size = value_of(variant.entry, "model_size")
    row: Row = {"recipe": _label(variant), "y": (y.value or 0.0) / y_factor, "size": size.value or 0.0 if size else 0.0}
    for prefix, measurement, factor in (("x", p50, x_factor), ("y", y, y_factor)):
        if measurement is None or measurement.value is None:
            continue
        row[prefix] = measurement.value / factor
        if measurement.ci_low is not None and measurement.ci_high is not None:
            row |= {f"{prefix}_low": measurement.ci_low / factor, f"{prefix}_high": measurement.ci_high / factor}
    return row


def _label(variant: Variant) -> str:
    size = number(variant.entry, "model_size")
    accuracy = number(variant.entry, "accuracy")
    known = [text.value for text in (accuracy, size) if text and text.value != "–"]
    return ", ".join([variant.name, *known])


def _layers(variants: list[Variant], rows: list[Row], x: Spec, y: Spec) -> list[Spec]:
    labels = [_label(variant) for variant in variants]
    legend = {
        "orient": "bottom",
        "direction": "vertical",
        "title": None,
        "columns": 1,
        "symbolSize": 90,
        "symbolOpacity": 1,
    }
    colour = {
        "field": "recipe",
        "type": "nominal",
        "legend": legend,
        "scale": {"domain": labels, "range": [palette(variant.colour) for variant in variants]},
    }
    shape = {
        "field": "recipe",
        "type": "nominal",
        "legend": legend,
        "scale": {"domain": labels, "range": [SHAPES[variant.colour % len(SHAPES)] for variant in variants]},
    }
    largest = max(float(row["size"]) for row in rows) or 1.0
    size = {
        "field": "size",
        "type": "quantitative",
        "legend": None,
        "scale": {"domain": [0, largest], "range": [20, 420]},
    }
    rule = {"type": "rule", "aria": False, "opacity": 0.7}
    return [
        {
            "mark": rule,
            "encoding": {"x": x | {"field": "x_low"}, "x2": {"field": "x_high"}, "y": y, "color": {"value": MUTED}},
        },
        {
            "mark": rule,
            "encoding": {"x": x, "y": y | {"field": "y_low"}, "y2": {"field": "y_high"}, "color": {"value": MUTED}},
        },
        {
            "mark": {"type": "point", "aria": False, "filled": True, "opacity": 0.75},
            "encoding": {"x": x, "y": y, "color": colour, "shape": shape, "size": size},
        },
    ]
