"""What tells an emulated board, and what is not claimed of it."""

import pytest

from harness.records.emulation import (
    WITHHELD,
    is_emulated,
    is_of_speed,
    is_withheld,
    with_least_measuring,
    withhold_speed,
)
from harness.records.entry import BaselineRecord, CarryOver, Measurement, Ratio, TrialMetrics
from harness.records.metrics import METRICS
from harness.records.settings import Settings
from harness.testing import make_entry, make_facts, make_profile

MADE_UP = "QEMU's machine virt with a processor made up as arm,cortex-a72"


def _measured(metric, value=1.0):
    known = METRICS[metric]
    return Measurement(metric=metric, unit=known.unit, better=known.better, value=value, ci_low=0.9, ci_high=1.1, n=3)


def _ratio(metric):
    return Ratio(
        metric=metric, better="lower", ratio=1.0, ci_low=None, ci_high=None, confidence=None, blocks=1, by_block=[1.0]
    )


@pytest.mark.parametrize(
    ("said", "found", "emulated"),
    [
        (None, None, False),
        (None, MADE_UP, True),
        (True, None, True),
        (True, MADE_UP, True),
        (False, MADE_UP, False),
        (False, None, False),
    ],
)
def test_the_profile_decides_and_where_it_is_silent_the_board(said, found, emulated):
    assert is_emulated(make_profile(hardware={"emulated": said}), make_facts(emulated=found)) is emulated


def test_speed_has_a_part_in_times_rates_power_and_energy_alone():
    without = {"peak_memory", "model_memory", "model_size", "accuracy"}
    assert not any(is_of_speed(metric) for metric in without)
    assert all(is_of_speed(name) for name in METRICS if METRICS[name].unit in ("s", "1/s", "J", "W"))
    assert is_of_speed("a metric of a later harness")


def test_no_figure_of_speed_is_left_and_all_others_are_as_they_were():
    memory, size = _measured("peak_memory", 5e7), _measured("model_size", 5e4)
    told = TrialMetrics(kind="memory", arm="candidate", block=0, values={"init_time": 0.1, "peak_memory": 5e7})
    timed = TrialMetrics(kind="stages", arm="candidate", block=0, values={"end_to_end": 0.1})
    entry = make_entry(measurements=[_measured("latency_p50"), memory, size], figures=[told, timed])
    kept = withhold_speed(entry)

    latency, *others = kept.measurements
    assert (latency.value, latency.ci_low, latency.ci_high, latency.n, latency.reason) == (
        None,
        None,
        None,
        0,
        WITHHELD,
    )
    assert is_withheld(latency)
    assert others == [memory, size]
    assert not any(map(is_withheld, others))
    assert (kept.trials, kept.figures, kept.baseline) == ([], [], None)


def test_nor_of_what_it_was_compared_with():
    carried = CarryOver(arm="candidate", share=0.0, low=0.0, high=0.0, processes=3)
    baseline = BaselineRecord(
        given="main",
        state="measured",
        sentence="",
        measurements=[_measured("throughput"), _measured("model_memory")],
        ratios=[_ratio("latency_p50"), _ratio("peak_memory")],
        carry_over=[carried],
    )
    kept = withhold_speed(make_entry(baseline=baseline)).baseline
    assert kept is not None
    assert [one.value for one in kept.measurements] == [None, 1.0]
    assert [one.metric for one in kept.ratios] == ["peak_memory"]
    assert kept.carry_over == []


def test_a_metric_that_is_unknown_for_another_reason_is_not_withheld():
    unknown = _measured("latency_p50").model_copy(update={"value": None, "reason": "every latency trial died"})
    assert not is_withheld(unknown)
    assert not is_withheld(None)
    assert not is_withheld(_measured("energy_per_inference").model_copy(update={"source": "model: a table"}))


def test_one_inference_is_measured_whatever_was_asked_for_and_never_less_time_is_given():
    given = Settings(num_runs=50, min_secs=0.5, max_secs=1.0, trials=24, time_limit_s=3600.0)
    least = with_least_measuring(given)
    assert (least.trials, least.num_runs, least.warmup_runs, least.min_secs) == (1, 1, 0, 0.0)
    assert (least.max_secs, least.time_limit_s) == (300.0, 3600.0)
    assert with_least_measuring(Settings()).time_limit_s == 900.0
