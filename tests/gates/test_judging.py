"""Verdicts: what passes, fails, stays open or was not judged, and the sentence people read."""

from dataclasses import replace

import pytest
from gates.judged_entries import accuracy, entry, limit, lost, measured, verdict

from harness.gates import judge
from harness.records.artifact import AccuracyResult
from harness.records.emulation import withhold_speed
from harness.records.entry import Finding
from harness.records.settings import Settings
from harness.records.status import Status

SETTINGS = Settings()
LATENCY = measured("latency_p50", 0.00431, 0.00428, 0.00435)


def test_without_limits_the_entry_stays_as_it_came():
    measured_only = entry(LATENCY)

    assert verdict(measured_only) == measured_only


def test_beyond_the_limit_fails_with_value_interval_limit_board_and_place():
    judged = verdict(entry(LATENCY), limit("latency_p50", "4 ms", 'budgets.toml [rpi4."x/int8"] latency_p50'))

    assert judged.status is Status.FAIL
    assert judged.reason == "latency_p50: 4.31 ms (4.28-4.35 ms), 7.7 % above limit 4 ms"
    finding = judged.findings[0]
    assert finding.reason == judged.reason
    assert finding.detail == '95 %, 10 trials; budgets.toml [rpi4."x/int8"] latency_p50'
    assert (finding.gate, finding.metric, finding.limit) == ("budget", "latency_p50", 0.004)
    assert (finding.value, finding.ci_low, finding.ci_high) == (0.00431, 0.00428, 0.00435)


def test_within_the_limit_passes():
    judged = verdict(entry(LATENCY), limit("latency_p50", "5 ms"))

    assert judged.status is Status.PASS
    assert judged.reason == "latency_p50: 4.31 ms (4.28-4.35 ms), limit 5 ms"
    assert judged.findings[0].detail == "95 %, 10 trials; marker"


def test_across_the_limit_is_too_close_to_call_and_says_how_many_more_trials():
    across = measured("latency_p50", 0.00395, 0.0039, 0.0041, n=10)

    judged = verdict(entry(across), limit("latency_p50", "4 ms"))

    assert judged.status is Status.INCONCLUSIVE
    assert judged.reason == (
        "latency_p50: 3.95 ms (3.9-4.1 ms), too close to limit 4 ms: about 80 more trials (--trials 90)"
    )


def test_the_advice_names_a_longer_time_limit_where_the_trials_need_one():
    across = measured("latency_p50", 0.00395, 0.0039, 0.0041, n=10)

    judged = judge(entry(across), [limit("latency_p50", "4 ms")], settings=Settings(min_secs=1.0, time_limit_s=60))

    assert "about 80 more trials (--trials 90 --time-limit 90)" in judged.reason


def test_a_value_on_the_limit_is_not_promised_an_end():
    across = measured("latency_p50", 0.004, 0.0039, 0.0041)

    assert "more than 1000 more trials" in verdict(entry(across), limit("latency_p50", "4 ms")).reason


def test_for_higher_is_better_the_limit_is_a_floor():
    rate = measured("throughput", 200.0, 195.0, 205.0)

    assert verdict(entry(rate), limit("throughput", "190 /s")).status is Status.PASS
    assert verdict(entry(rate), limit("throughput", "200 /s")).status is Status.INCONCLUSIVE
    failed = verdict(entry(rate), limit("throughput", "210 /s"))
    assert failed.status is Status.FAIL
    assert failed.reason == "throughput: 200 /s (195-205 /s), 4.8 % below floor 210 /s"


def test_a_size_is_compared_exactly_and_a_hair_beyond_is_named():
    size = measured("model_size", 289_208.0, n=1)

    judged = verdict(entry(size), limit("model_size", "289.2 kB"))

    assert judged.reason == "model_size: 289.2 kB, 8 B above limit 289.2 kB"
    assert judged.findings[0].detail == "exact; marker"
    assert verdict(entry(measured("model_size", 60_000.0)), limit("model_size", "60 kB")).status is Status.PASS


def test_one_trial_of_a_sampled_metric_stays_open_however_far_the_value_is():
    single = measured("latency_p50", 0.001, n=1)

    judged = verdict(entry(single), limit("latency_p50", "4 ms"))

    assert judged.status is Status.INCONCLUSIVE
    assert judged.reason == "latency_p50: 1 ms, no interval to hold against limit 4 ms: 1 trial only, raise --trials"


