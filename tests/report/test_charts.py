import altair
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_results import entry, measured, results, trials
from support.shared_charts import own_engine
from support.told_results import told_results

from harness.records.errors import HarnessError
from harness.records.results import Histogram
from harness.records.status import Status
from harness.report.charts.chart_client import ChartClient, check_svg
from harness.report.charts.distribution import BINS, Axis, beyond, distribution, heights, is_drawable, slower_than
from harness.report.charts.stages import stages_chart
from harness.report.charts.tradeoff import tradeoff
from harness.report.groups import groups

LONG = "distill(width=0.5)+prune(0.8)+float16"


def drawn_groups():
    return [group for group in groups(results()) if group.variants]


def of(*recipes, candidate="digits_cnn", **changes):
    made = [entry("rpi4", candidate, recipe, Status.MEASURED, reason="", p50_s=0.001) for recipe in recipes]
    made = [one.model_copy(update=changes) for one in made]
    return groups(results().model_copy(update={"entries": made}))[0]


@pytest.mark.parametrize("chart", [distribution, tradeoff])
def test_specifications_are_valid_vega_lite(chart):
    for group in drawn_groups():
        altair.Chart.from_dict(chart(group), validate=True)


def staged_groups():
    return [group for group in groups(told_results()) if stages_chart(group)]


def test_stages_are_one_bar_that_ends_at_their_sum():
    for group in staged_groups():
        altair.Chart.from_dict(stages_chart(group), validate=True)
        rows = [row for row in stages_chart(group)["data"]["values"] if row["kind"] == "stage"]
        assert [(row["stage"], row["x"], row["x2"]) for row in rows] == [
            ("preprocess", 0.0, 400.0),
            ("inference", 400.0, 600.0),
            ("postprocess", 600.0, 700.0),
        ]
        assert rows[0]["bar"] == "int8: 700 µs"
    assert len(staged_groups()) == 2


def test_the_whole_is_drawn_with_its_interval_within_the_axis():
    spec = stages_chart(staged_groups()[0])
    ends = {row["kind"]: (row["x"], row["x2"]) for row in spec["data"]["values"] if row["kind"] != "stage"}
    assert ends == {"whole": (720.0, 720.0), "interval": (705.6, 734.4)}
    assert spec["spec"]["layer"][0]["encoding"]["x"]["scale"]["domain"][1] > 734.4


def test_without_stages_there_is_no_bar():
    assert all(stages_chart(group) is None for group in groups(results()))
    alone = [measured("latency_p50", 0.001), measured("preprocess", 0.001)]
    assert stages_chart(of("int8", measurements=alone)) is None


def test_a_wrong_specification_would_be_noticed():
    spec = tradeoff(drawn_groups()[0])
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
    assert distribution(group) is None and tradeoff(group) is None and beyond(group) == 0


def test_the_same_recipe_of_two_tests_gets_two_lanes():
    assert [variant.name for variant in of("int8", "int8").variants] == ["int8", "int8 #2"]


def test_without_accuracy_the_second_axis_is_size():
    layer = tradeoff(of(None, candidate="vww"))["layer"][2]
    assert layer["encoding"]["y"]["axis"]["title"] == "model size (kB)"
    layer = tradeoff(of("int8"))["layer"][2]
    assert layer["encoding"]["y"]["axis"]["title"] == "accuracy (%)"


def test_long_names_get_a_line_of_their_own():
    short = of("int8")
    entries = [short.variants[0].entry.model_copy(update={"recipe": name}) for name in ("int8", LONG)]
    long = groups(results().model_copy(update={"entries": entries}))[0]
    with ChartClient() as client:
        one, two = client.draw([distribution(short), distribution(long)])
    assert ">int8: p50 1 ms (" in one
    assert ">int8:</tspan>" in two and f">{LONG}:</tspan>" in two


def test_void_trials_and_the_baseline_are_not_drawn():
    void = [trial.model_copy(update={"void": "hot"}) for trial in trials(0.001, 3)]
    other = [trial.model_copy(update={"arm": "baseline"}) for trial in trials(0.001, 3)]
    assert distribution(of("int8", trials=void)) is None
    assert distribution(of("int8", trials=other)) is None


def test_what_lies_beyond_the_axis_is_counted():
    group = of("int8")
    drawn = [trial for trial in group.variants[0].entry.trials if not trial.void]
    assert 0 < beyond(group) <= 0.005 * sum(trial.n for trial in drawn)


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
