"""``harness history --html``: a chart for each candidate, device and metric, in one offline page."""

from collections.abc import Sequence
from pathlib import Path

from harness.records.history import Series
from harness.report.charts.chart_client import ChartClient, check_svg
from harness.report.charts.history import CAPTION, Panel, history_chart, panels
from harness.report.page import load_templates, style_and_hash, templates
from harness.store.disk import write_whole


def write_history_page(found: Sequence[Series], path: Path) -> None:
    """Draw series, which know their changes already, into a page. Raises HarnessError."""
    wanted = [(panel, spec) for panel in panels(found) if (spec := history_chart(panel)) is not None]
    with ChartClient() as client:
        load_templates()  # while the engine starts
        svgs = [check_svg(svg) for svg in client.draw([spec for _, spec in wanted])]
    style, style_hash = style_and_hash()
    text = (
        templates()
        .get_template("history_page.html")
        .render(
            figures=[_figure(panel, svg) for (panel, _), svg in zip(wanted, svgs, strict=True)],
            sentences=[sentence for panel in panels(found) for sentence in panel.sentences],
            style=style,
            style_hash=style_hash,
        )
    )
    write_whole(path, text.encode())


def _figure(panel: Panel, svg: str) -> dict[str, object]:
    runs = max(len(series.points) for series in panel.series)
    return {
        "candidate": panel.candidate,
        "device": panel.device,
        "title": panel.title,
        "caption": f"{CAPTION} {runs} runs.",
        "svg": svg,
        "sentences": panel.sentences,
    }
