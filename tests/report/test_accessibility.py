"""The page for all who read it: axe-core, the keyboard alone, colours for those who see fewer."""

import re
from itertools import combinations, pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from coloraide import Color
from support.ab_results import ab_results
from support.chromium import HEIGHT, chromium, opened_page
from support.sample_results import results
from support.told_results import told_results

from harness.report import ChartClient, render
from harness.report.page import TEMPLATES
from harness.store.results_file import save_results

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOCUSED = """() => {
  const [one, box] = [document.activeElement, document.activeElement.getBoundingClientRect()];
  const style = getComputedStyle(one);
  return {name: one.innerText || one.id, tag: one.tagName, top: box.top + scrollY, bottom: box.bottom,
          outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth)};
}"""
LEAST_DISTANCE = 8.0
"""CIEDE2000 between two colours that mean different things; about 2 is just noticeable side by side."""
MEANINGS = {
    "statuses": ("good", "doubt", "bad", "calm"),
    "figures": ("mark", "doubt", "bad"),
    "intervals": ("range", "range-doubt", "range-bad"),
}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    found = {}
    with ChartClient() as client:
        for made in (results, told_results, ab_results):
            folder = tmp_path_factory.mktemp(made.__name__)
            save_results(made(), folder / "results.json")
            found[made.__name__] = render(folder, client).as_uri()
    return found


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["results", "told_results", "ab_results"])
def test_axe_finds_nothing_with_all_open(browser, addresses, name, width, scheme):
    with opened_page(browser, addresses[name], width=width, scheme=scheme) as page:
        page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
        found = Axe().run(page, options={"runOnly": RULES})
    assert len(found.response["passes"]) > 20
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []


def test_everything_is_reached_in_its_order_by_the_keyboard_alone(browser, addresses):
    with opened_page(browser, addresses["ab_results"]) as page:
        reachable = page.locator("a:visible, summary:visible, button:visible, input:visible, select:visible").count()
        passed = []
        for _ in range(reachable):
            page.keyboard.press("Tab")
            passed.append(page.evaluate(FOCUSED))
    assert passed[0]["name"] == "Skip to the verdicts"
    assert {one["tag"] for one in passed} >= {"A", "SUMMARY", "BUTTON"}
    assert min(one["outline"] for one in passed) >= 2
    assert all(0 < one["bottom"] <= HEIGHT + 1 for one in passed)
    tops = [one["top"] for one in passed[1:]]
    assert all(later > earlier - 40 for earlier, later in pairwise(tops))


def test_the_skip_link_leads_past_the_header(browser, addresses):
    with opened_page(browser, addresses["ab_results"]) as page:
        page.keyboard.press("Tab")
        assert page.locator(".skip").bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")


def test_what_folds_opens_by_a_key(browser, addresses):
    with opened_page(browser, addresses["told_results"]) as page:
        page.focus("#settings summary")
        page.keyboard.press("Enter")
        assert page.locator("#settings-body").is_visible()


def palettes():
    """The colours of the style sheet by name, light and dark."""
    light, dark = re.findall(r":root \{(.*?)\n *\}", (TEMPLATES / "style.css").read_text(encoding="utf-8"), re.DOTALL)[
        :2
    ]
    return {
        scheme: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", text))
        for scheme, text in (("light", light), ("dark", dark))
    }


@pytest.mark.parametrize("sight", ["whole", "protan", "deutan", "tritan"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("meaning", MEANINGS)
def test_colours_with_a_meaning_are_told_apart_by_every_sight(meaning, scheme, sight):
    palette = palettes()[scheme]
    seen = {
        name: Color(palette[name]) if sight == "whole" else Color(palette[name]).filter(sight)
        for name in MEANINGS[meaning]
    }
    near = {pair: seen[pair[0]].delta_e(seen[pair[1]], method="2000") for pair in combinations(seen, 2)}
    assert {pair: round(far, 1) for pair, far in near.items() if far < LEAST_DISTANCE} == {}


def test_no_status_is_told_by_its_colour_alone(browser, addresses):
    with opened_page(browser, addresses["results"]) as page:
        badges = page.eval_on_selector_all(".badge", "all => all.map(one => [one.className, one.textContent])")
        over = page.eval_on_selector_all(
            ".entries .over b",
            "all => all.map(one => [one.closest('td').className, getComputedStyle(one, '::before').content])",
        )
    assert len(set(map(tuple, badges))) == len({word for _, word in badges}) >= 6
    assert {sign for name, sign in over if "fail" in name} == {'"✗ "'}
    assert {sign for name, sign in over if "fail" not in name} == {'"? "'}
