"""Makes the pictures of the docs, or of every page at every width: of a simulated run, in headless Chromium.

``make pictures`` runs it for the docs, ``.ci/run`` with ``--all`` for a folder that a pipeline keeps. A picture shows
what a reader sees: nothing in a page is changed for it, but that folded parts are open in those of whole pages.
"""

import argparse
import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from shown_run import BUDGETS, earlier_runs, shown_run  # noqa: E402 - found by the path above
from support.needs import need  # noqa: E402

from harness.report import render, write_index  # noqa: E402
from harness.report.page import write_history_page  # noqa: E402
from harness.store.results_file import save_results  # noqa: E402

DOCS = HERE.parents[1] / "docs" / "pictures"
WIDTHS = (360, 400, 1280, 1920)
SCHEMES = ("light", "dark")
MOST_BYTES = 150_000
"""Of a picture in the docs: whoever clones the repository fetches it."""
COLUMNS = 96
_OWN_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Fonts that a terminal's picture would fetch from elsewhere; the reader's own do."""
_OPEN = "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"


@dataclass(frozen=True)
class View:
    """One picture: a page at a width, the part of it that is shown, and what a reader is to see there."""

    name: str
    page: str
    width: int
    shows: str
    height: int = 900
    scheme: str = "light"
    part: str | None = None
    """A selector; None: from the top of the page."""
    scale: float = 1.0
    """Pixels of the picture for one of the page."""
    whole: bool = False
    """The whole page with all its parts unfolded."""


DOCS_VIEWS = (
    View("report", "report", 1280, "the first screen of a report", height=650, scale=0.85),
    View("baseline", "report", 1280, "the change that failed, block by block", part="#baseline .figures"),
    View("tradeoff", "report", 1280, "the Pareto front with its budgets", part="#charts figure"),
    View("phone", "report", 390, "the same report on a phone", height=844),
    View("phone-dark", "report", 390, "the same on a phone in the dark", height=844, scheme="dark"),
    View("index", "index", 1280, "the index over runs", height=640),
)
PAGES = {"report": "a report, all unfolded", "index": "the index over runs", "history": "harness history --html"}
ALL_VIEWS = (
    *DOCS_VIEWS,
    *(
        View(f"{page}-{width}-{scheme}", page, width, f"{shows}, {width} px, {scheme}", scheme=scheme, whole=True)
        for page, shows in PAGES.items()
        for width in WIDTHS
        for scheme in SCHEMES
    ),
    *(
        View(f"report-first-{width}-{scheme}", "report", width, f"first screen, {width} px, {scheme}", scheme=scheme)
        for width in WIDTHS
        for scheme in SCHEMES
    ),
)
MENDED = {
    "report": "What stood behind a verdict ran out of its card below 1,150 px; it breaks into lines now.",
    "report-first": "The first chart stood on the third screen; now the broken limit is drawn on the first.",
    "report-360": "The comparison with the baseline was 44 px too wide; its small print breaks now.",
    "report-400": "The comparison with the baseline was too wide; its small print breaks now.",
    "report-1280": "Candidates in the table of all figures were one letter wide; that column keeps its width now.",
    "report-1920": "Charts stood two in a row beside empty space; now three do.",
    "report-a4": "Two tables were wider than the paper, so that all was printed smaller; they fit now.",
    "baseline": "All metrics shared an axis, and the one that decided was a blob; now it is first, on its own.",
    "tradeoff": "The accuracy axis passed 100 %, limits and front were not drawn; now they are, and it ends there.",
    "phone": "Lanes of a distribution were 35 px high, and recipes far apart were slivers; both have room now.",
    "index": "A run's latency was not on it, and branches were no filter; its way is drawn now, and they are.",
    "history": "A day stood on the axis four times, and branches looked alike; ticks say hours, and marks differ now.",
    "terminal": "The picture fetched a font from elsewhere; now it has none of its own.",
}
"""What was wrong in a picture when it was last looked at, and what was done; by its name or how that begins."""


def mended(name: str) -> str:
    """The sentence on a picture: that of the longest beginning of its name."""
    return MENDED[max((known for known in MENDED if name.startswith(known)), key=len)]


def make_pages(folder: Path) -> dict[str, Path]:
    """The pages that are shown, made in a new folder "reports"; and the run's own folder."""
    folder = folder / "reports"
    folder.mkdir()
    shown = shown_run()
    for run in [*earlier_runs(shown), shown]:
        own = folder / f"{run.run.created_at.translate({ord(mark): None for mark in '-:'})}-{run.run.id}"
        own.mkdir()
        save_results(run, own / "results.json")
        (own / "report.html").write_text("<!doctype html><title>made for its link</title>", encoding="utf-8")
    report = render(own, results=shown)
    write_history_page(shown.history, folder / "history.html")
    return {"report": report, "index": write_index(folder).page, "history": folder / "history.html", "run": own}


