"""What trials answer to a limit, as a sentence; what of a limit asks trials at all."""

import re
from pathlib import Path

import numpy as np
import pytest
from gates.judged_entries import entry, limit, measured, verdict

from harness.gates import find_budgets, judge
from harness.gates.evidence import Evidence
from harness.gates.limit_tests import limit_test_of, limit_tests_of
from harness.gates.sentences import JudgedFigure, basis_of, share_text
from harness.gates.sequential_verdict import blocks_in_time
from harness.records.entry import BaselineRecord, Histogram, TrialMetrics, TrialSummary
from harness.records.limit_test import RunSpread
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_entry

SPREAD = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1.008, 0.992, 1.0, 1.004, 0.996)


def trials(blocks, *, arm="candidate", p50_s=0.004, void=()):
    return [
        TrialSummary(
            arm=arm,
            block=place // 4,
            n=100,
            batch=1,
            mean_s=p50_s,
            quantiles={"p50": p50_s * SPREAD[place % 12], "p90": p50_s * SPREAD[place % 12]},
            histogram=Histogram(edges_s=[0.0, 1.0], counts=[100]),
            void="throttled" if place // 4 in void else None,
        )
        for place in range(4 * blocks)
    ]


def judged(text, told, *, key="latency_p50", settings=None, **changes):
    metric = key.removesuffix("_regression")
    made = make_entry(
        device="rpi4",
        trials=told,
        most_blocks=40,
        measurements=[measured(metric, 0.004, 0.00399, 0.00401)],
        **changes,
    )
    return judge(made, [limit(key, text)], settings=settings or Settings(alpha=0.005, miss=0.05)).findings[-1]


def test_a_limit_that_holds_says_its_blocks_and_both_error_rates():
    found = judged("5 ms", trials(12))
    assert found.status is Status.PASS
    assert (found.alpha, found.miss, found.blocks, found.limit) == (0.005, 0.05, 6, 0.005)
    assert found.reason == "latency_p50: 4 ms (3.99-4.01 ms), limit 5 ms"
    assert found.detail.endswith("after 6 blocks, false alarm at most 0.5 %, miss at most 5 %, seed 0; marker")
    assert found.ci_low < found.value < found.ci_high


def test_blocks_that_do_not_count_are_told():
    found = judged("3 ms", trials(12, void=(1, 2)))
    assert found.status is Status.FAIL
    assert "blocks, false alarm" in found.detail and found.reason.endswith("33 % above limit 3 ms")


def test_no_block_is_left_out_for_its_figures_and_one_is_for_what_the_board_told():
    told = trials(12)
    for place, factor in ((4, 1.2), (5, 1 / 1.2)):
        told[place] = told[place].model_copy(update={"quantiles": {"p50": 0.004 * factor}})
    found = judged("5 ms", told)
    assert (found.status, found.blocks) == (Status.PASS, 6)
    assert "6 blocks, false alarm" in found.detail
    assert judged("5 ms", trials(6, void=(1,))).blocks == 5


def test_of_a_metric_that_no_trial_has_the_interval_is_judged():
    made = make_entry(device="rpi4", trials=trials(12), measurements=[measured("init_time", 0.2, 0.19, 0.21)])
    found = judge(made, [limit("init_time", "1 s")], settings=Settings()).findings[-1]
    assert (found.status, found.alpha, found.blocks) == (Status.PASS, None, None)
    assert found.reason == "init_time: 200 ms (190-210 ms), limit 1 s"
    assert found.detail == "95 %, 10 trials; marker"


def test_a_figure_on_its_limit_is_too_close_to_call_and_another_limit_is_advised():
    found = judged("4 ms", trials(12))
    assert found.status is Status.INCONCLUSIVE
    assert found.reason.startswith("latency_p50: 4 ms (3.99-4.01 ms), too close to limit 4 ms: ")
    assert "more than 1000 blocks would not settle it; move the limit away from the value" in found.reason


def energy(blocks, *, a_block=4):
    return [
        TrialMetrics(
            kind="energy",
            arm="candidate",
            block=place // a_block,
            values={"energy_per_inference": 0.015 * SPREAD[place % 12]},
        )
        for place in range(blocks * a_block)
    ]


def test_what_is_too_close_to_call_is_told_how_many_further_blocks_would_settle_it():
    found = judged("4.004 ms", trials(12))
    assert found.status is Status.INCONCLUSIVE and found.needed > found.blocks == 12
    assert found.reason.endswith(f": about {found.needed - 12} more blocks")


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        (1, "1 block of trials; about 5 more blocks"),
        (4, "4 blocks of trials; about 2 more blocks"),
        (5, "5 blocks of trials; about 1 more block"),
    ],
)
def test_where_nothing_counts_what_lacks_to_six_blocks_is_advised(blocks, told):
    reason = judged("4 ms", trials(blocks, void=range(blocks))).reason
    assert reason == f"latency_p50: measured too little for limit 4 ms: {told}"