def test_memory_of_one_process_is_judged():
    memory = measured("peak_memory", 50e6, n=1)

    assert verdict(entry(memory), limit("peak_memory", "60 MB")).status is Status.PASS
    assert verdict(entry(memory), limit("peak_memory", "40 MB")).status is Status.FAIL


def test_what_is_unknown_or_unmeasured_is_never_green():
    unknown = measured("energy_per_inference", None, reason="no power source on this board")

    judged = verdict(entry(unknown), limit("energy_per_inference", "15 mJ"))
    assert judged.status is Status.INVALID
    assert "no power source on this board" in judged.reason

    judged = verdict(entry(), limit("latency_p50", "4 ms"))
    assert judged.status is Status.INVALID
    assert judged.reason == "latency_p50: not judged: not measured"


def test_of_stages_it_is_told_that_none_were_given():
    reason = verdict(entry(), limit("preprocess", "4 ms")).reason
    assert reason == "preprocess: not judged: not measured: no pre- or post-processing was given"
    reason = verdict(entry(), limit("latency_p50", "4 ms")).reason
    assert reason == "latency_p50: not judged: not measured"


@pytest.mark.parametrize(("low", "high"), [(0.0009, None), (None, 0.0011)])
def test_half_an_interval_is_none(low, high):
    half = measured("latency_p50", 0.001).model_copy(update={"ci_low": low, "ci_high": high})
    judged = verdict(entry(half), limit("latency_p50", "4 ms"))
    assert judged.status is Status.INCONCLUSIVE and "no interval to hold against limit 4 ms" in judged.reason


def test_what_is_not_sampled_is_compared_as_it_is_though_an_interval_is_shown():
    judged = verdict(entry(measured("accuracy", 0.95, 0.93, 0.97, n=360)), limit("accuracy", "94 %"))
    assert (judged.status, judged.findings[0].ci_low) == (Status.PASS, None)


@pytest.mark.parametrize("source", ["model", "model: fit", " model :x"])
def test_a_source_that_begins_with_model_is_one(source):
    modelled = measured("energy_per_inference", 0.014, 0.0139, 0.0141, source=source)
    assert verdict(entry(modelled), limit("energy_per_inference", "15 mJ")).status is Status.INVALID
    sensed = modelled.model_copy(update={"source": f"hwmon:{source}"})
    assert verdict(entry(sensed), limit("energy_per_inference", "15 mJ")).status is Status.PASS


def test_a_modelled_energy_gates_only_when_asked_by_name():
    modelled = measured("energy_per_inference", 0.014, 0.0139, 0.0141, source="model: PowerJoular", band=0.15)

    refused = verdict(entry(modelled), limit("energy_per_inference", "15 mJ"))
    assert refused.status is Status.INVALID
    assert 'source = "model"' in refused.reason

    judged = verdict(entry(modelled), limit("energy_per_inference", {"max": "15 mJ", "source": "model"}))
    assert judged.status is Status.PASS
    assert "from model: PowerJoular, itself +-15 %" in judged.findings[-1].detail


def test_a_sensor_s_energy_gates_either_way():
    sensed = measured("energy_per_inference", 0.016, 0.0159, 0.0161, source="hwmon:ina226")

    for value in ("15 mJ", {"max": "15 mJ", "source": "model"}):
        assert verdict(entry(sensed), limit("energy_per_inference", value)).status is Status.FAIL


@pytest.mark.parametrize(
    ("correct", "status"), [(350, Status.PASS), (356, Status.PASS), (346, Status.FAIL), (347, Status.PASS)]
)
def test_an_accuracy_drop_is_the_exact_difference_to_float32(correct, status):
    judged = verdict(
        entry(accuracy=accuracy(correct), accuracy_drop=lost(350, correct)), limit("accuracy_drop", "1 pt")
    )

    assert judged.status is status
    assert judged.findings[0].gate == "accuracy_drop"


def test_an_accuracy_drop_shows_both_accuracies_and_its_interval_but_the_difference_decides():
    judged = verdict(
        entry(accuracy=accuracy(347), accuracy_drop=lost(350, 347, high=0.05)), limit("accuracy_drop", "1 pt")
    )

    assert judged.status is Status.PASS
    assert judged.reason == "accuracy_drop: 97.22 -> 96.39 %, 0.833 pt lost against float32, limit 1 pt"
    finding = judged.findings[0]
    assert finding.detail == (
        "exact difference over 360 samples, 3 lost and 0 gained, 95 % interval -0.1 to 5 pt; marker"
    )
    assert (finding.value, finding.ci_low, finding.ci_high) == (3 / 360, -0.001, 0.05)


