"""A worsening against the baseline: its bounds, what stands behind it, and what is said where nothing is compared."""

import re

import pytest
from gates.judged_entries import entry, limit, measured, verdict

from harness.gates import judge
from harness.records.entry import BaselineRecord, TrialMetrics
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_entry
from harness.testing.gatelab.trial_summaries import trial_summary


@pytest.mark.parametrize(
    ("state", "status", "value", "words"),
    [
        ("identical", Status.PASS, 0.0, "cannot have got worse"),
        ("new", Status.MEASURED, None, "not compared"),
        ("missing", Status.ERROR, None, "not compared"),
        ("unlike", Status.INVALID, None, "not compared"),
    ],
)
def test_a_base_that_was_not_measured_says_what_it_is(state, status, value, words):
    base = BaselineRecord(given="main", state=state, sentence="it is told why")
    told = make_entry(baseline=base, measurements=[measured("latency_p50", 0.004, 0.0039, 0.0041)])
    (found,) = judge(told, [limit("latency_p50_regression", "2 %")], settings=Settings()).findings
    assert (found.gate, found.status, found.value, found.limit) == ("regression", status, value, 0.02)
    assert found.reason == f"latency_p50: {words}: it is told why"
    assert found.detail == "marker"


@pytest.mark.parametrize(
    ("metric", "value", "low", "high"),
    [("energy_per_inference", 0.1, 9.9 / 11 - 1, 12.1 / 9 - 1), ("throughput", -0.1, 1 - 12.1 / 9, 1 - 9.9 / 11)],
)
def test_the_bounds_join_the_worst_end_of_either_interval_with_the_best_of_the_other(metric, value, low, high):
    own, base = measured(metric, 11.0, 9.9, 12.1), measured(metric, 10.0, 9.0, 11.0)
    found = verdict(entry(own), limit(f"{metric}_regression", "1 %"), baseline=[base]).findings[-1]
    assert (found.value, found.ci_low, found.ci_high) == pytest.approx((value, low, high))
    assert found.status is Status.INCONCLUSIVE


@pytest.mark.parametrize("alone", ["own", "base"])
def test_either_figure_without_an_interval_leaves_it_open(alone):
    sure, unsure = measured("latency_p50", 0.008, 0.0079, 0.0081), measured("latency_p50", 0.004, n=1)
    own, base = (unsure, sure) if alone == "own" else (sure, unsure)
    found = verdict(entry(own), limit("latency_p50_regression", "2 %"), baseline=[base]).findings[-1]
    assert found.status is Status.INCONCLUSIVE and "no interval to hold against limit 2 %" in found.reason


@pytest.mark.parametrize("low", [0.0, -0.001])
def test_a_base_that_may_be_nothing_is_not_divided_by(low):
    own, base = measured("latency_p50", 0.004, 0.0039, 0.0041), measured("latency_p50", 0.004, low, 0.0041)
    found = verdict(entry(own), limit("latency_p50_regression", "2 %"), baseline=[base]).findings[-1]
    assert found.reason == f"{found.metric}_regression: not judged: the baseline's value is zero"


def test_a_size_of_nothing_is_not_divided_by():
    own, base = measured("model_size", 100.0, n=1), measured("model_size", 0.0, n=1)
    found = verdict(entry(own), limit("model_size_regression", "2 %"), baseline=[base]).findings[-1]
    assert found.reason == f"{found.metric}_regression: not judged: the baseline's value is zero"


ORDERS = (("candidate", "baseline", "baseline", "candidate"), ("baseline", "candidate", "candidate", "baseline"))


def in_turns(blocks, turns_of):
    """An entry whose trials took turns, 5 ms against 4 ms, and slices in which a metric differed by nothing."""
    places = [(block, arm) for block in range(blocks) for arm in ORDERS[block % 2]]
    figures = {"candidate": 0.005, "baseline": 0.004}
    trials = [
        trial_summary(arm, block, figures[arm] * (1.0 + 0.001 * (place * 7 % 11)))
        for place, (block, arm) in enumerate(places)
    ]
    slices = [
        TrialMetrics(
            kind="slices", arm=arm, block=place // 2, values={turns_of: 0.004 * (1.0 + 0.001 * (place * 7 % 11))}
        )
        for place, arm in enumerate(("candidate", "baseline", "baseline", "candidate") * blocks)
    ]
    base = BaselineRecord(
        given="main",
        state="measured",
        sentence="the base",
        measurements=[measured("latency_p50", 0.004, 0.0039, 0.0041)],
    )
    return make_entry(
        device="rpi4",
        trials=trials,
        figures=slices,
        most_blocks=40,
        baseline=base,
        measurements=[measured("latency_p50", 0.005, 0.0049, 0.0051)],
    )


def test_whole_trials_show_both_values_and_slices_that_they_took_turns():
    """Absolute values of other trials would seem to contradict the ratio of the slices."""
    asked = [limit("latency_p50_regression", "2 %")]
    turns, whole = (
        judge(in_turns(20, metric), asked, settings=Settings()).findings[-1]
        for metric in ("latency_p50", "latency_mean")
    )
    assert whole.status is Status.FAIL and "latency_p50: 4 -> 5 ms, 25 % slower than main (" in whole.reason
    assert whole.value == pytest.approx(0.25, abs=0.01)
    assert turns.status is Status.PASS and re.match(r"latency_p50: [\d.]+ % (slower|faster) than main \(", turns.reason)
    assert "blocks by turns in slices, at equal clock," in turns.detail
    assert turns.value == pytest.approx(0.0, abs=0.01)
