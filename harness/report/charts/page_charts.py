"""The charts of a report, drawn in the order of the page while it stays below its size; time lines come last."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from harness.records.errors import HarnessError
from harness.records.history import Series
from harness.records.results import Results
from harness.records.text import visible
from harness.report.charts.chart_client import ChartClient, check_svg
from harness.report.charts.distribution import arms_distribution, distribution
from harness.report.charts.history import history_chart, panels
from harness.report.charts.ratios import ratio_chart
from harness.report.charts.stages import stages_chart
from harness.report.charts.style import Spec
from harness.report.charts.timeline import timeline
from harness.report.charts.tradeoff import tradeoffs
from harness.report.conclusions import candidates_together
from harness.report.groups import Group, Variant, groups
from harness.report.labels import worst_first

MAX_CHARTS_BYTES = 900_000
"""So that a page with many candidates stays small; past it no further group is drawn, and the page says so."""
MAX_CHARTS = 80
"""So that it is made soon: a small machine draws some ten in a second."""
_FULL = "charts left out to keep this page small; the numbers stand in the table."


@dataclass(frozen=True)
class Chart:
    """One drawn chart, the sentence under it, and what it shows in words."""

    title: str
    caption: str
    svg: str
    section: str = "charts"
    about: str = ""
    """The variant's name where the chart shows one alone."""
    alternative: str = ""


@dataclass(frozen=True)
class GroupCharts:
    """A group with its charts; none where nothing was measured, the page was full or drawing failed."""

    group: Group
    figures: tuple[Chart, ...]
    missing: str = ""
    """Why there are no charts though something was measured, a sentence."""
    calm: tuple[str, ...] = ()
    """Of each variant whose trials were all alike its name and what they were like, instead of a time line."""

    def of(self, section: str) -> list[Chart]:
        """The charts that stand in a section of the page."""
        return [figure for figure in self.figures if figure.section == section]


class _Picture(Protocol):
    """What each file of this room makes of a group or an entry."""

    @property
    def caption(self) -> str: ...

    @property
    def alternative(self) -> str: ...

    def spec(self) -> Spec: ...


@dataclass(frozen=True)
class _PlannedChart:
    chart: Chart
    """Without its svg."""
    spec: Spec


class _Drawing:
    """What was drawn so far: whether there is room for more, and why nothing more can be drawn."""

    def __init__(self, client: ChartClient, max_bytes: int, most: int) -> None:
        self._client, self._bytes, self._charts = client, max_bytes, most
        self.broken = ""

    @property
    def full(self) -> bool:
        return self._bytes < 0 or self._charts < 0

    def draw(self, wanted: list[_PlannedChart]) -> list[Chart]:
        """The charts, or none where there is no room for all of them. HarnessError where they cannot be drawn."""
        try:
            svgs = self._client.draw([planned.spec for planned in wanted]) if wanted else []
            drawn = [replace(one.chart, svg=check_svg(svg)) for one, svg in zip(wanted, svgs, strict=True)]
        except HarnessError as error:
            self.broken = "" if self._client.running else str(error)
            raise
        self._bytes -= sum(len(chart.svg.encode()) for chart in drawn)
        self._charts -= len(drawn)
        return [] if self.full else drawn


def draw_charts(results: Results, client: ChartClient, *, max_bytes: int = MAX_CHARTS_BYTES) -> list[GroupCharts]:
    """The charts of every group, checked. Where they cannot be drawn, the groups say so and the page goes without."""
    drawing = _Drawing(client, max_bytes, MAX_CHARTS)
    histories: dict[tuple[str, str], list[Series]] = {}
    for one in results.history:
        histories.setdefault((one.candidate, one.device), []).append(one)
    several = _of_several_candidates(results)
    found = []
    for group in groups(results):
        history = histories.get((group.candidate, group.device), [])
        beside = [picture for variant in group.variants for picture in several.get(id(variant.entry), [])]
        found.append(_draw(group, [*_own(group), *beside, *_against_baseline(group), *_over_time(history)], drawing))
    return _with_timelines(found, results, drawing)


