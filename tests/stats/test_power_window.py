"""A window of power: its mean with what may be wrong with it, against made-up sensors whose truth is known."""

import numpy as np
import pytest
from energy.synthetic import Sensor, made_power, read

from harness.records.entry import TrialMetrics
from harness.records.limit_test import LimitTest
from harness.stats.limit_test import run_limit_test
from harness.stats.power_window import Readings, find_fault, is_plausible, mean_power
from harness.stats.sequential import Blocks, decide
from harness.stats.spending import window_boundaries


def readings(watts, *, seconds=10.0, missed=0):
    at = np.arange(len(watts)) * seconds / max(1, len(watts))
    return Readings(seconds, at, np.asarray(watts, dtype=float), missed)


def test_a_dropout_is_filled_by_its_neighbours():
    whole = Readings(10.0, [0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 9.0], [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0])
    assert mean_power(whole).watts == pytest.approx(2.05, abs=0.1)


def test_one_reading_is_its_own_mean():
    found = mean_power(readings([2.5]))
    assert (found.watts, found.sampling_w, found.step_w) == (2.5, 0.0, 0.0)


def test_two_readings_may_be_off_by_what_they_differ():
    assert mean_power(readings([2.0, 3.0])).sampling_w == 1.0


def test_a_window_without_a_reading_has_no_mean():
    with pytest.raises(ValueError, match="no reading"):
        mean_power(readings([float("nan")]))
    with pytest.raises(ValueError, match="no reading"):
        mean_power(readings([]))


def test_what_is_no_power_is_left_out_and_counted():
    found = mean_power(readings([2.0, 0.0, 2.1, 900.0, 1.9, float("inf")], missed=1))
    assert found.watts == pytest.approx(2.0, abs=0.05)
    assert (found.readings, found.missed) == (3, 4)


def test_readings_that_are_held_count_once():
    rng = np.random.default_rng(1)
    updates = rng.normal(4.0, 0.1, 10)
    held, single = mean_power(readings(np.repeat(updates, 10))), mean_power(readings(updates))
    assert held.sampling_w == pytest.approx(single.sampling_w)
    assert (held.rate_hz, held.updates_hz) == (10.0, 1.0)


def test_steps_are_seen_where_values_come_again_and_again():
    rng = np.random.default_rng(2)
    coarse = np.round(rng.normal(4.0, 0.05, 100) / 0.04) * 0.04
    assert mean_power(readings(coarse)).step_w == pytest.approx(0.04)
    assert mean_power(readings(rng.normal(4.0, 0.05, 100))).step_w == 0.0


def test_noise_over_the_steps_leaves_nothing_hidden_and_a_still_reading_half_a_step():
    rng = np.random.default_rng(3)
    noisy = np.round(rng.normal(4.0, 0.06, 100) / 0.04) * 0.04
    assert mean_power(readings(noisy)).hidden_w < 1e-5
    assert mean_power(readings([4.0] * 100), step_w=0.04).hidden_w == pytest.approx(0.02)


@pytest.mark.parametrize("rate_hz", [1.0, 7.0, 100.0, 1000.0])
@pytest.mark.parametrize("dropouts", [0.0, 0.3])
def test_sampling_and_steps_hold_the_truth(rate_hz, dropouts):
    rng = np.random.default_rng(int(rate_hz))
    sensor = Sensor(rate_hz=rate_hz, averages=rate_hz > 10, step_w=0.04, noise_w=0.01, dropouts=dropouts)
    held = 0
    for _ in range(25):
        power = made_power(rng, 10.0, mean_w=3.0, white=0.05, slow=0.03, over_s=0.3)
        found = mean_power(read(sensor, power, rng), step_w=0.04)
        held += abs(found.watts - power.mean()) <= found.sampling_w + found.step_w / 2
    assert held >= 24


HEALTHY = np.random.default_rng(4).normal(4.0, 0.05, 100)
RESTING = np.random.default_rng(5).normal(2.0, 0.05, 30)