def test_a_drop_of_exactly_the_limit_is_held():
    own = entry(accuracy=accuracy(96, n=100), accuracy_drop=lost(97, 96, n=100))

    assert verdict(own, limit("accuracy_drop", "1 pt")).status is Status.PASS


def test_an_area_under_the_curve_is_judged_alike():
    area = AccuracyResult(value=0.84, correct=None, n=200, dataset="sounds", obtained="test set", score="auc")
    drop = lost(0, 0, n=200).model_copy(update={"value": 0.02, "lost": None, "gained": None, "ci_low": 0.01})

    judged = verdict(entry(accuracy=area, accuracy_drop=drop), limit("accuracy_drop", "1 pt"))

    assert judged.status is Status.FAIL
    assert judged.reason.startswith("accuracy_drop: 86 -> 84 %, 2 pt lost against float32")
    assert judged.findings[0].detail.startswith("AUC, exact difference over 200 samples, 95 % interval")


def test_an_interval_without_width_is_not_spoken_of():
    own = entry(accuracy=accuracy(350), accuracy_drop=lost(350, 350, low=0.0, high=0.0))

    judged = verdict(own, limit("accuracy_drop", "1 pt"))
    assert "interval" not in judged.findings[0].detail
    assert judged.reason == "accuracy_drop: 97.22 %, the same as float32, limit 1 pt"


def test_float32_itself_drops_by_nothing():
    judged = verdict(entry(accuracy=accuracy(350), recipe="float32"), limit("accuracy_drop", "0 pt"))

    assert judged.status is Status.PASS
    assert judged.reason == "accuracy_drop: the same as float32, limit 0 pt"
    assert judged.findings[0].detail == "it is the float32 recipe itself; marker"


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_what_guesses_has_nothing_to_lose_and_is_not_green(recipe):
    guessing = accuracy(36).model_copy(update={"chance": 0.102, "by_chance": True})
    drop = None if recipe == "float32" else lost(36, 36).model_copy(update={"reference_by_chance": True})

    judged = verdict(entry(accuracy=guessing, accuracy_drop=drop, recipe=recipe), limit("accuracy_drop", "1 pt"))

    assert judged.status is Status.INVALID
    assert "float32's own accuracy, 10 %, is no better than guessing (10.2 %)" in judged.reason


def test_what_float32_guessed_is_told_where_the_recipe_lost_something_of_it():
    own = accuracy(36).model_copy(update={"by_chance": True})
    drop = lost(45, 36).model_copy(update={"reference_by_chance": True})

    judged = verdict(entry(accuracy=own, accuracy_drop=drop), limit("accuracy_drop", "1 pt"))

    assert judged.reason == "accuracy_drop: not judged: float32's own accuracy, 12.5 %, is no better than guessing"


@pytest.mark.parametrize(("by_chance", "status"), [(True, Status.INVALID), (False, Status.FAIL)])
def test_it_is_the_reference_that_must_not_guess(by_chance, status):
    """A recipe that guesses lost what float32 could."""
    own = accuracy(36).model_copy(update={"by_chance": True})
    drop = lost(300, 36).model_copy(update={"reference_by_chance": by_chance})

    assert verdict(entry(accuracy=own, accuracy_drop=drop), limit("accuracy_drop", "1 pt")).status is status


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (entry(), "accuracy is unknown: the candidate has no test set"),
        (entry(accuracy_reason="synthetic: accuracy not claimed"), "unknown: synthetic: accuracy not claimed"),
        (entry(recipe="float32"), "accuracy is unknown"),
        (entry(accuracy=accuracy(350)), "accuracy was not compared with float32's"),
        (
            entry(accuracy=accuracy(350), fidelity_reason="the reference could not be built: it died"),
            "not compared with float32's: the reference could not be built: it died",
        ),
        (entry(accuracy=accuracy(350), recipe=None), "a model file as given has no float32 recipe"),
    ],
)
def test_what_was_not_compared_is_not_judged(own, told):
    judged = verdict(own, limit("accuracy_drop", "1 pt"))

    assert judged.status is Status.INVALID
    assert told in judged.reason


def test_a_regression_in_a_run_without_a_baseline_is_skipped_and_the_other_limits_are_judged():
    asked = limit("latency_p50_regression", "2 %")
    (skipped,) = judge(entry(LATENCY), [asked], settings=SETTINGS).findings
    assert (skipped.status, skipped.value) == (Status.MEASURED, None)
    assert skipped.reason == "latency_p50_regression: skipped, no --baseline was given"
    for text, status in (("1 s", Status.PASS), ("1 ns", Status.FAIL)):
        judged = judge(entry(LATENCY), [asked, limit("latency_p50", text)], settings=SETTINGS)
        assert judged.status is status


