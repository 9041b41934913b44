"""Limits on energy: the questions that a power sensor's windows are asked, and how many windows that takes."""

import pytest

from harness.gates import parse_limit, window_tests_of
from harness.records.device import Meter, Power
from harness.records.plan import BESIDE_WINDOW_S, Arm, Plan
from harness.records.units import QuantityError, format_quantity, parse_quantity, parse_rate
from harness.testing import make_runner

LIMITS = [
    parse_limit(key, value, origin="marker")
    for key, value in {
        "latency_p50": "1 ms", "energy_per_inference": "1 mJ", "power_idle_regression": "2 %", "model_size": "1 MB",
    }.items()
]  # fmt: skip


def asked(*, share=0.005, most=None, paired=True):
    return window_tests_of(LIMITS, share=share, miss=0.05, most_windows=most, paired=paired)


def test_limits_on_energy_alone_are_asked_of_windows():
    assert [(one.metric, one.relative, one.most_blocks) for one in asked()] == [
        ("energy_per_inference", False, 12),
        ("power_idle", True, 12),
    ]
    assert [one.metric for one in asked(paired=False)] == ["energy_per_inference"]


@pytest.mark.parametrize(("share", "most", "windows"), [(0.005, None, 12), (0.005 / 100, None, 15), (0.005, 40, 40)])
def test_as_many_windows_as_the_error_rate_takes_or_was_asked_for(share, most, windows):
    assert {one.most_blocks for one in asked(share=share, most=most)} == {windows}


def plan(**said):
    arms = tuple(Arm(name, "a" * 64, None, None) for name in ("candidate", "baseline"))
    return Plan(
        arms=arms, trials=10, trials_per_block=4, order="abba", runner=make_runner(), warmup_runs=1, num_runs=1,
        min_secs=0.1, max_secs=1.0, time_limit_s=60.0, seed=0, **said,
    )  # fmt: skip


def test_windows_that_answer_limits_have_their_own_time():
    a_pair = 2 * (10.0 + BESIDE_WINDOW_S)
    assert (plan().energy_s, plan().energy_beside_s) == (0.0, 0.0)
    assert (plan(sensors=("a", "b")).energy_s, plan(sensors=("a",)).energy_beside_s) == (2 * a_pair, 0.0)
    limited = plan(sensors=("a", "b"), energy_questions=asked())
    assert limited.energy_s == limited.energy_beside_s == 12 * a_pair


def test_a_meter_comes_last_where_it_is_not_named():
    meter = Meter(command=["m"])
    assert Power(sensors=["rapl"], meter=meter).ranked == ("rapl", "meter")
    assert Power(sensors=["meter", "rapl"], meter=meter).ranked == ("meter", "rapl")
    assert Power().ranked == ()


@pytest.mark.parametrize(("text", "rate"), [("10/s", 10.0), ("0.5 /s", 0.5), ("7", 7.0), (3, 3.0)])
def test_a_rate_is_a_number_with_or_without_its_unit(text, rate):
    assert parse_rate(text) == rate


def test_a_rate_of_another_unit_is_refused():
    with pytest.raises(QuantityError, match="expected a rate"):
        parse_rate("10 ms")


def test_inferences_a_watt_hour_are_written_and_read():
    assert format_quantity(220_588.2, "1/Wh") == "220600 /Wh"
    assert parse_quantity("220 k/Wh", "1/Wh") == 220_000.0
