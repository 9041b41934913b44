"""The program that makes the pictures: the run that they show, and what it writes."""

import pytest
from pictures import pictures as program
from pictures.shown_run import DEVICE, earlier_runs, shown_run
from playwright.sync_api import sync_playwright
from support.needs import need

from harness.records.results import Results
from harness.records.status import Status

A4_PX = 690
"""What A4 leaves between its margins; what is wider makes Chromium print everything smaller."""


@pytest.fixture(scope="module")
def shown():
    return shown_run()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return program.make_pages(tmp_path_factory.mktemp("pictures"))


def test_the_run_is_judged_by_the_harness_and_shows_a_failure_and_a_board_that_became_hot(shown):
    assert [entry.status for entry in shown.entries].count(Status.FAIL) == 1
    assert shown.run.exit_code == 1 and shown.devices[DEVICE].label == "simulated board"
    hot = [trial.void for entry in shown.entries for trial in entry.trials if trial.void]
    assert any("over the limit of 75" in void for void in hot)
    assert Results.model_validate_json(shown.model_dump_json()) == shown
    assert len({run.run.id for run in earlier_runs(shown)}) > 20


def test_each_view_is_a_picture_of_what_it_names(pages, tmp_path):
    chromium = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for view in program.DOCS_VIEWS:
            taken = program.take(browser, view, pages[view.page], tmp_path)
            assert taken.read_bytes().startswith(b"\x89PNG") and taken.stat().st_size < program.MOST_BYTES
        assert program.take_print(browser, pages["report"], tmp_path).read_bytes().startswith(b"%PDF")
        browser.close()


def test_the_terminals_picture_has_what_the_command_wrote(pages, tmp_path):
    text = program.take_terminal(pages["run"], tmp_path).read_text(encoding="utf-8").replace("&#160;", " ")
    assert "harness judge latest" in text and "1 failed, 3 passed, 1 measured" in text
    assert "Traceback" not in text and "url(" not in text.replace("url(#", "") and str(tmp_path.parent) not in text


def test_each_picture_has_its_sentence_on_what_was_mended():
    names = [view.name for view in program.ALL_VIEWS] + ["report-a4", "terminal"]
    assert {program.mended(name) for name in names} == set(program.MENDED.values())


def test_pages_do_not_overflow_at_any_width_nor_on_paper(pages):
    chromium = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for view in program.ALL_VIEWS:
            if view.whole and view.scheme == "light":
                with program.opened(browser, view, pages[view.page]) as page:
                    assert page.evaluate("document.documentElement.scrollWidth") <= view.width, view.name
        paper = program.View("paper", "report", A4_PX, "", whole=True)
        with program.opened(browser, paper, pages["report"]) as page:
            page.emulate_media(media="print")
            assert page.evaluate("document.documentElement.scrollWidth") <= A4_PX
        browser.close()
