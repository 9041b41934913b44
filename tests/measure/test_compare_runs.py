import math

import pytest
from support.sample_results import measured

from harness.measure.compare_runs import compare_results
from harness.records.comparable import FLOOR
from harness.records.entry import Histogram, TrialMetrics, TrialSummary
from harness.records.metrics import is_exact
from harness.records.results import DeviceRecord, Results, Run
from harness.records.status import Status
from harness.stats.estimates import figure_of
from harness.testing import make_entry, make_facts, make_profile

SHAPE = Histogram(edges_s=[1.0, 2.0], counts=[1])


def trial(p50_s, *, arm="candidate", void=None):
    return TrialSummary(
        arm=arm, block=0, n=10, batch=1, mean_s=p50_s * 1.1, quantiles={"p50": p50_s}, histogram=SHAPE, void=void
    )


def entry(p50_s=0.004, *, spread=0.002, count=10, **changes):
    medians = [p50_s * math.exp(spread * (place - (count - 1) / 2) / count) for place in range(count)]
    given = {
        "measurements": [measured("latency_p50", p50_s, spread=spread), measured("model_size", 1000.0, n=1)],
        "trials": [trial(median) for median in medians],
        **changes,
    }
    return make_entry(**given)


def run_of(*entries, devices=("simulated",), **facts):
    run = Run(
        id="r",
        created_at="2026-11-24T00:00:00Z",
        harness_version="0",
        commit=None,
        command="",
        settings={},
        status=Status.PASS,
        exit_code=0,
        seconds={},
        bytes_sent={},
    )
    records = {
        name: DeviceRecord(profile=make_profile(name), facts=make_facts(**facts), fingerprint=None) for name in devices
    }
    return Results(run=run, devices=records, entries=list(entries))


def latency(found):
    return next(metric for metric in found.pairs[0].metrics if metric.metric == "latency_p50")


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, "alike"), (1.05, "worse"), (0.95, "better"), (1.004, "alike"), (0.996, "alike")]
)
def test_what_changed_beyond_noise_and_what_runs_differ_by(factor, verdict):
    found = latency(compare_results(run_of(entry()), run_of(entry(0.004 * factor))))
    assert found.verdict == verdict
    assert found.ratio == pytest.approx(factor) and found.low < found.ratio < found.high


def test_a_wide_interval_is_no_change():
    found = latency(compare_results(run_of(entry(spread=0.5)), run_of(entry(0.0042, spread=0.5))))
    assert found.verdict == "alike" and found.high - found.low > 0.1


def test_higher_is_better_where_it_is():
    pair = [
        run_of(entry(measurements=[measured("throughput", value, spread=0.002)], trials=[])) for value in (250.0, 200.0)
    ]
    (found,) = compare_results(*pair).pairs[0].metrics
    assert (found.verdict, found.ratio) == ("worse", pytest.approx(0.8))
    assert found.low == pytest.approx(200 * 0.998 / (250 * 1.002))


def test_throughput_has_a_figure_of_each_trial_too():
    pair = [
        run_of(entry(p50_s, measurements=[measured("throughput", 1 / p50_s, spread=0.5)])) for p50_s in (0.004, 0.005)
    ]
    (found,) = compare_results(*pair).pairs[0].metrics
    assert (found.verdict, found.ratio) == ("worse", pytest.approx(0.8))
    assert found.low == pytest.approx(found.ratio, rel=0.01)


def test_exact_metrics_change_by_any_difference():
    pair = [run_of(entry(measurements=[measured("model_size", value, n=1)])) for value in (100_000.0, 100_004.0)]
    (found,) = compare_results(*pair).pairs[0].metrics
    assert is_exact(found.metric) and found.verdict == "worse" and found.ratio < 1 + FLOOR


def test_figures_without_an_interval_are_not_judged():
    pair = [run_of(entry(measurements=[measured("peak_memory", value)])) for value in (1e6, 2e6)]
    (found,) = compare_results(*pair).pairs[0].metrics
    assert (found.ratio, found.low, found.verdict) == (2.0, None, "unknown")


def test_two_trials_that_differ_give_a_ratio_and_no_interval():
    found = latency(compare_results(run_of(entry(count=2)), run_of(entry(0.005, count=9))))
    assert (found.ratio, found.low, found.high) == (pytest.approx(1.25), None, None)
    assert found.verdict == "unknown"


