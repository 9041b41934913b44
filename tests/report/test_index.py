import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from playwright.sync_api import sync_playwright
from support.needs import need
from support.sample_results import HOSTILE, results

from harness.records.status import Status
from harness.report import ReportRenderer, write_index
from harness.report import index as index_module
from harness.store.results_file import load_results, save_results

MANY = 1000


def keep(reports, number, *, status="PASS", commit="1a2b3c4d5e6f", name=None, page=True, device=None, branch=None):
    sample = results()
    stamp = f"2026-01-{number % 28 + 1:02d}T00:00:{number // 28 % 60:02d}Z"
    code = 1 if status == "FAIL" else 0
    run = sample.run.model_copy(
        update={
            "id": f"run{number}",
            "created_at": stamp,
            "status": Status(status),
            "exit_code": code,
            "commit": commit,
            "branch": branch,
        }
    )
    devices = {device or name: record for name, record in sample.devices.items()} if device else sample.devices
    entries = [entry.model_copy(update={"device": device or entry.device}) for entry in sample.entries[:4]]
    folder = reports / (name or f"20260101T{number:06d}Z-run{number}")
    folder.mkdir(parents=True)
    save_results(
        sample.model_copy(update={"run": run, "devices": devices, "entries": entries}), folder / "results.json"
    )
    if page:
        (folder / "report.html").write_text("<!doctype html><title>report</title>")
    return folder


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def text_of(index):
    return index.page.read_text(encoding="utf-8")


def rows_of(text):
    return [attrs for tag, attrs in Tags(text).found if tag == "tr" and "data-status" in attrs]


def test_every_run_stands_on_the_page_newest_first_with_a_link_to_its_report(tmp_path):
    for number in (1, 3, 2):
        keep(tmp_path, number, page=number != 2)
    text = text_of(write_index(tmp_path))
    links = [attrs["href"] for tag, attrs in Tags(text).found if tag == "a"]
    assert links == ["./20260101T000003Z-run3/report.html", "./20260101T000001Z-run1/report.html"]
    assert re.findall(r'<th scope="row">(?:<a [^>]*>)?(run\d)', text) == ["run3", "run2", "run1"]
    for part in ("2026-01-04 00:00", "1a2b3c4d", "2 passed, 2 measured", "local (this machine, no edge board)"):
        assert part in text


def test_each_run_has_its_main_figure_and_the_way_that_it_went_on_this_branch(tmp_path):
    for number, branch in enumerate(("main", "main", "feature", "main"), 1):
        keep(tmp_path, number, branch=branch)
    text = text_of(write_index(tmp_path))
    assert text.count('<span class="value">154 µs</span>') == 4 and text.count("<small>digits_cnn/float32</small>") == 4
    words = [attrs["aria-label"] for tag, attrs in Tags(text).found if attrs.get("role") == "img"]
    assert words == ["3 runs: 154 µs to 154 µs, now 154 µs", "2 runs: 154 µs to 154 µs, now 154 µs"]
    assert [row["data-branch"] for row in rows_of(text)] == ["main", "feature", "main", "main"]


def test_a_cache_of_an_earlier_harness_is_read_anew(tmp_path):
    keep(tmp_path, 1)
    first = write_index(tmp_path).page.read_bytes()
    line = json.loads((tmp_path / "index.jsonl").read_text())
    del line["figure"]
    (tmp_path / "index.jsonl").write_text(json.dumps(line) + "\n")
    assert write_index(tmp_path).page.read_bytes() == first


def test_the_same_runs_give_the_same_bytes_with_and_without_the_cache(tmp_path):
    for number in range(3):
        keep(tmp_path, number)
    first = write_index(tmp_path).page.read_bytes()
    assert write_index(tmp_path).page.read_bytes() == first
    (tmp_path / "index.jsonl").unlink()
    assert write_index(tmp_path).page.read_bytes() == first


def test_what_was_read_before_is_not_read_again(tmp_path, monkeypatch):
    for number in range(3):
        keep(tmp_path, number)
    write_index(tmp_path)
    read = []
    load = index_module.load_results
    monkeypatch.setattr(index_module, "load_results", lambda file: read.append(file.parent.name) or load(file))
    keep(tmp_path, 4)
    write_index(tmp_path)
    assert read == ["20260101T000004Z-run4"]
    changed = tmp_path / "20260101T000001Z-run1"
    save_results(results(), changed / "results.json")
    write_index(tmp_path)
    assert read[1:] == [changed.name]


def test_a_cache_that_is_torn_or_foreign_is_made_anew(tmp_path):
    keep(tmp_path, 1)
    first = write_index(tmp_path).page.read_bytes()
    (tmp_path / "index.jsonl").write_bytes(b'{"folder": 1}\n\xff\xfe\n{"torn')
    assert write_index(tmp_path).page.read_bytes() == first


def test_torn_and_foreign_folders_are_left_out_with_a_note(tmp_path):
    keep(tmp_path, 1)
    torn = keep(tmp_path, 2)
    (torn / "results.json").write_text("{")
    (tmp_path / "20260101T000000Z-killed").mkdir()
    (tmp_path / "not-a-run").mkdir()
    (tmp_path / "not-a-run/results.json").write_text('{"schema_version": 99}')
    (tmp_path / "latest").symlink_to("20260101T000001Z-run1")
    index = write_index(tmp_path)
    assert len(index.skipped) == 2
    text = text_of(index)
    assert len(rows_of(text)) == 1 and text.count("left out of the index") == 2