@contextmanager
def opened(browser: Browser, view: View, page_file: Path) -> Iterator[Page]:
    """The view's page, loaded without a network."""
    size = {"width": view.width, "height": view.height}
    context = browser.new_context(viewport=size, color_scheme=view.scheme, device_scale_factor=view.scale, offline=True)
    page = context.new_page()
    page.goto(page_file.as_uri())
    if view.whole or view.part:
        page.evaluate(_OPEN)
    yield page
    context.close()


def take(browser: Browser, view: View, page_file: Path, out: Path) -> Path:
    """Write one picture."""
    target = out / f"{view.name}.png"
    with opened(browser, view, page_file) as page:
        if view.part is not None:
            page.locator(view.part).first.screenshot(path=target)
        else:
            page.screenshot(path=target, full_page=view.whole)
    return target


def take_print(browser: Browser, page_file: Path, out: Path) -> Path:
    """The report on A4 paper."""
    view = View("report-a4", "report", 1280, "the report on A4 paper")
    with opened(browser, view, page_file) as page:
        page.pdf(path=out / "report-a4.pdf", format="A4")
    return out / "report-a4.pdf"


def take_terminal(run: Path, out: Path) -> Path:
    """What ``harness judge`` writes into a terminal, as SVG."""
    work = run.parents[1]
    (work / "budgets.toml").write_text(BUDGETS, encoding="utf-8")
    (work / "reports" / "latest").symlink_to(run.name)
    argv = [str(Path(sys.executable).with_name("harness")), "judge", "latest", "--budgets=budgets.toml"]
    shown = "$ harness judge latest\n" + in_terminal(argv, work)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(shown))
    svg = console.export_svg(title="harness judge", theme=MONOKAI, unique_id="terminal")
    (out / "terminal.svg").write_text(_OWN_FONTS.sub("", svg), encoding="utf-8")
    return out / "terminal.svg"


def in_terminal(argv: list[str], folder: Path) -> str:
    """What a command, run in a folder, writes into a terminal of COLUMNS columns."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=folder)
    os.close(theirs)
    told = bytearray()
    while chunk := _read(ours):
        told += chunk
    process.wait()
    os.close(ours)
    return told.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    """The next bytes; none when the other end is closed, which Linux says by an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def make_pictures(out: Path, *, everything: bool) -> list[tuple[str, str]]:
    """Write the pictures into a folder; each one's file name and what it shows."""
    out.mkdir(parents=True, exist_ok=True)
    views = ALL_VIEWS if everything else DOCS_VIEWS
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        pages = make_pages(Path(folder))
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox"])
        told = [(take(browser, view, pages[view.page], out).name, view.shows) for view in views]
        if everything:
            told.append((take_print(browser, pages["report"], out).name, "the report on A4 paper"))
        browser.close()
        told.append((take_terminal(pages["run"], out).name, "the same run in a terminal"))
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--all", action="store_true", help="every page at every width, light and dark, and on paper")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder (default: docs/pictures)")
    asked = parser.parse_args()
    told = make_pictures(asked.out, everything=asked.all)
    if asked.all:
        lines = [f"- [{name}]({name}): {shows}. {mended(name)}" for name, shows in told]
        (asked.out / "README.md").write_text("\n".join(["# Pictures of a simulated run", "", *lines, ""]), "utf-8")
    heavy = [name for name, _ in told if not asked.all and (asked.out / name).stat().st_size > MOST_BYTES]
    for name in heavy:
        sys.stderr.write(f"{name}: more than {MOST_BYTES} bytes: show less of the page, or a narrower one\n")
    sys.stdout.write(f"{len(told)} pictures in {asked.out}\n")
    return 1 if heavy else 0


if __name__ == "__main__":
    raise SystemExit(main())