def test_what_trials_keep_of_other_metrics_counts():
    def with_memory(value):
        kept = [
            TrialMetrics(kind="memory", arm="candidate", block=n, values={"peak_memory": value + n}) for n in range(4)
        ]
        return entry(measurements=[measured("peak_memory", value)], figures=kept)

    (found,) = compare_results(run_of(with_memory(1e6)), run_of(with_memory(1.2e6))).pairs[0].metrics
    assert found.verdict == "worse" and found.low < 1.2 < found.high + 1e-6


def test_only_the_candidates_own_valid_trials_count():
    mixed = entry(trials=[trial(0.004), trial(0.001, arm="baseline"), trial(0.9, void="hot")])
    p50, mean = (figure_of(metric, mixed.trials, mixed.figures) for metric in ("latency_p50", "latency_mean"))
    assert (p50.value, p50.trials) == (0.004, 1)
    assert (mean.value, mean.trials) == (pytest.approx(0.0044), 1)
    assert [figure_of(metric, mixed.trials, mixed.figures) for metric in ("latency_p99", "model_size")] == [None, None]


@pytest.mark.parametrize(
    ("facts", "changes", "said"),
    [
        ({"kernel": "6.12"}, {}, "kernel: 6.6.0 against 6.12"),
        ({"max_freq_khz": 1_800_000}, {}, "highest frequency: 1.5 GHz against 1.8 GHz"),
        ({}, {"runtime": "litert 2.4.0"}, "runtime: litert 2.3.0 against litert 2.4.0"),
    ],
)
def test_unlike_boards_and_settings_have_no_ratio_but_their_files_do(facts, changes, said):
    (pair,) = compare_results(run_of(entry()), run_of(entry(**changes), **facts)).pairs
    assert pair.unlike == (said,)
    ratios = {metric.metric: metric.ratio for metric in pair.metrics}
    assert ratios == {"latency_p50": None, "model_size": 1.0}


def test_entries_of_one_run_only_are_listed():
    a = run_of(entry(), entry(candidate="gone"))
    b = run_of(entry(), entry(candidate="new"), entry(recipe="int8"))
    found = compare_results(a, b)
    assert [one.candidate for one in found.only_a] == ["gone"]
    assert [(one.candidate, one.recipe) for one in found.only_b] == [("new", None), ("model", "int8")]


def test_two_tests_of_one_candidate_find_their_own():
    a = run_of(entry(test="t::one"), entry(test="t::two"))
    b = run_of(entry(0.005, test="t::two"), entry(0.004, test="t::one"))
    found = compare_results(a, b)
    assert [(pair.a.test, pair.b.test) for pair in found.pairs] == [("t::one",) * 2, ("t::two",) * 2]
    assert (found.only_a, found.only_b) == ((), ())


def test_a_test_that_only_one_run_has_takes_nothing_from_another():
    a = run_of(entry(test="t::one"), entry(test="t::two"))
    b = run_of(entry(0.005, test="t::two"))
    found = compare_results(a, b)
    assert [(pair.a.test, pair.b.test) for pair in found.pairs] == [("t::two",) * 2]
    assert [one.test for one in found.only_a] == ["t::one"]
    renamed = compare_results(run_of(entry(test="t::one[pi-07]")), run_of(entry(test="t::new[pi-08]")))
    assert len(renamed.pairs) == 1 and not renamed.only_a + renamed.only_b


def test_boards_of_other_names_pair_test_by_test():
    a = run_of(*(entry(device="pi-07", test=f"t::{name}[pi-07]") for name in ("one", "two")), devices=["pi-07"])
    b = run_of(*(entry(device="pi-08", test=f"t::{name}[pi-08]") for name in ("two", "one")), devices=["pi-08"])
    assert [(pair.a.test[3:6], pair.b.test[3:6]) for pair in compare_results(a, b).pairs] == [
        ("one",) * 2,
        ("two",) * 2,
    ]


def test_one_device_each_is_the_same_whatever_its_name_and_of_several_the_name_decides():
    a = run_of(entry(device="rpi4"), devices=["rpi4"])
    b = run_of(entry(device="rpi4-07"), devices=["rpi4-07"])
    assert len(compare_results(a, b).pairs) == 1
    both = run_of(entry(device="rpi4-07"), entry(device="rpi4-08"), devices=["rpi4-07", "rpi4-08"])
    found = compare_results(a, both)
    assert (found.pairs, len(found.only_a), len(found.only_b)) == ((), 1, 2)


def test_a_device_nobody_knows_is_not_compared():
    assert compare_results(run_of(entry()), run_of(entry(), devices=[])).pairs[0].unlike == (
        "board: nothing is known of it",
    )
