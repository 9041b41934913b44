from dataclasses import replace

import altair
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_results import entry, measured, results, trials
from support.shared_charts import own_engine
from support.told_results import told, told_results

from harness.records.entry import Finding, Histogram
from harness.records.errors import HarnessError
from harness.records.status import Status
from harness.report.charts.chart_client import ChartClient, check_svg
from harness.report.charts.distribution import BINS, MOST_LANES, Axis, distribution, heights, is_drawable, slower_than
from harness.report.charts.page_charts import draw_charts
from harness.report.charts.stages import stages_chart
from harness.report.charts.style import Range, range_of
from harness.report.charts.timeline import timeline
from harness.report.charts.tradeoff import MOST_POINTS, tradeoffs
from harness.report.groups import groups

LONG = "distill(width=0.5)+prune(0.8)+float16"


def drawn_groups():
    return [group for group in groups(results()) if group.variants]


def of(*recipes, candidate="digits_cnn", **changes):
    made = [entry("rpi4", candidate, recipe, Status.MEASURED, reason="", p50_s=0.001) for recipe in recipes]
    made = [one.model_copy(update=changes) for one in made]
    return groups(results().model_copy(update={"entries": made}))[0]


def rows_of(spec, kind):
    """Of each lane, or of a chart without any, the rows of one kind."""
    lanes = spec.get("vconcat", [spec])
    return [[row for row in lane["data"]["values"] if row.get("kind") == kind] for lane in lanes]


def domain(spec, field="x", place=0):
    lane = spec.get("vconcat", [spec])[0]
    return lane["layer"][place]["encoding"][field]["scale"]["domain"]


def with_limits(group, **limits):
    """The group's first variant with budgets."""
    found = [
        Finding(gate="budget", metric=metric, status=Status.PASS, reason="", limit=limit)
        for metric, limit in limits.items()
    ]
    first, *others = group.variants
    limited = replace(first, entry=first.entry.model_copy(update={"findings": found}))
    return replace(group, variants=(limited, *others))


def test_specifications_are_valid_vega_lite():
    for group in drawn_groups():
        altair.Chart.from_dict(distribution(group).spec(), validate=True)
        for variant in group.variants:
            altair.Chart.from_dict(timeline(variant.entry, max_temp_c=75.0).spec(), validate=True)
        for picture in tradeoffs(group):
            altair.Chart.from_dict(picture.spec(), validate=True)


def staged_groups():
    return [group for group in groups(told_results()) if stages_chart(group)]


def test_stages_are_one_bar_that_ends_at_their_sum():
    for group in staged_groups():
        chart = stages_chart(group)
        altair.Chart.from_dict(chart.spec(), validate=True)
        (rows,) = rows_of(chart.spec(), "stage")
        assert [(row["stage"], row["x"], row["x2"]) for row in rows] == [
            ("preprocess", 0.0, 400.0),
            ("inference", 400.0, 600.0),
            ("postprocess", 600.0, 700.0),
        ]
        assert chart.spec()["vconcat"][0]["title"]["text"] == ["int8: 700 µs"]
        assert "preprocess 400 µs, inference 200 µs, postprocess 100 µs, 700 µs together" in chart.alternative
    assert len(staged_groups()) == 2


def test_the_whole_is_drawn_with_its_interval_within_the_axis():
    spec = stages_chart(staged_groups()[0]).spec()
    ends = {kind: (row["x"], row["x2"]) for kind in ("whole", "interval") for row in rows_of(spec, kind)[0]}
    assert ends == {"whole": (720.0, 720.0), "interval": (705.6, 734.4)}
    assert domain(spec)[1] > 734.4


def test_without_stages_there_is_no_bar():
    assert all(stages_chart(group) is None for group in groups(results()))
    alone = [measured("latency_p50", 0.001), measured("preprocess", 0.001)]
    assert stages_chart(of("int8", measurements=alone)) is None