def test_a_figure_within_its_limit_is_told_how_many_blocks_lack_to_those_that_show_a_slow_minority():
    """Eight of four processes at a miss rate of 5 %."""
    found = judged("4.1 ms", trials(5))
    assert (found.status, found.blocks, found.needed) == (Status.INCONCLUSIVE, 5, 8)
    assert found.reason.endswith(": 5 blocks of trials; about 3 more blocks")
    assert found.reason.startswith("latency_p50: 4")


def test_blocks_of_trials_of_any_kind_are_counted_once():
    figures = [figure.model_copy(update={"block": figure.block + 1}) for figure in energy(2)]
    reason = judged("4 ms", trials(2, void=range(2)), figures=figures).reason
    assert reason.endswith(": 3 blocks of trials; about 3 more blocks")


@pytest.mark.parametrize("room", [-1, 0, 1])
def test_a_longer_time_limit_is_advised_where_the_further_blocks_do_not_fit_into_it(room):
    """12 blocks took 30 s; those that it would take want as much time each."""
    found = judged("4.004 ms", trials(12))
    whole_s = 30.0 / 12 * found.needed
    settings = Settings(alpha=0.005, miss=0.05, time_limit_s=whole_s + room)
    reason = judged("4.004 ms", trials(12), settings=settings, seconds={"measure": 30.0}).reason
    assert f"more blocks (--time-limit {whole_s:.0f})" in reason if room < 0 else "--time-limit" not in reason


@pytest.mark.parametrize("text", ["15.02 mJ", "14.999 mJ"])
def test_what_single_trials_answer_is_advised_in_blocks_of_them(text):
    """Also where it takes more than a thousand trials, four to a block."""
    made = make_entry(
        figures=energy(8), most_blocks=40, measurements=[measured("energy_per_inference", 0.015, 0.0149, 0.0151)]
    )
    settings = Settings(alpha=0.005, miss=0.05)
    (found,) = judge(made, [limit("energy_per_inference", text)], settings=settings).findings
    assert found.status is Status.INCONCLUSIVE and found.blocks == 32
    further = (found.needed - 32) / 4
    (told,) = re.findall(r"about (\d+) more blocks", found.reason)
    assert further <= int(told) < further + 1


@pytest.mark.parametrize("blocks", [6, 12])
def test_blocks_of_which_too_few_count_ask_for_more_time(blocks):
    found = judged("5 ms", trials(blocks, void=range(blocks)))
    assert found.reason == (
        f"latency_p50: measured too little for limit 5 ms: {blocks} blocks of trials, of which too few count; "
        "give a longer --time-limit"
    )


def test_too_few_independent_reads_ask_for_more_time():
    found = judged("5 ms", trials(12), key="latency_p90")
    assert found.reason == (
        "latency_p90: measured too little for limit 5 ms: 12 blocks of trials with too few independent reads; "
        "give a longer --time-limit"
    )


def test_a_base_of_another_time_is_compared_parent_by_parent_and_that_is_said():
    base = BaselineRecord(
        given="old.json", state="stored", sentence="an earlier run", measurements=[measured("latency_p50", 0.004)]
    )
    told = [*trials(10, p50_s=0.005), *trials(10, arm="baseline")]
    found = judged("2 %", told, key="latency_p50_regression", baseline=base)
    assert found.status is Status.FAIL
    assert found.reason.startswith("latency_p50: 25 % slower than old.json (")
    assert (
        "10 blocks or more an arm, at another time, by how much runs differ by themselves not known and not in it, "
        "false alarm at most" in found.detail
    )


def stored(**more):
    told = [measured("latency_p50", 0.004)]
    return BaselineRecord(given="old.json", state="stored", sentence="an earlier run", measurements=told, **more)


def test_how_far_runs_differ_is_in_the_error_and_said_where_the_history_tells():
    known = stored(run_spread={"latency_p50": RunSpread(sd=0.01, degrees=9)})
    found = judged("2 %", [*trials(10), *trials(10, arm="baseline")], key="latency_p50_regression", baseline=known)
    assert found.status is Status.INCONCLUSIVE
    assert found.reason.endswith(
        "no more blocks would settle it, as the earlier run leaves it open; give a revision to --baseline"
    )
    wide = judged("90 %", [*trials(10), *trials(10, arm="baseline")], key="latency_p50_regression", baseline=known)
    assert "at another time, runs by themselves 1 % apart, as 10 or more showed, false alarm" in wide.detail


