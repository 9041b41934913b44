import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.ab_results import ab_results
from support.sample_results import results
from support.shared_charts import own_engine
from support.told_results import told_results

from harness.records.errors import HarnessError, ResultsFileError
from harness.records.results import Results
from harness.report import ChartClient, render
from harness.report.charts.page_charts import draw_charts
from harness.report.page import SECTIONS
from harness.report.page import page as page_text
from harness.store.results_file import save_results

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "harness" / "report" / "templates" / "page.js"


class Tags(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def saved(folder, of=None):
    folder.mkdir(exist_ok=True)
    save_results(of or results(), folder / "results.json")
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = saved(tmp_path_factory.mktemp("run"))
    return render(folder)


@pytest.fixture(scope="module")
def told_page(tmp_path_factory):
    folder = saved(tmp_path_factory.mktemp("told"), told_results())
    return render(folder)


@pytest.fixture(scope="module")
def ab_page(tmp_path_factory):
    folder = saved(tmp_path_factory.mktemp("ab"), ab_results())
    return render(folder)


def test_all_files_stand_beside_the_results(page):
    assert page.name == "report.html"
    names = ["github-action-benchmark.json", "report.html", "results.json", "summary.md"]
    assert sorted(path.name for path in page.parent.iterdir()) == names


@pytest.mark.parametrize(("which", "made"), [("told_page", told_results), ("ab_page", ab_results)])
def test_the_same_results_give_the_same_bytes(which, made, request, tmp_path):
    page = request.getfixturevalue(which)
    with own_engine(), ChartClient() as client:
        again = [render(saved(tmp_path / name, made()), client) for name in ("a", "b")]
    for other in again:
        assert other.read_bytes() == page.read_bytes()
        for name in ("summary.md", "github-action-benchmark.json"):
            assert other.with_name(name).read_bytes() == page.with_name(name).read_bytes()


def test_the_page_is_small(page):
    assert page.stat().st_size < 2_000_000


def sections_of(page):
    return [attrs["id"] for tag, attrs in Tags(page.read_text(encoding="utf-8")).found if tag == "section"]


def test_sections_come_in_their_order_verdicts_first(told_page, ab_page):
    order = [section.name for section in SECTIONS]
    for page in (told_page, ab_page):
        shown = sections_of(page)
        assert shown == [name for name in order if name in shown]
    assert set(sections_of(told_page)) | set(sections_of(ab_page)) == set(order)
    assert order[:4] == ["verdicts", "entries", "charts", "baseline"]


def test_sections_with_nothing_to_say_are_left_out(page):
    left_out = {section.name for section in SECTIONS} - set(sections_of(page))
    assert left_out == {"baseline", "gains", "stages", "operators", "memory", "history", "contents"}


@pytest.mark.parametrize("which", ["page", "told_page", "ab_page"])
def test_no_hostile_name_becomes_markup(which, request):
    text = request.getfixturevalue(which).read_text(encoding="utf-8")
    (script,) = re.findall(r"(?is)<script(.*?)</script", text)
    assert script == f">{SCRIPT.read_text(encoding='utf-8')}"
    assert "&lt;script&gt;alert(1)" in text
    assert "\x1b" not in text and "\u202e" not in text
    for tag, attrs in Tags(text).found:
        assert tag not in {"iframe", "object", "img", "link", "form", "foreignobject"}
        assert not [name for name in attrs if name.startswith("on") or name in {"style", "src"}]
        assert attrs.get("href", "#").startswith("#")


def sha256_of(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_nothing_is_allowed_but_the_pages_own_style_and_script(page):
    text = page.read_text(encoding="utf-8")
    policy = next(
        attrs["content"] for tag, attrs in Tags(text).found if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    style, script = (sha256_of(text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]) for tag in ("style", "script"))
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_a_label_stands_beside_every_device_name(page):
    text = page.read_text(encoding="utf-8")
    for name, label in (("rpi4", "simulated board"), ("local", "this machine, no edge board")):
        shown = text.count(f'<span class="device">{name}</span>')
        assert shown == text.count(f'<span class="device">{name}</span> <span class="label">{label}</span>') > 0


def test_numbers_stand_with_interval_and_n(page):
    text = page.read_text(encoding="utf-8")
    assert "<b>154 µs</b><small>153.4-154.6 µs</small><small>n 10</small>" in text


def test_how_numbers_were_obtained_is_told(page):
    text = page.read_text(encoding="utf-8")
    for part in (
        "geometric mean over trials",
        "95 % interval",
        "PowerJoular, Pi 4B rev 1.2, 64-bit",
        "±40 %",
        "synthetic data",
    ):
        assert part in text


def test_a_method_is_told_once_and_its_particulars_beside_their_entries(tmp_path):
    def particular(measurement, number):
        if measurement.metric != "latency_p50":
            return measurement
        return measurement.model_copy(update={"obtained": f"the median; {number} reads"})

    entries = [
        entry.model_copy(update={"measurements": [particular(m, number) for m in entry.measurements]})
        for number, entry in enumerate(results().entries)
    ]
    text = render(saved(tmp_path, results().model_copy(update={"entries": entries}))).read_text(encoding="utf-8")
    measured = [n for n, entry in enumerate(entries) if any(m.metric == "latency_p50" for m in entry.measurements)]
    assert len(measured) > 1
    assert text.count("<dd>the median\n") == 1
    known = [n for n in measured if any(m.metric == "latency_p50" and m.value for m in entries[n].measurements)]
    assert all(text.count(f">{n} reads") == 1 for n in known)


def test_a_run_without_entries_has_a_page(tmp_path):
    empty = Results(run=results().run, devices=results().devices, entries=[])
    text = render(saved(tmp_path, empty)).read_text(encoding="utf-8")
    assert "Nothing was measured." in text


def test_charts_past_the_pages_size_are_left_out_and_that_is_said():
    with ChartClient() as client:
        figures = draw_charts(results(), client, max_bytes=50_000)
    assert [bool(group.figures) for group in figures] == [True, False, False, False]
    assert [bool(group.missing) for group in figures] == [False, True, False, True]
    text = page_text(results(), figures)
    assert "Of 2 of 4 candidates: charts left out to keep this page small" in text
    assert sum(len(figure.svg) for group in figures for figure in group.figures) <= 50_000


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import time\ntime.sleep(600)\n", "took longer than"),
        ("import os\nos._exit(3)\n", "takes no work|without an answer"),
        ('import sys\nfor line in sys.stdin: print(\'{"error": "no such mark"}\', flush=True)\n', "no such mark"),
    ],
    ids=["hangs", "dies", "refuses"],
)
def test_a_page_whose_charts_cannot_be_drawn_goes_without_them_and_says_so(tmp_path, program, why):
    (tmp_path / "drawing.py").write_text(program, encoding="utf-8")
    with ChartClient(start_s=0.4, chart_s=0.1, program=tmp_path / "drawing.py") as client:
        page = render(saved(tmp_path / "run", results()), client)

    text = page.read_text(encoding="utf-8")
    assert "<figure" not in text
    assert re.search(rf"Of 3 of 4 candidates: [^<]*charts were not drawn: [^<]*({why})", text)
    assert sections_of(page)