def test_a_wrong_specification_would_be_noticed():
    spec = tradeoffs(drawn_groups()[0])[0].spec()
    spec["layer"][0]["mark"] = {"type": "rule", "strokeWidth": "thick"}
    with pytest.raises(jsonschema.ValidationError):
        altair.Chart.from_dict(spec, validate=True)


def test_candidates_are_grouped_with_all_their_recipes():
    first = groups(results())[0]
    assert (first.candidate, first.device) == ("digits_cnn", "local")
    assert [variant.name for variant in first.variants] == ["float32", "float16", "dynamic_int8", "int8"]


def test_a_recipe_has_the_same_colour_on_every_device():
    by_device = {
        g.device: {v.name: v.colour for v in g.variants} for g in groups(results()) if g.candidate == "digits_cnn"
    }
    assert by_device["local"] == by_device["rpi4"]


def test_an_entry_without_latency_is_named_not_drawn():
    group = next(group for group in groups(results()) if not group.variants)
    assert group.unmeasured == ("as given",)
    assert distribution(group) is None and tradeoffs(group) == []


def test_the_same_recipe_of_two_tests_gets_two_lanes():
    assert [variant.name for variant in of("int8", "int8").variants] == ["int8", "int8 #2"]


def pictures(group):
    return {picture.metric: picture for picture in tradeoffs(group)}


def test_latency_stands_against_accuracy_and_energy_and_without_accuracy_against_size():
    assert list(pictures(of("int8", "float32"))) == ["accuracy", "energy_per_inference"]
    bare = pictures(of(None, None, candidate="vww"))
    assert list(bare) == ["energy_per_inference", "model_size"]
    assert "No accuracy is known" in bare["model_size"].caption
    assert tradeoffs(of("int8")) == []
    modelled = measured("energy_per_inference", 0.002, source="model: 2 W + 4 W x utilisation 0.9 (PowerJoular)")
    one = of("int8").variants[0].entry
    kept = [modelled if m.metric == modelled.metric else m for m in one.measurements]
    assert list(pictures(of("int8", "float32", measurements=kept))) == ["accuracy"]
    limited = with_limits(of("int8", "float32"), model_size=200_000.0)
    assert list(pictures(limited)) == ["accuracy", "energy_per_inference", "model_size"]


def test_what_no_other_beats_is_on_the_front():
    accuracy = pictures(drawn_groups()[0])["accuracy"]
    assert [point.variant.name for point in accuracy.front] == ["int8", "dynamic_int8", "float32"]
    spec = accuracy.spec()
    assert [row["x"] for row in rows_of(spec, "front")[0]] == [52.0, 94.0, 154.0]
    assert [row["recipe"].split(",")[0] for row in rows_of(spec, "beaten")[0]] == ["float16"]
    assert accuracy.alternative.endswith("On the front: int8, dynamic_int8, float32.")
    assert "float16 161 µs and 98.22 %" in accuracy.alternative


def test_an_accuracy_axis_never_passes_100_percent():
    perfect = [measured("latency_p50", 0.001), measured("accuracy", 1.0, ci_low=0.99, ci_high=1.0)]
    low, high = domain(pictures(of("int8", "float32", measurements=perfect))["accuracy"].spec(), "y", place=1)
    assert 90 < low < 99 and high == 100


def test_budgets_are_lines_and_one_far_off_is_told_instead():
    group = with_limits(of("int8", "float32"), latency_p50=0.00105, accuracy=0.95)
    accuracy = pictures(group)["accuracy"]
    spec = accuracy.spec()
    assert [(row["x"], row["text"]) for row in rows_of(spec, "x-limit")[0]] == [(1.05, "≤ 1.05 ms")]
    assert [(row["y"], row["text"]) for row in rows_of(spec, "y-limit")[0]] == [(95.0, "≥ 95 %")]
    assert "outside" not in accuracy.caption
    far = pictures(with_limits(of("int8", "float32"), latency_p50=0.4))["accuracy"]
    assert rows_of(far.spec(), "x-limit") == [[]]
    assert "The budget of 400 ms lies outside." in far.caption