def test_an_open_comparison_with_a_base_of_another_time_says_how_many_more_blocks_it_takes():
    told = [*trials(4), *trials(40, arm="baseline")]
    found = judged("0.1 %", told, key="latency_p50_regression", baseline=stored())
    assert found.status is Status.INCONCLUSIVE and found.blocks == 4
    assert f"about {found.needed - 4} more block" in found.reason


def test_a_parent_an_arm_is_too_little_to_compare_with_a_base_of_another_time():
    told = [*trials(1), *trials(9, arm="baseline")]
    found = judged("2 %", told, key="latency_p50_regression", baseline=stored())
    assert found.reason == ("latency_p50: measured too little for limit 2 %: 1 block of trials; about 5 more blocks")


def test_figures_that_are_the_same_in_every_process_have_no_interval_and_no_error_rates():
    figures = [TrialMetrics(kind="memory", arm="candidate", block=at, values={"model_memory": 1e6}) for at in range(2)]
    made = make_entry(device="rpi4", figures=figures, most_blocks=40, measurements=[measured("model_memory", 1e6, n=2)])
    found = judge(made, [limit("model_memory", "2 MB")], settings=Settings()).findings[-1]
    assert (found.status, found.ci_low, found.ci_high, found.alpha, found.miss) == (Status.PASS, None, None, None, None)
    assert found.reason == "model_memory: 1 MB, limit 2 MB"
    assert found.detail == "the same in every process; marker"


@pytest.mark.parametrize(
    ("seconds", "told", "blocks"),
    [
        ({"measure": 10.0}, trials(5), 30),
        ({"measure": 9.9}, trials(1), 6),
        ({"measure": 600.0}, trials(5), 5),
        ({"measure": 0.0}, trials(5), None),
        ({}, trials(5), None),
        ({"measure": 10.0}, [], None),
    ],
)
def test_the_time_limit_has_room_for_about_so_many_blocks(seconds, told, blocks):
    evidence = Evidence(make_entry(trials=told, seconds=seconds), Settings(time_limit_s=60.0), share=0.001)
    assert blocks_in_time(evidence) == blocks


def test_what_trials_are_asked():
    limits = [
        limit("latency_p50", "4 ms"),
        limit("latency_p50_regression", "2 %"),
        limit("throughput", "100 /s"),
        limit("model_size", "60 kB"),
        limit("energy_per_inference", "15 mJ"),
        limit("accuracy_drop", "1 pt"),
    ]
    alone = limit_tests_of(limits, share=0.001, miss=0.05, most_blocks=40, paired=False)
    assert [(one.metric, one.relative, one.better) for one in alone] == [
        ("latency_p50", False, "lower"),
        ("throughput", False, "higher"),
    ]
    paired = limit_tests_of(limits, share=0.001, miss=0.05, most_blocks=40, paired=True)
    assert [(one.metric, one.relative) for one in paired] == [
        ("latency_p50", False),
        ("latency_p50", True),
        ("throughput", False),
    ]
    assert {(one.alpha, one.miss, one.most_blocks) for one in paired} == {(0.001, 0.05, 40)}


def test_a_figure_that_is_known_at_the_end_is_asked_in_one_look_and_an_exact_one_not_at_all():
    energy = limit_test_of(limit("energy_per_inference", "15 mJ"), share=0.001, miss=0.05, most_blocks=40)
    assert (energy.most_blocks, energy.limit, energy.relative) == (None, pytest.approx(0.015), False)
    assert limit_test_of(limit("model_size", "60 kB"), share=0.001, miss=0.05, most_blocks=40) is None


def test_budgets_are_looked_for_from_the_test_upward_and_not_above_the_root(tmp_path: Path):
    deep = tmp_path / "root" / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "budgets.toml").write_text("", encoding="utf-8")
    assert find_budgets(deep / "test_x.py", tmp_path / "root") is None
    assert find_budgets(Path("/test_x.py"), Path("/")) in (None, Path("/budgets.toml"))
    for folder in (tmp_path / "root", deep):
        (folder / "budgets.toml").write_text("", encoding="utf-8")
        assert find_budgets(deep / "test_x.py", tmp_path / "root") == folder / "budgets.toml"


def test_a_regression_of_one_trial_cannot_be_judged():
    one = measured("latency_p50", 0.004, n=1)
    finding = verdict(entry(one), limit("latency_p50_regression", "2 %"), baseline=[one]).findings[-1]
    assert finding.status is Status.INCONCLUSIVE
    assert (finding.value, finding.ci_low, finding.ci_high) == (0.0, None, None)


