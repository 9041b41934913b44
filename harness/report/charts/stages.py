"""Where the time from a raw sample to the answer goes: a stacked bar per recipe."""

from dataclasses import replace

from harness.report.charts.style import CONFIG, INK, PALETTE, WIDTH, Spec, axis_unit, quantitative
from harness.report.groups import Group, Variant, distinct, recipe_name
from harness.report.numbers import STAGES, WHOLE, format_value, has_stages, stage_sum, value_of

BAR_HEIGHT = 26

Row = dict[str, str | float]


def stages_chart(group: Group) -> Spec | None:
    """The Vega-Lite specification, or None where no entry's stages are known."""
    bars = [(variant, total) for variant in staged_variants(group) if (total := stage_sum(variant.entry))]
    if not bars:
        return None
    longest = max(max(total, _whole_end(variant)) for variant, total in bars)
    factor, unit = axis_unit(longest, "s")
    x = quantitative("x", domain=(0.0, longest / factor * 1.02), log=False, title=f"time ({unit})")
    header = {"labelAngle": 0, "labelOrient": "top", "labelAnchor": "start"}
    labels = [_label(variant, total) for variant, total in bars]
    return {
        "data": {
            "values": [
                row for label, (variant, _) in zip(labels, bars, strict=True) for row in _rows(variant, label, factor)
            ]
        },
        "facet": {"row": {"field": "bar", "type": "nominal", "sort": labels, "title": None, "header": header}},
        "spacing": 6,
        "spec": {"width": WIDTH, "height": BAR_HEIGHT, "layer": _layers(x)},
        "config": CONFIG,
    }


def staged_variants(group: Group) -> list[Variant]:
    """The group's variants with stages, named among themselves."""
    found = [variant for variant in group.variants if has_stages(variant.entry)]
    names = distinct([recipe_name(variant.entry) for variant in found])
    return [replace(variant, name=name) for variant, name in zip(found, names, strict=True)]


def _label(variant: Variant, total: float) -> str:
    """Name and sum; the stages themselves stand in the table, and a phone has no room for more."""
    return f"{variant.name}: {format_value(total, 's')}"


def _whole_end(variant: Variant) -> float:
    """The right end of what is drawn for the end to end."""
    whole = value_of(variant.entry, WHOLE)
    return max((bound for bound in (whole.value, whole.ci_high) if bound), default=0.0) if whole else 0.0


def _rows(variant: Variant, label: str, factor: float) -> list[Row]:
    start, rows = 0.0, list[Row]()
    for stage in STAGES:
        found = value_of(variant.entry, stage)
        end = start + (found.value or 0.0 if found else 0.0)
        rows.append({"bar": label, "kind": "stage", "stage": stage, **_span(start, end, factor)})
        start = end
    whole = value_of(variant.entry, WHOLE)
    if whole and whole.value:
        low, high = whole.ci_low or whole.value, whole.ci_high or whole.value
        rows.append({"bar": label, "kind": "whole", **_span(whole.value, whole.value, factor)})
        rows.append({"bar": label, "kind": "interval", **_span(low, high, factor)})
    return rows


def _span(start: float, end: float, factor: float) -> dict[str, float]:
    return {"x": float(f"{start / factor:.6g}"), "x2": float(f"{end / factor:.6g}")}


def _layers(x: Spec) -> list[Spec]:
    scale = {"domain": list(STAGES), "range": list(PALETTE[: len(STAGES)])}
    legend = {"orient": "bottom", "title": None, "symbolOpacity": 1}
    colour = {"field": "stage", "type": "nominal", "scale": scale, "legend": legend}
    x2, ink = {"field": "x2"}, {"value": INK}
    top, bottom, middle = {"value": 0}, {"value": BAR_HEIGHT}, {"value": BAR_HEIGHT / 2}
    return [
        _layer("stage", {"type": "rect", "opacity": 0.75}, {"x": x, "x2": x2, "y": top, "y2": bottom, "color": colour}),
        _layer("interval", {"type": "rule", "strokeWidth": 5}, {"x": x, "x2": x2, "y": middle, "color": ink}),
        _layer("whole", {"type": "rule", "strokeWidth": 1.5}, {"x": x, "y": top, "y2": bottom, "color": ink}),
    ]


def _layer(kind: str, mark: Spec, encoding: Spec) -> Spec:
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark | {"aria": False}, "encoding": encoding}