def test_a_budget_on_the_drop_is_drawn_where_it_leaves_float32s_accuracy():
    drop = Finding(gate="accuracy_drop", metric="accuracy", status=Status.PASS, reason="", limit=0.02)
    made = [told(one) for one in (of("int8", "float32").variants[0].entry, of("float32").variants[0].entry)]
    made = [one.model_copy(update={"findings": [drop]}) for one in made]
    group = groups(results().model_copy(update={"entries": made}))[0]
    (rows,) = rows_of(pictures(group)["accuracy"].spec(), "y-limit")
    assert [row["text"] for row in rows] == ["≥ 96.22 %"]  # int8 lost 1.11 pt of 98.22 %, and may lose 2


def test_a_limit_does_not_squeeze_what_is_measured():
    assert range_of([1.0, 2.0], [4.0]).high == 4.0
    assert range_of([1.0, 2.0], [400.0, 3.0]) == Range(1.0, 3.0, (400.0,))
    assert range_of([2.0]).padded(0.0) == pytest.approx((1.9, 2.1))


def test_of_many_recipes_those_on_the_front_and_the_fastest_are_drawn():
    made = [
        entry("rpi4", "digits_cnn", "int8", Status.MEASURED, reason="", p50_s=0.001 * (1 + number)).model_copy(
            update={"recipe": f"prune(0.{number:02d})+int8"}
        )
        for number in range(30)
    ]
    best = [measured("latency_p50", 0.05), measured("accuracy", 0.99)]
    made.append(made[0].model_copy(update={"recipe": "float32", "measurements": best}))
    group = groups(results().model_copy(update={"entries": made}))[0]
    picture = pictures(group)["accuracy"]
    names = [point.variant.name for point in picture.points]
    assert names == [*(f"prune(0.{number:02d})+int8" for number in range(MOST_POINTS - 1)), "float32"]
    assert "11 slower ones are left out." in picture.caption
    lanes = distribution(group)
    assert len(lanes.spec()["vconcat"]) == MOST_LANES and "19 more stand in the table." in lanes.caption


def test_files_that_do_the_same_work_have_a_picture_together():
    made = [entry("rpi4", name, None, Status.MEASURED, reason="", p50_s=0.001) for name in ("small", "large")]
    other = made[1].artifact.model_copy(update={"outputs": []})
    made.append(made[0].model_copy(update={"candidate": "another", "artifact": other}))
    with ChartClient() as client:
        drawn = draw_charts(results().model_copy(update={"entries": made}), client)
    titles = {one.group.candidate: [figure.title for figure in one.figures] for one in drawn}
    assert "Latency against model size: 2 candidates" in titles["small"]
    assert not [title for name in ("large", "another") for title in titles[name] if "candidates" in title]


def test_a_few_inferences_that_waited_do_not_squeeze_all_others():
    p50_s = 0.001
    slow = Histogram(edges_s=[p50_s * step for step in (0.9, 1.0, 1.1, 90.0, 91.0)], counts=[400, 570, 0, 30])
    waited = [trial.model_copy(update={"histogram": slow}) for trial in trials(p50_s, 3)]
    found = distribution(of("int8", trials=waited))
    assert found.axes[0].high_s < 2 * p50_s
    assert "90 of 3,000 inferences are slower than the axis shows." in found.caption


def test_long_names_get_a_line_of_their_own():
    short = of("int8")
    entries = [short.variants[0].entry.model_copy(update={"recipe": name}) for name in ("int8", LONG)]
    long = groups(results().model_copy(update={"entries": entries}))[0]
    with ChartClient() as client:
        one, two = client.draw([distribution(short).spec(), distribution(long).spec()])
    assert ">int8: p50 1 ms (" in one
    assert ">int8:</tspan>" in two and f">{LONG}:</tspan>" in two


