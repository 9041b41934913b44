import re

import pytest
from support.ab_results import BLOCKS, PROMISE, WAIVER, ab_entry, ab_results, ratio, regression
from support.sample_results import results

from harness.records.results import Results
from harness.records.status import Status
from harness.report import ChartClient
from harness.report.baseline_changes import JudgedRatio, judged_ratios
from harness.report.charts.distribution import arms_distribution, distribution
from harness.report.charts.page_charts import draw_charts
from harness.report.charts.ratios import ratio_chart
from harness.report.groups import groups
from harness.report.page import page as page_text


def page_of(made):
    with ChartClient() as client:
        return page_text(made, draw_charts(made, client))


@pytest.fixture(scope="module")
def page():
    return page_of(ab_results())


@pytest.fixture(scope="module")
def section(page):
    return re.search(r'<section id="baseline">.*?</section>', page, re.DOTALL)[0]


def of_kind(chart, kind):
    """Of all lanes together."""
    return [row for lane in chart.spec()["vconcat"] for row in lane["data"]["values"] if row["kind"] == kind]


def test_the_promise_and_every_waiver_stand_above_the_verdicts(page):
    header = page.partition("<main")[0]
    assert PROMISE in header and "(#123: the new decoder" in header
    assert header.index(PROMISE) < header.index("<dt>Waived</dt>")


def test_every_state_and_its_sentence_are_told(section):
    for state in ("measured", "stored", "identical", "new", "missing"):
        assert f'<span class="badge">{state}</span>' in section
    assert "commit 1a2b3c4d, the merge base with origin/main" in section
    assert "Not compared: requirements.txt was not installed anew" in section


def test_a_metric_stands_with_both_arms_its_ratio_and_how_sure_it_is(section):
    entry = ab_results().entries[0]
    latency = next(found.ratio for found in judged_ratios(entry) if found.ratio.metric == "latency_p50")
    for part in (
        "<b>4.1 ms</b>",
        f"<b>{latency.ratio:.4f}</b>",
        f"<small>{latency.ci_low:.4f}-{latency.ci_high:.4f}</small>",
        "<small>99.9 %, 30 blocks</small>",
        "<b>at most 2 % worse</b>",
        "<small>3.1 % worse would have been found, with 95 %</small>",
        "no budget",
    ):
        assert part in section


def test_judged_metrics_come_first():
    metrics = [found.ratio.metric for found in judged_ratios(ab_results().entries[0])]
    assert metrics == ["latency_p50", "peak_memory", "throughput"]


def test_boards_say_how_far_they_can_be_trusted(page):
    header = page.partition("<main")[0]
    assert "0 false alarms in 212 self-tests" in header
    assert page.count("0 false alarms in 212 self-tests") == 2


def test_an_entry_says_its_waiver_before_anything_else(section):
    card = section[section.index("int16x8") :]
    assert card.index("Waived: limit 2 %") < card.index("commit 1a2b3c4d, the merge base")


@pytest.mark.parametrize(
    ("better", "share", "limit"), [("lower", 0.02, 1.02), ("higher", 0.02, 0.98), ("lower", None, None)]
)
def test_the_limit_lies_on_the_worse_side(better, share, limit):
    found = ratio("latency_p50", 1.0, 1, better=better)
    finding = None if share is None else regression(found, Status.PASS, "", limit=share)
    assert JudgedRatio(found, finding).limit == limit


@pytest.mark.parametrize(
    ("shift", "metric", "said"),
    [
        (1.05, "latency_p50", "slower"),
        (0.95, "latency_p50", "faster"),
        (0.95, "throughput", "slower"),
        (1.05, "throughput", "faster"),
        (1.05, "peak_memory", "larger"),
        (0.95, "energy_per_inference", "less"),
    ],
)
def test_which_way_a_ratio_goes_is_said_in_words(shift, metric, said):
    assert JudgedRatio(ratio(metric, shift, 2, sd=0.001), None).change_text.endswith(f" % {said}")


def test_an_interval_across_one_is_no_difference_and_none_is_told():
    found = ratio("latency_p50", 1.0, 3)
    assert JudgedRatio(found, None).change_text == "no difference seen"
    single = found.model_copy(update={"ratio": 1.1, "ci_low": None, "ci_high": None})
    assert JudgedRatio(single, None).change_text == "10 % slower, how sure is not known"