def test_a_point_is_shown_as_its_value_and_an_interval_by_its_ends():
    point = JudgedFigure(name="x", unit="s", value=0.004, low=0.004, high=0.004, basis="exact")
    assert point.interval == "4 ms"
    assert JudgedFigure(name="x", unit="s", value=0.004, low=0.0039, high=0.0041, basis="").interval == "3.9-4.1 ms"


@pytest.mark.parametrize(("share", "text"), [(0.00005, "0.005 %"), (0.05, "5 %"), (0.0125, "1.2 %")])
def test_a_share_is_shown_with_two_digits(share, text):
    assert share_text(share) == text


def test_what_stands_behind_a_figure():
    assert basis_of(measured("model_size", 1.0)) == "exact"
    assert basis_of(measured("latency_p50", 1.0, 0.9, 1.1)) == "95 %, 10 trials"
    assert basis_of(measured("latency_p50", 1.0, n=1)) == "1 trial"
    modelled = measured("power_mean", 1.0, 0.9, 1.1, source="model: fit", band=0.85)
    assert basis_of(modelled) == "95 %, 10 trials, from model: fit, itself +-85 %"
    assert basis_of(modelled.model_copy(update={"band": None})) == "95 %, 10 trials"
    sure = measured("latency_p50", 1.0, 0.9, 1.1).model_copy(update={"confidence": 0.995})
    assert basis_of(sure) == "99.5 %, 10 trials"
    assert basis_of(sure.model_copy(update={"ci_low": None})) == "10 trials"


@pytest.mark.parametrize(("after", "told"), [(1.05, "5 % slower"), (1.0, None), (0.95, "5 % faster")])
def test_what_a_hot_candidate_does_to_the_trials_after_it_is_told(after, told):
    """Trials by turns, of which those that follow the candidate's take that many times as long."""
    rng, before, made = np.random.default_rng(3), "baseline", []
    for block in range(40):
        outer, inner = ("candidate", "baseline") if block % 2 else ("baseline", "candidate")
        for arm in (outer, inner, inner, outer):
            p50_s = 0.004 * float(rng.lognormal(0.0, 0.005)) * (after if before == "candidate" else 1.0)
            one = trials(1, arm=arm, p50_s=p50_s)[0]
            made.append(one.model_copy(update={"block": block}))
            before = arm
    base = stored().model_copy(update={"given": "main", "state": "measured", "sentence": ""})
    found = judged("40 %", made, key="latency_p50_regression", baseline=base)
    assert found.status is Status.PASS
    if told is None:
        assert "runs after the candidate" not in found.detail
    else:
        seen = re.search(r"what runs after the candidate is ([\d.]+ % \w+), allowed for", found.detail)
        assert seen is not None
        share, way = seen[1].split(" % ")
        assert float(share) == pytest.approx(float(told.split()[0]), abs=0.7) and way == told.split()[2]


def windows(*scale):
    return [
        TrialMetrics(kind="energy", arm="candidate", block=50 + at, values={"power_mean": 3.0 * one})
        for at, one in enumerate(scale)
    ]


def judged_energy(text, *scale):
    made = make_entry(
        device="rpi4",
        figures=[*energy(5), *windows(*scale)],
        most_blocks=40,
        measurements=[measured("energy_per_inference", 0.015, 0.0149, 0.0151)],
    )
    settings = Settings(alpha=0.005, miss=0.05)
    return judge(made, [limit("energy_per_inference", text)], settings=settings).findings[-1]


def test_an_energy_of_a_sensor_says_how_many_windows_stand_behind_it():
    found = judged_energy("16 mJ", *SPREAD)
    assert found.status is Status.PASS and found.blocks == 12
    assert "after 12 windows an arm, false alarm at most 0.5 %" in found.detail


def test_an_energy_that_is_open_says_how_long_further_windows_take():
    found = judged_energy("15.1 mJ", 1.0, 1.02, 0.98)
    assert found.status is Status.INCONCLUSIVE
    more = found.needed - 3
    assert f"about {more} more window" in found.reason
    assert f"an arm (--energy-pairs {3 + more})" in found.reason
    assert "no number of windows would settle it" in judged_energy("15.002 mJ", *SPREAD).reason


def test_one_window_is_too_little_to_hold_an_energy_to_its_limit():
    found = judged_energy("16 mJ", 1.0)
    assert found.reason == (
        "energy_per_inference: measured too little for limit 16 mJ: 1 window of the sensor an arm; "
        "about 5 more windows an arm (--energy-pairs 6)"
    )