def test_recipes_far_apart_have_an_axis_each():
    near = of("int8", "float32")
    assert len({tuple(lane["layer"][0]["encoding"]["x"]["scale"]["domain"]) for lane in lanes_of(near)}) == 1
    assert "axis of its own" not in distribution(near).caption
    far = drawn_groups()[0]
    assert len({tuple(lane["layer"][0]["encoding"]["x"]["scale"]["domain"]) for lane in lanes_of(far)}) == 4
    assert "Each lane has an axis of its own." in distribution(far).caption


def lanes_of(group):
    return distribution(group).spec()["vconcat"]


def test_both_speeds_of_a_board_are_named():
    p50 = measured("latency_p50", 0.001, speeds={"fast_s": 0.001, "slow_s": 0.00115, "slow_share": 0.3})
    slow = distribution(of("int8", measurements=[p50]))
    assert [(row["text"], row["x"]) for row in rows_of(slow.spec(), "speed")[0]] == [("fast", 1.0), ("slow", 1.15)]
    assert slow.spec()["vconcat"][0]["title"]["text"][-1] == "two speeds: 1 ms, 1.15 ms 30 % of the time"
    told = "int8: this board ran at two speeds, x1.15 apart, 30 % of the time at the slower one"
    assert told in slow.caption and "two speeds: 1 ms, 1.15 ms" in slow.alternative
    assert "speed" not in distribution(of("int8")).caption


def test_trials_are_drawn_in_their_order_with_clock_and_temperature():
    one = of("int8").variants[0].entry
    line = timeline(one, max_temp_c=52.0)
    spec = line.spec()
    assert [len(rows) for rows in rows_of(spec, "trial")] == [10, 10, 10]
    assert [row["arm"] for row in rows_of(spec, "trial")[0]].index("void") == 7
    assert [lane["title"]["text"][0] for lane in spec["vconcat"]] == [
        "median latency (ms)",
        "clock (MHz)",
        "temperature (°C), at most 52",
    ]
    assert "1 void, drawn as crosses: hotter than 75 C." in line.caption
    assert not line.is_calm and "clock 1500 MHz" in line.alternative


def test_alike_trials_and_boards_that_tell_nothing_have_no_time_line():
    one = of("int8", trials=[trial for trial in trials(0.001, 10) if trial.void is None]).variants[0].entry
    assert timeline(one).is_calm
    other = [trial.model_copy(update={"arm": "baseline"}) for trial in trials(0.002, 10) if trial.void is None]
    assert timeline(one.model_copy(update={"trials": [*one.trials, *other]})).is_calm  # each arm in itself
    bare = [trial.model_copy(update={"telemetry": None}) for trial in one.trials]
    assert timeline(one.model_copy(update={"trials": bare})) is None
    assert timeline(one.model_copy(update={"trials": one.trials[:2]})) is None
    with ChartClient() as client:
        (drawn,) = draw_charts(results().model_copy(update={"entries": [one]}), client)
    assert drawn.calm == ("int8 (median latency 1 to 1.006 ms, clock 1500 MHz, temperature 49.5 °C)",)
    assert not [figure for figure in drawn.figures if figure.title.startswith("Trial")]


def test_void_trials_and_the_baseline_are_not_drawn():
    void = [trial.model_copy(update={"void": "hot"}) for trial in trials(0.001, 3)]
    other = [trial.model_copy(update={"arm": "baseline"}) for trial in trials(0.001, 3)]
    assert distribution(of("int8", trials=void)) is None
    assert distribution(of("int8", trials=other)) is None


def test_what_lies_beyond_the_axis_is_counted():
    group = of("int8")
    drawn = [trial for trial in group.variants[0].entry.trials if not trial.void]
    assert 0 < distribution(group).beyond <= 0.005 * sum(trial.n for trial in drawn)


bins = st.lists(
    st.tuples(st.floats(1e-6, 10.0), st.integers(0, 1000)), min_size=2, max_size=40, unique_by=lambda pair: pair[0]
).filter(lambda pairs: sum(count for _, count in pairs[:-1]) > 0)


