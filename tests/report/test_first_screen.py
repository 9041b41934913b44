"""What a report shows before anything is scrolled, opened or clicked; and how the rest is reached."""

import pytest
from support.ab_results import ab_results
from support.chromium import HEIGHT, chromium, opened_page
from support.sample_results import devices, entry, findings, measured, run
from support.told_results import told_results

from harness.records.results import Results
from harness.records.status import Status
from harness.report import ChartClient, render
from harness.store.results_file import save_results

RECIPES = ("float32", "float16", "dynamic_int8", "int8")
A4 = 703
"""Pixels between the page's margins."""
WIDTHS = (360, 400, 1280, 1920)

SEEN = """bottom => [...document.querySelectorAll("body *")]
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().bottom <= bottom)
  .flatMap(e => [...e.childNodes]).filter(n => n.nodeType === 3).map(n => n.data).join(" ").replace(/\\s+/g, " ")"""


def passing(number):
    p50_s = 0.001 * (1 + number % 7)
    made = entry("rpi4", f"digits_{number // 4}", RECIPES[number % 4], Status.PASS, reason="held", p50_s=p50_s)
    return made.model_copy(update={"test": f"benchmarks/test_models.py::test_model[{number}]"})


def failing(number):
    """Beyond its limits on latency and size."""
    slow = entry("rpi4", f"digits_{number // 4}", RECIPES[number % 4], Status.FAIL, reason="slow", p50_s=0.0061)
    (latency,) = findings(Status.FAIL, "latency p50 6.1 ms (6.08-6.12) is above 4 ms on rpi4", 0.0061)
    size = latency.model_copy(
        update={"metric": "model_size", "limit": 1e5, "value": 412e3, "reason": "model size 412 kB is above 100 kB"}
    )
    sized = [*slow.measurements, measured("model_size", 412e3, n=1, confidence=None)]
    return slow.model_copy(update={"findings": [latency, size], "measurements": sized})


def results_of(made, code):
    board = {"rpi4": devices()["rpi4"]}
    status = Status.FAIL if code else Status.PASS
    return Results(run=run().model_copy(update={"status": status, "exit_code": code}), devices=board, entries=made)


PAGES = {
    "passing": lambda: results_of(list(map(passing, range(8))), 0),
    "failing": lambda: results_of(list(map(failing, range(8))), 1),
    "many": lambda: results_of([*map(passing, range(199)), failing(199)], 1),
    "compared": ab_results,
    "told": told_results,
}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    found = {}
    with ChartClient() as client:
        for name, made in PAGES.items():
            folder = tmp_path_factory.mktemp(name)
            save_results(made(), folder / "results.json")
            found[name] = render(folder, client).as_uri()
    return found


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser, addresses):
    return lambda name, **how: opened_page(browser, addresses[name], **how)


def height_of(page):
    return page.evaluate("document.documentElement.scrollHeight")


@pytest.mark.parametrize("name", ["passing", "failing", "compared"])
def test_eight_entries_take_at_most_four_screens(opened, name):
    with opened(name) as page:
        assert height_of(page) <= 4 * HEIGHT


def test_the_verdict_and_each_of_sixteen_failed_limits_stand_on_the_first_screen(opened):
    with opened("failing") as page:
        bottoms = page.eval_on_selector_all(
            "h1, .broken li", "all => all.map(one => one.getBoundingClientRect().bottom)"
        )
        assert len(bottoms) == 1 + 16 and max(bottoms) <= HEIGHT
        text = page.inner_text(".broken")
    assert text.count("at most 4 ms") == text.count("at most 100 kB") == 8


