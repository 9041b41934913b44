"""Where the time from a raw sample to the answer goes: a stacked bar per recipe."""

from dataclasses import dataclass, replace

from harness.report.charts.style import INK, PALETTE, Spec, axis_unit, lane, layer, lines, quantitative, short, stacked
from harness.report.groups import Group, Variant, distinct, recipe_name
from harness.report.numbers import STAGES, WHOLE, format_value, has_stages, stage_sum, value_of

BAR_HEIGHT = 28
MOST_BARS = 20
"""Of a chart; the table has all recipes."""

Row = dict[str, str | float]


@dataclass(frozen=True)
class StagesChart:
    """A bar for each variant whose stages are known, with their sum in seconds, on one axis."""

    bars: tuple[tuple[Variant, float], ...]
    left_out: int = 0

    @property
    def caption(self) -> str:
        """How to read it."""
        more = f" {self.left_out} more stand in the table." if self.left_out else ""
        return f"The three stages side by side. Line: the whole, timed from start to end, with its interval.{more}"

    @property
    def alternative(self) -> str:
        """The picture in words: each bar's stages and their sum."""
        return f"Where the time goes. {'; '.join(map(self._tell, self.bars))}."

    def _tell(self, bar: tuple[Variant, float]) -> str:
        variant, total = bar
        stages = [(stage, value_of(variant.entry, stage)) for stage in STAGES]
        told = [f"{stage} {format_value(found.value or 0.0, 's')}" for stage, found in stages if found]
        return f"{variant.name}: {', '.join(told)}, {format_value(total, 's')} together"

    def spec(self) -> Spec:
        """The Vega-Lite specification."""
        longest = max(max(total, _whole_end(variant)) for variant, total in self.bars)
        factor, unit = axis_unit(longest, "s")
        x = quantitative("x", domain=(0.0, longest / factor * 1.02), log=False, title=f"time ({unit})")
        bare = x | {"axis": x["axis"] | {"labels": False, "ticks": False, "domain": False, "title": None}}
        last = len(self.bars) - 1
        return stacked(
            [
                lane(
                    lines(f"{variant.name}: {format_value(total, 's')}"),
                    rows=_rows(variant, factor),
                    layers=_layers(x if place == last else bare, legend=place == last),
                    height=BAR_HEIGHT,
                )
                for place, (variant, total) in enumerate(self.bars)
            ],
            spacing=8,
        )


def stages_chart(group: Group) -> StagesChart | None:
    """The chart, or None where no entry's stages are known."""
    bars = [(variant, total) for variant in staged_variants(group) if (total := stage_sum(variant.entry))]
    return StagesChart(tuple(bars[:MOST_BARS]), max(0, len(bars) - MOST_BARS)) if bars else None


def staged_variants(group: Group) -> list[Variant]:
    """The group's variants with stages, named among themselves."""
    found = [variant for variant in group.variants if has_stages(variant.entry)]
    names = distinct([recipe_name(variant.entry) for variant in found])
    return [replace(variant, name=name) for variant, name in zip(found, names, strict=True)]


def _whole_end(variant: Variant) -> float:
    """The right end of what is drawn for the end to end."""
    whole = value_of(variant.entry, WHOLE)
    return max((bound for bound in (whole.value, whole.ci_high) if bound), default=0.0) if whole else 0.0


def _rows(variant: Variant, factor: float) -> list[Row]:
    start, rows = 0.0, list[Row]()
    for stage in STAGES:
        found = value_of(variant.entry, stage)
        end = start + (found.value or 0.0 if found else 0.0)
        rows.append({"kind": "stage", "stage": stage, **_span(start, end, factor)})
        start = end
    whole = value_of(variant.entry, WHOLE)
    if whole and whole.value:
        low, high = whole.ci_low or whole.value, whole.ci_high or whole.value
        rows.append({"kind": "whole", **_span(whole.value, whole.value, factor)})
        rows.append({"kind": "interval", **_span(low, high, factor)})
    return rows


def _span(start: float, end: float, factor: float) -> dict[str, float]:
    return {"x": short(start / factor), "x2": short(end / factor)}


def _layers(x: Spec, *, legend: bool) -> list[Spec]:
    scale = {"domain": list(STAGES), "range": list(PALETTE[: len(STAGES)])}
    shown = {"orient": "bottom", "title": None, "symbolOpacity": 1} if legend else None
    colour = {"field": "stage", "type": "nominal", "scale": scale, "legend": shown}
    x2, ink = {"field": "x2"}, {"value": INK}
    top, bottom, middle = {"value": 0}, {"value": BAR_HEIGHT}, {"value": BAR_HEIGHT / 2}
    return [
        layer("stage", {"type": "rect", "opacity": 0.75}, {"x": x, "x2": x2, "y": top, "y2": bottom, "color": colour}),
        layer("interval", {"type": "rule", "strokeWidth": 5}, {"x": x, "x2": x2, "y": middle, "color": ink}),
        layer("whole", {"type": "rule", "strokeWidth": 1.5}, {"x": x, "y": top, "y2": bottom, "color": ink}),
    ]
