import re

import altair
import pytest
from support.ab_results import ab_results, history, series
from support.sample_results import HOSTILE

from harness.report import ChartClient
from harness.report.charts.history import history_chart, panels
from harness.report.charts.page_charts import draw_charts
from harness.report.page import page as page_text
from harness.report.page import write_history_page
from harness.report.sections.comparison import COMPARISON
from harness.report.sections.history import HISTORY, MOST_ROWS

STEPPED = [0.0041] * 8 + [0.0046] * 5


@pytest.fixture(scope="module")
def section():
    made = ab_results()
    with ChartClient() as client:
        text = page_text(made, draw_charts(made, client))
    return re.search(r'<section id="history">.*?</section>', text, re.DOTALL)[0]


def test_a_change_of_level_is_told_once_and_an_outlier_is_none(section):
    told = re.findall(
        r"latency_p50 of kws_ds_cnn/int8 on rpi4-07: 4\.\d+ ms -&gt; 4\.\d+ ms \(\+1[12][.\d]* %, worse\)", section
    )
    assert len(told) == 1 and "from commit 0000001c (2026-10-29) on" in section
    assert "float32 on" not in section


def test_every_series_has_a_row_and_the_latency_a_chart(section):
    assert section.count("<figure>") == 1 and section.count('<span class="spark"') == 3
    assert 'aria-label="24 runs: 4.069 ms to 4.611 ms, now 4.588 ms"' in section
    for row in ("latency p50, int8", "latency p50, float32", "model size, int8"):
        assert f'<th scope="row">{row}</th>' in section
    for column in ("runs", "lowest", "highest", "before this run", "this run"):
        assert f'data-label="{column}"' in section


def test_an_entrys_figures_stand_beside_the_way_of_its_latency_on_this_branch():
    made = ab_results()
    own, other = made.entries[:2]
    alike = [one.model_copy(update={"test": own.test, "branch": "main"}) for one in history()]
    run = made.run.model_copy(update={"branch": "main"})
    changed = {"entries": [own, other.model_copy(update={"recipe": "float16"})], "history": alike, "run": run}
    (table,) = COMPARISON.context(made.model_copy(update=changed), [])["tables"]
    first, second = (way for _, _, way in table["rows"])
    assert first.alternative == "24 runs: 4.069 ms to 4.611 ms, now 4.588 ms" and second is None and table["ways"]
    elsewhere = run.model_copy(update={"branch": "feature"})
    (table,) = COMPARISON.context(made.model_copy(update=changed | {"run": elsewhere}), [])["tables"]
    assert not table["ways"]


def test_of_many_series_those_that_changed_and_of_the_worst_entries_have_a_row():
    made = ab_results()
    steady = [series("int8", "latency_p50", [0.004] * 3, candidate=f"m{number:03d}") for number in range(MOST_ROWS)]
    failed = series("int8", "latency_p50", [0.004] * 3, candidate="failed")
    changed = series("int8", "latency_p50", STEPPED, candidate="changed")
    entries = [made.entries[0].model_copy(update={"candidate": "failed"})]
    many = made.model_copy(update={"entries": entries, "history": [*steady, failed, changed]})
    told = HISTORY.context(many, [])
    names = [group["candidate"] for group in told["groups"]]
    assert len(names) == MOST_ROWS and names[-2:] == ["failed", "changed"] and "m199" not in names
    assert told["left_out"].startswith(f"{MOST_ROWS} of {MOST_ROWS + 2} series: those that changed")
    assert HISTORY.context(made, [])["left_out"] == ""


def test_a_metric_that_changed_has_a_chart_as_well():
    made = ab_results()
    size = series("int8", "model_size", [112_700.0] * 8 + [130_000.0] * 5)
    with ChartClient() as client:
        figures = draw_charts(made.model_copy(update={"history": [*made.history, size]}), client)
    titles = [figure.title for figure in figures[0].of("history")]
    assert titles == ["latency p50 from run to run", "model size from run to run"]


def test_series_of_one_metric_share_a_chart_and_unlike_boards_are_told_apart():
    one = series("int8", "latency_p50", STEPPED)
    other = one.model_copy(update={"fingerprint": "99aa88bb (another board)"})
    (panel,) = panels([one, other, series("float32", "latency_p50", STEPPED)])
    assert panel.names == ["int8 [1c2d3e4f]", "int8 [99aa88bb]", "float32"]
    again = other.model_copy(update={"runtime": "litert 2.4.0"})
    assert panels([other, again])[0].names == ["int8 litert 2.3.0", "int8 litert 2.4.0"]
    assert panels([other, other])[0].names == ["int8", "int8 #2"]


def test_two_tests_and_two_branches_of_one_recipe_are_told_apart():
    one = series("int8", "latency_p50", STEPPED).model_copy(update={"test": "b/test_a.py::test_small[x]"})
    two = one.model_copy(update={"test": "b/test_a.py::test_large[x]"})
    assert panels([one, two])[0].names == ["int8 (test_small)", "int8 (test_large)"]
    main, feature = (one.model_copy(update={"branch": branch}) for branch in ("main", "feature"))
    assert panels([main, feature])[0].names == ["int8 on main", "int8 on feature"]