def _of_several_candidates(results: Results) -> dict[int, list[_PlannedChart]]:
    """Pictures of candidates that do the same work, each a recipe of its own: with the first one's entry, by its id."""
    found = {}
    for device, entries in candidates_together(results):
        variants = tuple(Variant(visible(entry.subject), place, entry) for place, entry in enumerate(entries))
        pictures = tradeoffs(Group("", device, variants, ()))
        found[id(entries[0])] = [
            _plan(f"{picture.title}: {len(picture.points)} candidates", picture, "charts") for picture in pictures
        ]
    return found


def _draw(group: Group, wanted: list[_PlannedChart], drawing: _Drawing) -> GroupCharts:
    if not wanted:
        return GroupCharts(group, ())
    if drawing.broken or drawing.full:
        return GroupCharts(group, (), drawing.broken or _FULL)
    try:
        figures = drawing.draw(wanted)
    except HarnessError as error:
        return GroupCharts(group, (), str(error))
    return GroupCharts(group, tuple(figures), "" if figures else _FULL)


def _with_timelines(found: list[GroupCharts], results: Results, drawing: _Drawing) -> list[GroupCharts]:
    """A time line for each entry with something to see in it, worst first, as long as there is room."""
    ranks = {id(entry): rank for rank, entry in enumerate(worst_first(results.entries))}
    places = [
        (ranks[id(variant.entry)], place, variant)
        for place, one in enumerate(found)
        for variant in one.group.variants
        if not one.missing
    ]
    for _, place, variant in sorted(places, key=lambda one: one[:2]):
        record = results.devices.get(variant.entry.device)
        line = timeline(variant.entry, max_temp_c=record.profile.limits.max_temp_c if record else None)
        if line is not None and line.is_calm:
            found[place] = replace(found[place], calm=(*found[place].calm, f"{variant.name} ({line.ranges})"))
            continue
        if line is None or drawing.broken or drawing.full:
            continue
        try:
            figures = drawing.draw([_plan(f"Trial by trial: {variant.name}", line, "charts", about=variant.name)])
        except HarnessError as error:
            found[place] = replace(found[place], missing=str(error))
            continue
        found[place] = replace(found[place], figures=(*found[place].figures, *figures))
    return found


def _own(group: Group) -> Iterator[_PlannedChart]:
    for picture in tradeoffs(group):
        yield _plan(picture.title, picture, "charts")
    if (lanes := distribution(group)) is not None:
        yield _plan("Latency distribution", lanes, "charts")
    if (bars := stages_chart(group)) is not None:
        yield _plan("Where the time goes", bars, "stages")


def _against_baseline(group: Group) -> Iterator[_PlannedChart]:
    for variant in group.variants:
        if (ratios := ratio_chart(variant.entry)) is not None:
            yield _plan(f"Each block's change: {variant.name}", ratios, "baseline", about=variant.name)
        if (arms := arms_distribution(variant.entry)) is not None:
            yield _plan(f"Both arms: {variant.name}", arms, "baseline", about=variant.name)


def _over_time(history: list[Series]) -> Iterator[_PlannedChart]:
    """The latency's way, and that of what changed; the others stand in the table."""
    for panel in panels(history):
        spec = history_chart(panel) if panel.metric == "latency_p50" or panel.sentences else None
        if spec is not None:
            title = f"{panel.title} from run to run"
            chart = Chart(title, panel.caption, "", "history", alternative=panel.alternative)
            yield _PlannedChart(chart, spec)


def _plan(title: str, picture: _Picture, section: str, *, about: str = "") -> _PlannedChart:
    return _PlannedChart(Chart(title, picture.caption, "", section, about, picture.alternative), picture.spec())
