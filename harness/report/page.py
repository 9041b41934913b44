"""report.html, and the page of ``harness history --html``: files that need nothing else and ask for nothing else."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.records.history import Series
from harness.records.results import Results
from harness.records.text import visible
from harness.report.charts.chart_client import ChartClient, check_svg
from harness.report.charts.history import Panel, history_chart, panels
from harness.report.charts.page_charts import GroupCharts
from harness.report.conclusions import conclusions_beside_exit
from harness.report.headline import MOST_BOARDS, MOST_CONCLUSIONS, boards, certainty, comparisons
from harness.report.labels import STATUS_WORDS, entry_name, exit_meaning, label_of, tally, waived_limits
from harness.report.sections import Section
from harness.report.sections.baseline import BASELINE
from harness.report.sections.checks import CHECKS
from harness.report.sections.comparison import CHARTS, COMPARISON, GAINS
from harness.report.sections.contents import CONTENTS
from harness.report.sections.devices import DEVICES
from harness.report.sections.entries import ENTRIES
from harness.report.sections.findings import FINDINGS
from harness.report.sections.history import HISTORY
from harness.report.sections.memory import MEMORY
from harness.report.sections.operators import OPERATORS
from harness.report.sections.provenance import NOTES, PROVENANCE, SETTINGS
from harness.report.sections.stages import STAGES
from harness.report.sections.verdicts import VERDICTS
from harness.store.disk import write_whole

if TYPE_CHECKING:
    from jinja2 import Environment


PAGE_NAME = "report.html"
SECTIONS: tuple[Section, ...] = (
    VERDICTS,
    ENTRIES,
    CHARTS,
    BASELINE,
    STAGES,
    MEMORY,
    OPERATORS,
    HISTORY,
    GAINS,
    COMPARISON,
    CHECKS,
    CONTENTS,
    FINDINGS,
    PROVENANCE,
    DEVICES,
    SETTINGS,
    NOTES,
)
"""In their order; one with nothing to say is left out. A new one: a file in sections/, a template, a name here."""

TEMPLATES = Path(__file__).with_name("templates")
_MARKS = {"good": "✓", "doubt": "?", "bad": "✗"}


def page(results: Results, figures: list[GroupCharts]) -> str:
    """The page's text, the same each time for the same results and figures."""
    style, style_hash = style_and_hash()
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return (
        templates()
        .get_template("page.html")
        .render(
            run=results.run,
            tally=tally(results),
            meaning=exit_meaning(results),
            tone=_tone(results.run.exit_code),
            mark=_MARKS[_tone(results.run.exit_code)],
            boards=boards(results),
            most_boards=MOST_BOARDS,
            comparisons=comparisons(results),
            certainty=certainty(results),
            conclusions=conclusions_beside_exit(results),
            most_conclusions=MOST_CONCLUSIONS,
            waivers=waived_limits(results),
            style=style,
            style_hash=style_hash,
            script=script,
            script_hash=hash_of(script),
            sections=list(_filled_sections(results, figures)),
        )
    )


def _filled_sections(results: Results, figures: list[GroupCharts]) -> Iterator[dict[str, Any]]:
    for section in SECTIONS:
        context = section.context(results, figures)
        if context is not None:
            yield {
                "name": section.name,
                "title": section.title,
                "folds": section.folds,
                "opened": context.get("opened", False),
                "hint": context.get("hint", ""),
                "body": templates().get_template(f"{section.name}.html").render(context),
            }


def _tone(code: int) -> str:
    """What a run's exit code looks like: only 0 is green."""
    return "good" if code == 0 else "doubt" if code in (10, 11) else "bad"


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
            changed=sum(len(one.changes) for one in found),
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
        "caption": f"{panel.caption} {runs} runs.",
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