def test_a_baseline_that_was_given_and_is_not_there_is_not_green():
    settings = replace(SETTINGS, baseline="origin/main")
    judged = judge(entry(LATENCY), [limit("latency_p50_regression", "2 %")], settings=settings)
    assert judged.status is Status.INVALID
    assert "there is nothing of --baseline origin/main" in judged.reason


@pytest.mark.parametrize(
    ("base", "status"),
    [
        ((0.0042, 0.00418, 0.00422), Status.INCONCLUSIVE),
        ((0.0050, 0.0049, 0.0051), Status.PASS),
        ((0.0040, 0.0039, 0.0041), Status.FAIL),
    ],
)
def test_a_regression_is_judged_on_the_widest_ratio_of_both_intervals(base, status):
    judged = verdict(entry(LATENCY), limit("latency_p50_regression", "2 %"), baseline=[measured("latency_p50", *base)])

    assert judged.status is status
    finding = judged.findings[0]
    assert (finding.gate, finding.metric) == ("regression", "latency_p50")
    assert finding.ci_low < finding.value < finding.ci_high


def test_a_lower_throughput_is_the_worse_one():
    slower = entry(measured("throughput", 90.0, 89.0, 91.0))

    judged = verdict(
        slower, limit("throughput_regression", "5 %"), baseline=[measured("throughput", 100.0, 99.0, 101.0)]
    )

    assert judged.status is Status.FAIL
    assert judged.reason == "throughput: 100 -> 90 /s, 10 % slower than old.json (8 to 12 %), limit 5 %"


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ([], "the baseline's is not measured"),
        ([measured("latency_p50", 0.0, 0.0, 0.0)], "the baseline's value is zero"),
        ([measured("latency_p50", None)], "the baseline's is unknown: no reason was given"),
    ],
)
def test_a_baseline_without_a_usable_value_is_not_judged(base, why):
    judged = verdict(entry(LATENCY), limit("latency_p50_regression", "2 %"), baseline=base)

    assert judged.status is Status.INVALID
    assert judged.reason == f"latency_p50_regression: not judged: {why}"


@pytest.mark.parametrize("status", [Status.ERROR, Status.FAIL, Status.INVALID])
def test_an_entry_that_came_spoilt_keeps_its_status_and_its_budgets_are_not_judged(status):
    spoilt = entry(LATENCY, status=status, reason="killed by SIGABRT")

    judged = verdict(spoilt, limit("latency_p50", "5 ms"))

    assert judged.status is status
    assert judged.reason.startswith("killed by SIGABRT")
    budget = next(finding for finding in judged.findings if finding.gate == "budget")
    assert budget.status is Status.INVALID
    assert budget.reason == f"latency_p50: not judged: the entry is {status}: killed by SIGABRT"
    assert (budget.detail, budget.origin) == ("marker", "marker")


def test_the_worst_of_measuring_and_budgets_decides():
    checked = Finding(gate="outputs", metric=None, status=Status.PASS, reason="bit-equal")

    judged = verdict(
        entry(LATENCY, measured("model_size", 70_000.0), findings=[checked]),
        limit("latency_p50", "4 ms"),
        limit("model_size", "60 kB"),
        limit("latency_p50", "5 ms"),
    )

    assert judged.status is Status.FAIL
    assert judged.reason.startswith("latency_p50: 4.31 ms")
    assert judged.reason.endswith("; and 1 more")
    assert judged.findings[0] == checked


def test_a_limit_on_the_speed_of_an_emulated_board_is_skipped_and_says_why():
    emulated = withhold_speed(entry(LATENCY, measured("peak_memory", 5e7), accuracy=accuracy(350)))
    limits = [limit("latency_p50", "4 ms"), limit("peak_memory", "40 MB"), limit("latency_p50_regression", "2 %")]

    judged = verdict(emulated, *limits)

    told = {finding.reason for finding in judged.findings if finding.status is Status.MEASURED}
    because = "skipped, the board is emulated: its speed says nothing"
    assert told == {f"latency_p50: {because}", f"latency_p50_regression: {because}"}
    assert judged.status is Status.FAIL
    assert judged.reason == "peak_memory: 50 MB, 25 % above limit 40 MB"
    assert verdict(emulated, limits[0]).status is Status.MEASURED