def test_an_empty_folder_has_a_page(tmp_path):
    assert "There is no finished run" in text_of(write_index(tmp_path))


def test_hostile_names_are_only_text_and_only_the_pages_own_script_may_run(tmp_path):
    keep(tmp_path, 1, device=f"rpi4{HOSTILE}", commit=f'"><img src=x>{HOSTILE}')
    keep(tmp_path, 2, name='javascript:alert(1)-"><b>')
    text = text_of(write_index(tmp_path))
    tags = Tags(text).found
    assert [tag for tag, _ in tags].count("script") == 1
    assert not {"img", "b", "iframe"} & {tag for tag, _ in tags}
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on") or name == "style"]
    assert all(attrs["href"].startswith("./") for tag, attrs in tags if tag == "a")
    assert "\x1b" not in text and "\u202e" not in text
    policy = next(attrs["content"] for _, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/]{43}='; script-src 'sha256-[\w+/]{43}='; "
        r"base-uri 'none'; form-action 'none'",
        policy,
    )


def test_it_is_made_at_the_end_of_a_run(tmp_path):
    folder = keep(tmp_path, 1, page=False)
    ReportRenderer().render(folder)
    assert 'href="./20260101T000001Z-run1/report.html"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_thousand_runs_are_written_from_the_cache_without_reading_results(tmp_path):
    keep(tmp_path, 0)
    write_index(tmp_path)
    line = json.loads((tmp_path / "index.jsonl").read_text())
    lines = []
    for number in range(MANY):
        folder = tmp_path / f"20260102T{number:06d}Z-r{number}"
        folder.mkdir()
        file = folder / "results.json"
        file.write_text("no JSON at all")
        stamp = f"{file.stat().st_size}-{file.stat().st_mtime_ns}"
        lines.append(json.dumps(line | {"folder": folder.name, "stamp": stamp, "id": f"r{number}"}))
    (tmp_path / "index.jsonl").write_text("\n".join(lines) + "\n")
    index = write_index(tmp_path)
    assert index.skipped == () and len(rows_of(text_of(index))) == MANY + 1
    assert index.page.stat().st_size < 2_000_000


def test_workers_that_write_it_at_once_leave_it_whole(tmp_path):
    for number in range(5):
        keep(tmp_path, number)
    code = f"from pathlib import Path; from harness.report import write_index; write_index(Path({str(tmp_path)!r}))"
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    assert len(rows_of((tmp_path / "index.html").read_text(encoding="utf-8"))) == 5
    assert len((tmp_path / "index.jsonl").read_text().splitlines()) == 5


@pytest.fixture(scope="module")
def browser():
    program = need("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=[1200, 390])
def opened(browser, tmp_path, request):
    keep(tmp_path, 1)
    keep(tmp_path, 2, status="FAIL", commit="ffff0000")
    keep(tmp_path, 3, device=f"rpi5{HOSTILE}", branch=f"feature/{HOSTILE}")
    context = browser.new_context(viewport={"width": request.param, "height": 900}, offline=True)
    page, heard = context.new_page(), []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(write_index(tmp_path).page.as_uri())
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= request.param
    assert heard == []
    context.close()


def shown(page):
    return page.eval_on_selector_all(
        "tbody tr", "all => all.filter(r => r.offsetHeight).map(r => r.querySelector('th a').innerText)"
    )


@pytest.mark.parametrize(("code", "status"), [(2, "INTERRUPTED"), (11, "INCOMPLETE"), (1, "FAIL"), (0, "PASS")])
def test_no_run_looks_green_whose_exit_code_is_not_whichever_harness_wrote_it(tmp_path, code, status):
    folder = keep(tmp_path, 1)
    sample = load_results(folder)
    save_results(
        sample.model_copy(update={"run": sample.run.model_copy(update={"exit_code": code})}), folder / "results.json"
    )
    (row,) = rows_of(text_of(write_index(tmp_path)))
    assert row["data-status"] == status


def test_searching_and_filtering_in_a_browser_from_a_file(opened):
    assert shown(opened) == ["run3", "run2", "run1"]
    opened.fill("#search", "FFFF")
    assert shown(opened) == ["run2"] and opened.inner_text("#shown") == "1 of 3 runs"
    opened.fill("#search", "digits rpi5")
    assert shown(opened) == ["run3"]
    opened.fill("#search", "")
    opened.select_option("#status", "FAIL")
    assert shown(opened) == ["run2"]
    opened.select_option("#status", "")
    options = opened.eval_on_selector_all("#device option", "all => all.map(o => o.value)")
    opened.select_option("#device", next(option for option in options if option.startswith("rpi5")))
    assert shown(opened) == ["run3"]
    opened.select_option("#device", "")
    branches = opened.eval_on_selector_all("#branch option", "all => all.map(o => o.value)")
    opened.select_option("#branch", next(branch for branch in branches if branch.startswith("feature")))
    assert shown(opened) == ["run3"]
    opened.fill("#search", "nothing like it")
    assert shown(opened) == [] and opened.inner_text("#shown") == "0 of 3 runs"


def test_a_link_leads_to_the_report(opened):
    opened.click("tbody a >> nth=0")
    assert opened.title() == "report"
