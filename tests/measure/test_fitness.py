"""Whether the board was fit."""

import pytest

from harness.measure.fitness import FitnessRule, fitness_rule, holding_clock
from harness.measure.void_trials import fitness_finding, voids
from harness.records.device import Limits, Tuning
from harness.records.status import Status
from harness.testing import make_facts, make_profile, make_telemetry, make_trial

RULE = FitnessRule(max_temp_c=75.0, steady_clock=True)


def _trial(**telemetry):
    return make_trial(telemetry=make_telemetry(**telemetry))


@pytest.mark.parametrize(
    ("telemetry", "details"),
    [
        ({}, []),
        ({"throttled": None}, []),
        ({"throttled": 0b0001}, ["under-voltage"]),
        ({"throttled": 0b0010}, ["frequency capped"]),
        ({"throttled": 0b0100}, ["throttled"]),
        ({"throttled": 0b1000}, ["soft temperature limit"]),
        ({"throttled": 0b0101}, ["under-voltage", "throttled"]),
        ({"throttled": 0xF0000}, []),
        ({"temp_after_c": 75.0}, []),
        ({"temp_before_c": 81.25}, ["81.2 °C, over the limit of 75 °C"]),
        ({"temp_before_c": None, "temp_after_c": 90.0}, ["90.0 °C, over the limit of 75 °C"]),
        ({"temp_before_c": None, "temp_after_c": None}, []),
        ({"freq_after_khz": 600_000}, ["clock went from 1500 to 600 MHz"]),
        ({"freq_after_khz": 1_425_000}, []),
        ({"freq_before_khz": None}, []),
        ({"freq_after_khz": None}, []),
    ],
)
def test_why_a_trial_does_not_count(telemetry, details):
    assert [void.detail for void in voids(_trial(**telemetry), RULE)] == details


def test_a_trial_without_telemetry_counts():
    assert voids(make_trial(telemetry=None), RULE) == ()


def test_stages_are_times_like_latencies():
    hot = make_trial(kind="stages", telemetry=make_telemetry(temp_after_c=90.0))
    assert voids(hot, RULE)
    assert "in 1 of 2 trials" in fitness_finding([hot, _trial()], RULE).reason


@pytest.mark.parametrize("kind", ["check", "memory"])
def test_outputs_and_bytes_do_not_depend_on_heat(kind):
    assert voids(make_trial(kind=kind, telemetry=make_telemetry(temp_after_c=90.0)), RULE) == ()


def test_a_clock_that_may_move_is_no_reason():
    rule = FitnessRule(max_temp_c=None, steady_clock=False)
    assert voids(_trial(freq_after_khz=600_000, temp_after_c=90.0), rule) == ()


@pytest.mark.parametrize(
    ("tuned", "found", "steady"),
    [
        (None, "performance", True),
        (None, "ondemand", False),
        (None, None, False),
        ("performance", "ondemand", True),
        ("ondemand", "performance", False),
    ],
)
def test_the_governor_that_holds_decides_on_the_clock(tuned, found, steady):
    profile = make_profile(tuning=Tuning(governor=tuned), limits=Limits(max_temp_c=70.0))
    rule = fitness_rule(profile, make_facts(governor=found))
    assert rule == FitnessRule(max_temp_c=70.0, steady_clock=steady, governor=found, alone=True)


def test_an_x86_clock_boosts_by_design():
    assert not fitness_rule(make_profile(), make_facts(arch="x86_64", simulated=None)).steady_clock


def test_a_simulated_board_on_an_x86_machine_has_the_clock_of_the_one_it_stands_in_for():
    assert fitness_rule(make_profile(), make_facts(arch="x86_64", simulated="simulated")).steady_clock


def test_a_lasting_drop_is_held_against_the_first_trials_clock():
    slow = {"freq_before_khz": 600_000, "freq_after_khz": 600_000}
    late = make_trial(7, telemetry=make_telemetry(**slow))
    assert voids(late, RULE) == ()
    rule = holding_clock(RULE, [late, make_trial(2)])
    assert [void.cause for void in voids(late, rule)] == ["another frequency"]
    assert voids(make_trial(2), rule) == ()


def test_without_a_clock_to_read_the_rule_stays():
    assert holding_clock(RULE, [make_trial(telemetry=None)]) == RULE


def test_the_sentence_counts_the_trials():
    trials = [_trial(throttled=1 if i < 3 else 0) for i in range(10)]
    finding = fitness_finding(trials, RULE)
    assert (finding.gate, finding.status) == ("fitness", Status.INVALID)
    assert finding.reason == "board not fit: under-voltage in 3 of 10 trials; your change was not judged"


def test_several_causes_are_all_told():
    reason = fitness_finding([_trial(throttled=1, temp_after_c=80.0), _trial(throttled=1)], RULE).reason
    assert "under-voltage in 2 of 2 trials, hotter than 75 °C in 1 of 2 trials" in reason


def test_a_fit_board_has_no_finding():
    assert fitness_finding([_trial()], RULE) is None
