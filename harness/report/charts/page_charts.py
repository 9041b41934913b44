"""The charts of a report, drawn a group at a time in the order of the page while it stays below its size."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.errors import HarnessError
from harness.records.history import Series
from harness.records.results import Results
from harness.report.charts.chart_client import ChartClient, check_svg
from harness.report.charts.distribution import arms_distribution, beyond, distribution
from harness.report.charts.history import CAPTION as HISTORY_CAPTION
from harness.report.charts.history import history_chart, panels
from harness.report.charts.ratios import ratio_chart
from harness.report.charts.stages import stages_chart
from harness.report.charts.style import Spec
from harness.report.charts.tradeoff import against, tradeoff
from harness.report.groups import Group, groups

MAX_CHARTS_BYTES = 900_000
"""So that a page with many candidates stays small; past it no further group is drawn, and the page says so."""
_FULL = "charts left out to keep this page small; the numbers stand in the table."

_RATIO_CAPTION = (
    "A point is a block, the first at the top. Bar: the ratio with its interval; dashed: the budget; line: 1."
)
_ARMS_CAPTION = (
    "All inferences of both arms, each scaled to its own peak. Line: p50 with its interval; ticks: trials' medians."
)
_STAGES_CAPTION = "The three stages side by side. Line: the whole, timed from its start to its end, with its interval."


@dataclass(frozen=True)
class Chart:
    """One drawn chart and the sentence under it."""

    title: str
    caption: str
    svg: str
    section: str = "charts"
    about: str = ""
    """The variant's name where the chart shows one alone."""


@dataclass(frozen=True)
class GroupCharts:
    """A group with its charts; none where nothing was measured, the page was full or drawing failed."""

    group: Group
    figures: tuple[Chart, ...]
    missing: str = ""
    """Why there are no charts though something was measured, a sentence."""

    def of(self, section: str) -> list[Chart]:
        """The charts that stand in a section of the page."""
        return [figure for figure in self.figures if figure.section == section]


@dataclass(frozen=True)
class _PlannedChart:
    title: str
    caption: str
    spec: Spec
    section: str
    about: str = ""


def draw_charts(results: Results, client: ChartClient, *, max_bytes: int = MAX_CHARTS_BYTES) -> list[GroupCharts]:
    """The charts of every group, checked. Where they cannot be drawn, the groups say so and the page goes without."""
    histories: dict[tuple[str, str], list[Series]] = {}
    for one in results.history:
        histories.setdefault((one.candidate, one.device), []).append(one)
    found, used, broken = [], 0, ""
    for group in groups(results):
        history = histories.get((group.candidate, group.device), [])
        drawn = GroupCharts(group, (), (broken or _FULL) if group.variants or history else "")
        if used <= max_bytes and not broken:
            drawn = _draw(group, history, client)
            broken = "" if client.running else drawn.missing
            used += sum(len(figure.svg.encode()) for figure in drawn.figures)
            if used > max_bytes:
                drawn = GroupCharts(group, (), _FULL)
        found.append(drawn)
    return found


def _draw(group: Group, history: list[Series], client: ChartClient) -> GroupCharts:
    wanted = _plan_charts(group, history)
    if not wanted:
        return GroupCharts(group, ())
    try:
        svgs = client.draw([chart.spec for chart in wanted])
        figures = tuple(
            Chart(chart.title, chart.caption, check_svg(svg), chart.section, chart.about)
            for chart, svg in zip(wanted, svgs, strict=True)
        )
    except HarnessError as error:
        return GroupCharts(group, (), str(error))
    return GroupCharts(group, figures)


def _plan_charts(group: Group, history: list[Series]) -> list[_PlannedChart]:
    y_title = "accuracy and size" if against(group) == "accuracy" else "size"
    charts = (
        ("Latency distribution", _distribution_caption(group), distribution(group), "charts"),
        (f"Latency against {y_title}", _tradeoff_caption(group), tradeoff(group), "charts"),
        ("Where the time goes", _STAGES_CAPTION, stages_chart(group), "stages"),
    )
    own = [_PlannedChart(title, caption, spec, section) for title, caption, spec, section in charts if spec is not None]
    return [*own, *_against_baseline(group), *_over_time(history)]


def _against_baseline(group: Group) -> Iterator[_PlannedChart]:
    for variant in group.variants:
        for title, caption, spec in (
            ("Each block's ratio", _RATIO_CAPTION, ratio_chart(variant.entry)),
            ("Both arms", _ARMS_CAPTION, arms_distribution(variant.entry)),
        ):
            if spec is not None:
                yield _PlannedChart(f"{title}: {variant.name}", caption, spec, "baseline", variant.name)


def _over_time(history: list[Series]) -> Iterator[_PlannedChart]:
    """The latency's way, and that of what changed; the others stand in the table."""
    for panel in panels(history):
        spec = history_chart(panel) if panel.metric == "latency_p50" or panel.sentences else None
        if spec is not None:
            yield _PlannedChart(f"{panel.title} from run to run", HISTORY_CAPTION, spec, "history")


def _distribution_caption(group: Group) -> str:
    slower = beyond(group)
    rest = f" {slower} slower inferences lie to the right of the axis." if slower else ""
    return (
        "All inferences of all valid trials; each lane is scaled to its own peak. Line: p50 with its interval; "
        f"ticks below: each trial's median.{rest}"
    )


def _tradeoff_caption(group: Group) -> str:
    if against(group) == "accuracy":
        return "Left and up is better. The symbol's area shows the model's size; lines are intervals."
    return "Left and down is better; lines are intervals. No accuracy is known for this candidate."