def test_the_chart_has_each_block_the_interval_and_the_limit():
    chart = ratio_chart(ab_entry("int8", 1.05, Status.FAIL, 1))
    lanes = chart.spec()["vconcat"]
    assert len(of_kind(chart, "block")) == BLOCKS * len(lanes) == BLOCKS * 2
    assert "1 more stands in the table." in chart.caption  # no budget holds throughput
    assert [row["x"] for row in of_kind(chart, "limit")] == [2.0]
    for lane in lanes:
        low, high = lane["layer"][0]["encoding"]["x"]["scale"]["domain"]
        assert all(low < row["x"] < high for row in lane["data"]["values"])
    assert {row["y"] for row in of_kind(chart, "block")} >= {0.0, 1.0}


def test_each_metric_has_an_axis_that_its_own_blocks_fill():
    """A budget far from what was measured is told, so that it does not squeeze the blocks into a blob."""
    lanes = ratio_chart(ab_entry("int8", 1.05, Status.FAIL, 1)).spec()["vconcat"]
    ends = [lane["layer"][0]["encoding"]["x"]["scale"]["domain"] for lane in lanes]
    assert ends[0][1] - ends[0][0] > 5 and ends[1][1] - ends[1][0] < 0.5
    assert lanes[1]["title"]["text"][1] == "30 blocks, at most 1 % worse allowed (outside)"
    assert lanes[0]["title"]["text"][1] == "30 blocks, at most 2 % worse allowed"


def test_the_metric_that_decided_stands_first():
    entry = ab_entry("int8", 1.05, Status.FAIL, 1)
    latency, memory = entry.findings
    turned = [
        latency.model_copy(update={"status": Status.PASS}),
        memory.model_copy(update={"status": Status.FAIL}),
    ]
    decided = entry.model_copy(update={"findings": turned})
    assert [one.ratio.metric for one in ratio_chart(decided).lanes] == ["peak_memory", "latency_p50"]
    free = ratio_chart(entry.model_copy(update={"findings": []}))
    assert [one.ratio.metric for one in free.lanes] == ["throughput", "latency_p50"] and free.left_out == 1


def test_one_block_has_a_chart_too_and_none_has_none():
    entry = ab_entry("int8", 1.05, Status.FAIL, 1)
    one = [found.model_copy(update={"by_block": [1.1], "blocks": 1}) for found in entry.baseline.ratios]
    short = entry.model_copy(update={"baseline": entry.baseline.model_copy(update={"ratios": one})})
    assert len(of_kind(ratio_chart(short), "block")) == 2
    none = [found.model_copy(update={"by_block": []}) for found in one]
    bare = entry.model_copy(update={"baseline": entry.baseline.model_copy(update={"ratios": none})})
    assert ratio_chart(bare) is None and ratio_chart(results().entries[0]) is None


def test_both_arms_have_a_lane_each_of_their_own_trials():
    entry = ab_entry("int8", 1.2, Status.FAIL, 1)
    lanes = arms_distribution(entry).spec()["vconcat"]
    medians = {
        arm: [row["x"] for row in lane["data"]["values"] if row["kind"] == "trial"]
        for arm, lane in zip(("baseline", "candidate"), lanes, strict=True)
    }
    assert {arm: len(found) for arm, found in medians.items()} == {"baseline": 60, "candidate": 60}
    assert min(medians["candidate"]) > max(medians["baseline"])
    assert arms_distribution(results().entries[0]) is None


def test_charts_of_recipes_take_the_candidates_trials_alone():
    made = ab_results()
    alone = made.model_copy(
        update={
            "entries": [
                entry.model_copy(update={"trials": [trial for trial in entry.trials if trial.arm == "candidate"]})
                for entry in made.entries
            ]
        }
    )
    assert distribution(groups(made)[0]) == distribution(groups(alone)[0])


def test_void_trials_are_counted_of_the_candidate_alone():
    entry = ab_entry("int8", 1.05, Status.FAIL, 1)
    void = [trial.model_copy(update={"void": "hot"}) if trial.block == 0 else trial for trial in entry.trials]
    made = ab_results()
    text = page_of(made.model_copy(update={"entries": [entry.model_copy(update={"trials": void})]}))
    assert "2 of 60: hot" in text


def test_a_run_without_a_baseline_has_no_such_section():
    plain = results()
    text = page_of(Results(run=plain.run, devices=plain.devices, entries=plain.entries[:1]))
    assert 'id="baseline"' not in text and WAIVER not in text and 'class="promise"' not in text
