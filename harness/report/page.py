"""report.html, and the page of ``harness history --html``: files that need nothing else and ask for nothing else."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.records.history import Series
from harness.records.results import Results
from harness.records.text import visible
from harness.report.charts.chart_client import ChartClient, check_svg
from harness.report.charts.history import CAPTION, Panel, history_chart, panels
from harness.report.charts.page_charts import GroupCharts
from harness.report.labels import STATUS_WORDS, entry_name, exit_meaning, label_of, tally, waived_limits
from harness.report.sections import Section
from harness.report.sections.baseline import BASELINE
from harness.report.sections.checks import CHECKS
from harness.report.sections.comparison import CHARTS, COMPARISON, GAINS
from harness.report.sections.contents import CONTENTS
from harness.report.sections.devices import DEVICES
from harness.report.sections.history import HISTORY
from harness.report.sections.provenance import NOTES, PROVENANCE, SETTINGS
from harness.report.sections.stages import STAGES
from harness.report.sections.verdicts import VERDICTS
from harness.store.disk import write_whole

if TYPE_CHECKING:
    from jinja2 import Environment


PAGE_NAME = "report.html"
SECTIONS: tuple[Section, ...] = (
    VERDICTS,
    BASELINE,
    COMPARISON,
    GAINS,
    STAGES,
    CHARTS,
    HISTORY,
    CHECKS,
    CONTENTS,
    DEVICES,
    SETTINGS,
    PROVENANCE,
    NOTES,
)
"""In their order; one with nothing to say is left out. A new one: a file in sections/, a template, a name here."""

TEMPLATES = Path(__file__).with_name("templates")


def page(results: Results, figures: list[GroupCharts]) -> str:
    """The page's text, the same each time for the same results and figures."""
    made = templates()
    style, style_hash = style_and_hash()
    sections = [
        {
            "name": section.name,
            "title": section.title,
            "body": made.get_template(f"{section.name}.html").render(context),
        }
        for section in SECTIONS
        if (context := section.context(results, figures)) is not None
    ]
    return made.get_template("page.html").render(
        run=results.run,
        tally=tally(results),
        meaning=exit_meaning(results),
        waivers=waived_limits(results),
        style=style,
        style_hash=style_hash,
        sections=sections,
    )


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
            figures=[_history_figure(panel, svg) for (panel, _), svg in zip(wanted, svgs, strict=True)],
            sentences=[sentence for panel in panels(found) for sentence in panel.sentences],
            style=style,
            style_hash=style_hash,
        )
    )
    write_whole(path, text.encode())


def _history_figure(panel: Panel, svg: str) -> dict[str, object]:
    runs = max(len(series.points) for series in panel.series)
    return {
        "candidate": panel.candidate,
        "device": panel.device,
        "title": panel.title,
        "caption": f"{CAPTION} {runs} runs.",
        "alternative": panel.alternative,
        "svg": svg,
        "sentences": panel.sentences,
    }


def style_and_hash() -> tuple[str, str]:
    """The style sheet of all pages, and the hash by which a page's policy allows it."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return style, hash_of(style)


def hash_of(text: str) -> str:
    """A text's sha256 as a Content-Security-Policy has it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def load_templates() -> None:
    """Compile every template, so that ``page`` only fills them in."""
    made = templates()
    for name in made.list_templates(extensions=["html"]):
        made.get_template(name)


@cache
def templates() -> "Environment":
    """The environment all pages are made in: everything is escaped, and a missing name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_make_visible,
    )
    environment.globals.update(words=STATUS_WORDS, entry_name=entry_name, label_of=label_of)
    return environment


def _make_visible(value: Any) -> Any:  # noqa: ANN401 - templates print anything
    """Plain texts lose what steers terminals or reorders letters; markup made here stays as it is."""
    return visible(value) if type(value) is str else value