def test_a_folder_without_results_is_one_line(tmp_path):
    with pytest.raises(ResultsFileError, match="cannot be read"):
        render(tmp_path)


def test_a_page_that_cannot_be_written_is_one_line(tmp_path):
    folder = saved(tmp_path)
    (folder / "report.html").mkdir()
    with pytest.raises(HarnessError, match=r"report\.html: cannot be written"):
        render(folder)


def test_nothing_is_written_through_a_link_in_a_foreign_folder(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = saved(tmp_path / "run")
    for name in ("report.html", ".report.html.draft", "summary.md", "github-action-benchmark.json"):
        (folder / name).symlink_to(outside)

    render(folder)

    assert outside.read_text() == "mine"
    assert not (folder / "report.html").is_symlink()


@pytest.mark.parametrize("letters", ["\ufffe", "\U0001fffe\uffff", "\x00\x1b[2J", "\u202e"])
def test_letters_that_are_no_text_cost_no_chart(tmp_path, letters):
    found = results()
    odd = [entry.model_copy(update={"recipe": f"int8{letters}"}) for entry in found.entries[:2]]

    text = render(saved(tmp_path, found.model_copy(update={"entries": odd}))).read_text()

    assert "<svg" in text and not set(text) & set(letters) - set("[2J")


def test_importing_the_report_loads_nothing_heavy():
    code = (
        "import sys, harness.report, harness.store\n"
        "print(sorted({'jinja2', 'altair', 'vl_convert', 'numpy', 'rich', 'scipy', 'markupsafe'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
