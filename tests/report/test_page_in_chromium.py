"""The page as a reader meets it: in a real browser, without a network."""

import pytest
from playwright.sync_api import sync_playwright
from support.ab_results import ab_results
from support.needs import need
from support.sample_results import results
from support.told_results import told_results

from harness.report import ChartClient, render
from harness.report.charts.page_charts import draw_charts
from harness.store.results_file import save_results

LUMINANCE = """color => {
  const [r, g, b] = color.match(/[0-9.]+/g).map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}"""


@pytest.fixture(scope="module", params=[results, told_results, ab_results], ids=["bare", "told", "compared"])
def made(request):
    return request.param()


@pytest.fixture(scope="module")
def address(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("run")
    save_results(made, folder / "results.json")
    return render(folder).as_uri()


@pytest.fixture(scope="module")
def browser():
    program = need("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, address):
    contexts, heard, asked = [], [], []

    def open_page(width=1200, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []
    assert set(asked) == {address}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_charts_are_drawn_and_nothing_overflows(opened, made, width, scheme):
    page = opened(width, scheme)
    sizes = page.eval_on_selector_all("figure svg", "all => all.map(s => [s.clientWidth, s.clientHeight])")
    with ChartClient() as client:
        assert len(sizes) == sum(len(drawn.figures) for drawn in draw_charts(made, client))
    assert all(wide > 150 and high > 50 for wide, high in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    drawn = page.eval_on_selector_all(
        "figure svg", "all => all.map(s => s.querySelectorAll('path[fill], path[stroke], line').length)"
    )
    assert min(drawn) > 5


def test_text_in_charts_can_be_read_on_a_phone(opened):
    page = opened(390)
    heights = page.eval_on_selector_all("figure svg text", "all => all.map(t => t.getBoundingClientRect())")
    written = [box for box in heights if box["width"] > 0]
    assert written
    assert all(box["left"] >= 0 and box["right"] <= 390 for box in written)
    smallest = page.eval_on_selector_all(
        "figure svg", "all => Math.min(...all.map(s => 12 * s.clientWidth / s.viewBox.baseVal.width))"
    )
    assert smallest >= 9


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page(opened, scheme):
    page = opened(1200, scheme)
    ground = page.evaluate(f"({LUMINANCE})(getComputedStyle(document.body).backgroundColor)")
    assert (ground > 0.9) if scheme == "light" else (ground < 0.2)
    for selector in ("body", "h1", ".number small", "figcaption", ".badge.fail", ".label"):
        ink = page.evaluate(f"({LUMINANCE})(getComputedStyle(document.querySelector('{selector}')).color)")
        assert abs(ink - ground) > 0.35, selector
    fills = page.eval_on_selector_all(
        "figure svg text", f"all => all.map(t => ({LUMINANCE})(getComputedStyle(t).fill))"
    )
    assert all(abs(fill - ground) > 0.35 for fill in fills)


def test_hostile_names_are_only_text(opened):
    page = opened()
    assert page.evaluate("document.scripts.length") == 1
    assert "<script>alert(1)</script>" in page.text_content("main")


def test_numbers_are_right_aligned(opened):
    page = opened()
    aligned = page.eval_on_selector_all("td.number", "all => all.map(c => getComputedStyle(c).textAlign)")
    assert aligned and set(aligned) == {"right"}


def test_it_prints_on_paper_without_its_navigation(opened):
    page = opened(1200, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.pdf(format="A4").startswith(b"%PDF")