@pytest.mark.parametrize(
    ("busy", "rest"),
    [
        (HEALTHY, RESTING),
        (np.round(HEALTHY / 0.04) * 0.04, np.round(RESTING / 0.04) * 0.04),
        (np.full(100, 4.0), np.full(30, 2.0)),
        (np.repeat(HEALTHY[:10], 10), np.repeat(RESTING[:3], 10)),
        (HEALTHY, [2.0, 2.1]),
    ],
)
def test_a_healthy_sensor_is_not_called_sick(busy, rest):
    assert find_fault(readings(busy), readings(rest, seconds=3.0)) is None
    assert find_fault(readings(HEALTHY)) is None


@pytest.mark.parametrize(
    ("busy", "rest", "missed", "said"),
    [
        ([], RESTING, 9, "gave no reading that is a number, of 9"),
        ([1.0, float("nan")], RESTING, 0, "gave no reading that is a number"),
        (HEALTHY[:10], RESTING, 90, "answered 10 of 100 reads only"),
        (np.zeros(100), RESTING, 0, "reads 0 W all the time"),
        (-HEALTHY, RESTING, 0, "which is negative"),
        (np.where(np.arange(100) % 3 == 0, HEALTHY, 0.0), RESTING, 0, "gave 34 readings that can be, of 100"),
        (1e3 * HEALTHY, RESTING, 0, "its unit is another"),
        (np.full(100, 4.0), np.full(30, 4.0), 0, "at rest as under load: it is stuck"),
        (np.full(100, 4.0), RESTING, 0, "or at the end of its range"),
        (np.concatenate([HEALTHY[:30], np.full(70, 4.0)]), RESTING, 0, "for the last 7.0 s: it is stuck"),
        (np.repeat([2.0, 4.0], 50), np.full(30, 2.0), 0, "too slow for such a window"),
        (np.minimum(HEALTHY, 4.0), RESTING, 0, "it is saturated"),
        (HEALTHY - 3.0, RESTING, 0, "reads less under load"),
    ],
)
def test_a_sick_sensor_is_called_by_its_fault(busy, rest, missed, said):
    assert said in find_fault(readings(busy, missed=missed), readings(rest, seconds=3.0))


def test_a_mean_alone_is_held_against_what_boards_draw():
    assert [is_plausible(watts) for watts in (3.0, 0.001, 5000.0, float("nan"))] == [True, False, False, False]


def test_windows_at_their_limit_fail_and_pass_at_the_rates_that_were_asked_for():
    rng = np.random.default_rng(6)
    bounds = window_boundaries(0.005, 0.05, 12, lost=2)
    turns = np.where(np.arange(12) % 2 == 0, 1.0, -1.0)
    found = decide(Blocks(rng.normal(0.0, 0.015, (20_000, 12)), turns), np.zeros(20_000), bounds)
    assert 0.002 < np.mean(found.verdicts == 1) < 0.005
    assert 0.03 < np.mean(found.verdicts == -1) < 0.05
    assert (bounds.first, bounds.last, bounds.pass_from) == (6, 12, 6)


def windows(pairs, *, hidden=0.0, spread=0.001):
    """Of both arms by turns, the candidate 5 % above."""
    return [
        TrialMetrics(
            kind="energy",
            arm=arm,
            block=pair,
            values={"energy_per_inference": factor * (1.0 + spread * ((pair * 7 + place) % 5))},
            hidden=hidden,
        )
        for pair in range(pairs)
        for place, (arm, factor) in enumerate([("candidate", 1.05), ("baseline", 1.0)][:: 1 if pair % 2 else -1])
    ]


ASKED = LimitTest(
    metric="energy_per_inference", better="lower", limit=0.02, relative=True, alpha=0.005, miss=0.05, most_blocks=12
)


def test_pairs_of_windows_answer_a_limit_and_what_steps_hide_leaves_it_open():
    found = run_limit_test(ASKED, [], windows(12))
    assert (found.verdict, found.windows, found.blocks) == ("fail", True, 8)
    assert run_limit_test(ASKED, [], windows(12, hidden=0.05)).verdict == "open"


def test_too_few_pairs_say_how_many_are_needed():
    found = run_limit_test(ASKED, [], windows(3))
    assert (found.value, found.windows, found.needed) == (None, True, 6)