def test_the_first_screen_answers_the_five_questions(opened):
    with opened("compared") as page:
        text = page.evaluate(SEEN, HEIGHT)
    for question, answer in {
        "did it pass": "1 failed, 1 board unfit, 5 passed",
        "what got worse and by how much": "▲ 4.4 % slower",
        "how sure": "false alarm at most 1 session in 200; would have caught a slowdown of 3.1 % with 95 %",
        "compared with what": "commit 1a2b3c4d, the merge base with origin/main",
        "which version to ship": "Ship identical_recipe",
        "on which board": "rpi4-07 simulated board",
    }.items():
        assert answer in text, question
    with opened("failing") as page:
        text = page.evaluate(SEEN, HEIGHT)
    for part in (
        "6.1 ms",
        "6.076-6.124 ms",
        "at most 4 ms",
        "53 % above",
        "4.12 times",
        "Raspberry Pi 4 Model B Rev 1.4",
    ):
        assert part in text


def test_a_regression_has_one_value_on_the_page(opened):
    with opened("compared") as page:
        assert page.inner_text(".broken .value b") == "4.4 % slower"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["failing", "compared", "told"])
def test_nothing_overflows_with_all_open(opened, name, width, scheme):
    with opened(name, width=width, scheme=scheme) as page:
        page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        outside = page.eval_on_selector_all(
            ".broken li > *, .entries td > div > *",
            "all => all.filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth).map(e => e.outerHTML)",
        )
        assert outside == []


def test_entries_are_searched_filtered_and_sorted(opened):
    with opened("many") as page:
        rows = page.locator(".entries tbody tr:visible")
        assert rows.count() == 50 and page.inner_text("#shown") == "50 of 200 entries"
        assert "failed" in rows.first.inner_text()
        page.fill("#search", "DIGITS_3 int8")
        assert rows.count() == 2 * 11 and "int8" in rows.last.inner_text()
        page.select_option("#status", "FAIL")
        assert rows.count() == 0
        page.fill("#search", "")
        assert rows.count() == 1
        page.select_option("#status", "")
        page.click("#all")
        assert rows.count() == 200
        page.click(".entries th:nth-child(3) button")
        sorts = page.eval_on_selector_all(".entries td:nth-child(3)", "all => all.map(c => Number(c.dataset.sort))")
        assert sorts == sorted(sorts) and page.get_attribute(".entries th:nth-child(3)", "aria-sort") == "ascending"
        page.click(".entries th:nth-child(3) button")
        sorts = page.eval_on_selector_all(".entries td:nth-child(3)", "all => all.map(c => Number(c.dataset.sort))")
        assert sorts == sorted(sorts, reverse=True)
        page.click(".entries th:nth-child(3) button")
        assert "failed" in rows.first.inner_text()


def test_without_a_script_every_row_is_there_and_no_filter_is(opened):
    with opened("many", script=False) as page:
        assert page.locator(".entries tbody tr:visible").count() == 200
        assert page.locator("#filters:visible, button:visible").count() == 0


@pytest.mark.parametrize("script", [True, False])
def test_in_print_all_that_folds_is_open(opened, script):
    with opened("compared", script=script) as page:
        page.emulate_media(media="print")
        for selector in ("#provenance-body", "#settings-body", "#comparison-body", "#baseline .compared table"):
            assert page.locator(selector).last.is_visible(), selector
        shown = page.locator("main p:visible").count()
        page.emulate_media(media="screen")
        assert page.locator("main p:visible").count() < shown


@pytest.mark.parametrize("name", ["failing", "compared", "told"])
def test_a4_is_wide_enough(opened, name):
    with opened(name, width=A4) as page:
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= A4
        tall = page.eval_on_selector_all(".broken li", "all => Math.max(...all.map(one => one.clientHeight))")
        assert tall < 120
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_link_opens_what_it_leads_to(opened):
    with opened("told") as page:
        assert not page.locator("#settings-body").is_visible()
        page.click("nav a[href='#settings-body']")
        assert page.locator("#settings-body").is_visible()


def test_folded_is_what_held_and_open_is_what_did_not(opened):
    with opened("compared") as page:
        opened_ones = page.eval_on_selector_all("section > details[open]", "all => all.map(d => d.parentElement.id)")
        assert opened_ones == ["charts", "baseline"]
        compared = page.eval_on_selector_all("#baseline .compared[open] h3", "all => all.map(h => h.innerText)")
        assert [name.partition(" ")[0] for name in compared] == ["kws_ds_cnn/int8"]