def test_points_intervals_and_changes_are_drawn_in_the_metrics_unit():
    spec = history_chart(panels([series("int8", "latency_p50", STEPPED)])[0])
    (lane,) = spec["vconcat"]
    rows = lane["data"]["values"]
    points = [row for row in rows if row["kind"] == "point"]
    assert [row["y"] for row in points] == pytest.approx([value * 1000 for value in STEPPED])
    assert all(row["low"] < row["y"] < row["high"] for row in points)
    (change,) = [row for row in rows if row["kind"] == "change"]
    assert change["x"] == points[8]["x"]
    assert lane["title"]["text"] == ["int8: latency p50 (ms)"]
    assert change["text"] == "+12 %"


def test_recipes_have_a_lane_each_and_branches_a_mark_and_a_line_each():
    one = series("int8", "latency_p50", STEPPED)
    main, feature = (one.model_copy(update={"branch": branch}) for branch in ("main", "feature"))
    spec = history_chart(panels([main, feature, series("float32", "latency_p50", STEPPED)])[0])
    altair.Chart.from_dict(spec, validate=True)
    both, alone = spec["vconcat"]
    line, symbol = (both["layer"][place]["encoding"] for place in (2, 3))
    assert line["strokeDash"]["scale"]["domain"] == ["int8 on main", "int8 on feature"]
    assert len({*map(tuple, line["strokeDash"]["scale"]["range"])}) == 2
    assert len({*symbol["shape"]["scale"]["range"]}) == 2 and symbol["shape"]["legend"] is not None
    assert alone["layer"][3]["encoding"]["shape"]["legend"] is None


def test_a_new_kernel_breaks_the_line_of_its_series():
    one = series("int8", "latency_p50", STEPPED)
    points = [
        point.model_copy(update={"kernel": "6.6.31" if place < 8 else "6.12.34"})
        for place, point in enumerate(one.points)
    ]
    broken = one.model_copy(update={"points": tuple(points), "changes": ()})
    (panel,) = panels([broken])
    assert "Dotted: another kernel on the board" in panel.caption and "Dashed" not in panel.caption
    assert "kernel 6.12.34 from 2026-" in panel.alternative
    (sentence,) = panel.sentences
    assert "kernel 6.6.31 -> 6.12.34 on" in sentence
    with ChartClient() as client:
        (svg,) = client.draw([history_chart(panel)])
    assert svg.count(">kernel 6.12.34</text>") == 1
    assert svg.count("mark-line role-mark") == 2


def test_of_many_recipes_the_chart_has_some_and_says_so():
    many = [series(f"prune(0.{number})+int8", "latency_p50", [0.004] * 3) for number in range(11)]
    (panel,) = panels(many)
    assert len(history_chart(panel)["vconcat"]) == 8
    assert panel.caption == "Point: a run's figure with its interval. 3 more recipes stand in the table."
    assert "Dashed" in panels([series("int8", "latency_p50", STEPPED)])[0].caption


def test_an_axis_of_one_day_says_the_day_once_and_the_hours_at_its_ticks():
    one = series("int8", "latency_p50", STEPPED[:4])
    hours = [f"2026-11-24T{hour:02d}:10:00Z" for hour in (8, 9, 11, 13)]
    points = [point.model_copy(update={"created_at": at}) for point, at in zip(one.points, hours, strict=True)]
    with ChartClient() as client:
        (svg,) = client.draw([history_chart(panels([one.model_copy(update={"points": tuple(points)})])[0])])
    said = re.findall(r">([^<>]+)</text>", svg)
    assert said.count("2026-11-24 (UTC)") == 1
    ticks = [text for text in said if re.fullmatch(r"\d\d:\d\d", text)]
    assert len(ticks) == len({*ticks}) > 2 and not any("Nov" in text for text in said)


def test_unknown_figures_are_gaps_and_a_single_run_is_no_way():
    known = series("int8", "latency_p50", STEPPED)
    gap = known.points[3].model_copy(update={"value": None, "ci_low": None, "ci_high": None})
    holed = known.model_copy(update={"points": (*known.points[:3], gap, *known.points[4:])})
    spec = history_chart(panels([holed])[0])
    (lane,) = spec["vconcat"]
    assert sum(row["kind"] == "point" for row in lane["data"]["values"]) == len(STEPPED) - 1
    alone = known.model_copy(update={"points": known.points[:1], "changes": ()})
    assert history_chart(panels([alone])[0]) is None


def test_the_page_of_harness_history_is_offline_and_names_are_text(tmp_path):
    hostile = series("int8", "latency_p50", STEPPED, candidate=f"kws{HOSTILE}")
    path = tmp_path / "history.html"
    write_history_page([hostile, series("float32", "latency_p50", STEPPED)], path)
    text = path.read_text(encoding="utf-8")
    assert text.count("<svg") == 2 and "<script" not in text and "&lt;script&gt;" in text
    assert "default-src 'none'" in text and "\x1b" not in text and "\u202e" not in text
    assert "2 changes of level" in text
    first = path.read_bytes()
    write_history_page([hostile, series("float32", "latency_p50", STEPPED)], path)
    assert path.read_bytes() == first


def test_a_page_of_nothing_says_so(tmp_path):
    write_history_page([], tmp_path / "history.html")
    assert "No metric was measured in two runs" in (tmp_path / "history.html").read_text(encoding="utf-8")