@given(bins)
def test_heights_keep_every_inference_within_the_axis(pairs):
    edges = sorted(edge for edge, _ in pairs)
    histogram = Histogram(edges_s=edges, counts=[count for _, count in pairs[:-1]])
    found = heights([histogram], Axis(edges[0] * 0.99, edges[-1] * 1.01).edges())
    assert len(found) == BINS
    assert sum(found) == pytest.approx(sum(histogram.counts), rel=1e-6)


@pytest.mark.parametrize(
    ("edges", "counts"),
    [
        ([], []),
        ([1.0], []),
        ([1.0, 2.0], [0]),
        ([2.0, 1.0], [3]),
        ([0.0, 1.0], [3]),
        ([1.0, 2.0], [3, 4]),
        ([1.0, 2.0], [-3]),
    ],
)
def test_a_histogram_that_is_none_is_not_used(edges, counts):
    assert not is_drawable(Histogram(edges_s=edges, counts=counts))
    assert is_drawable(Histogram(edges_s=[1.0, 2.0], counts=[1]))


def test_slow_inferences_are_those_at_or_above_the_limit():
    assert slower_than([Histogram(edges_s=[1.0, 2.0, 3.0], counts=[5, 7])], 2.0) == 7


def test_axes_far_apart_are_logarithmic():
    assert Axis(1.0, 4.0).log and not Axis(1.0, 2.0).log


def test_a_chart_that_cannot_be_drawn_is_one_line():
    with own_engine(), ChartClient() as client:
        with pytest.raises(HarnessError, match=r"charts were not drawn") as caught:
            client.draw([{"mark": "nonsense"}])
        assert "\n" not in str(caught.value)
        assert client.running
        assert client.draw([]) == []


def test_a_drawing_process_that_is_gone_is_one_line():
    with own_engine():
        client = ChartClient()
    client.close()
    client.close()
    assert not client.running
    with pytest.raises(HarnessError, match="charts were not drawn"):
        client.draw([])


@pytest.mark.parametrize("size", [1, 1_000_000], ids=["that does not answer", "that takes no work"])
def test_a_drawing_process_that_hangs_is_given_up(tmp_path, size):
    program = tmp_path / "hung.py"
    program.write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
    with ChartClient(start_s=0.4, chart_s=0.1, program=program) as client:
        with pytest.raises(HarnessError, match=r"not drawn: the drawing process took longer than 0\.5 s") as caught:
            client.draw([{"description": "x" * size}])
        assert "\n" not in str(caught.value)
        assert not client.running


@pytest.mark.parametrize("tag", ["script", "foreignObject", "a", "image", "style", "use"])
def test_a_chart_with_more_than_shapes_is_refused(tag):
    with pytest.raises(HarnessError, match="shapes and text only"):
        check_svg(f'<svg xmlns="http://www.w3.org/2000/svg" width="10"><g><{tag}/></g></svg>')


def test_attributes_that_act_are_dropped():
    svg = check_svg(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10"'
        ' viewBox="0 0 9 9">'
        '<g onclick="x()" xlink:href="y" style="z" id="i"><text fill="#000">&lt;b&gt;</text></g></svg>'
    )
    assert not any(word in svg for word in ("onclick", "href", "style", "id="))
    assert '<text fill="#000">&lt;b&gt;</text>' in svg and 'viewBox="0 0 9 9"' in svg


def test_what_draws_nothing_is_left_out_and_numbers_are_short():
    svg = check_svg(
        '<svg xmlns="http://www.w3.org/2000/svg" width="10"><g aria-label="x"><g transform="translate(0,0)"/>'
        '<path d=""/></g><path role="y" opacity="1" display="none" fill="red" d="M1,1"/><path d="M5,5"/>'
        '<g><path d="M1.23456,2" fill="red" opacity="0.5"/><path d="M3,4" fill="red"/></g></svg>'
    )
    start = '<svg xmlns="http://www.w3.org/2000/svg" width="11"><path d="M1.2,2" fill="red" opacity="0.5" />'
    assert svg == start + '<path d="M3,4" fill="red" /></svg>'
