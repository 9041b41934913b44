"""Whether the first trials had reached a steady state."""

import pytest

from harness.measure.warm_up import warm_up_of
from harness.records.board import Turns
from harness.testing import make_trial


def _trials(medians_ns, arms=("candidate",)):
    return [
        make_trial(index, arm=arms[index % len(arms)], samples_ns=(ns,) * 60) for index, ns in enumerate(medians_ns)
    ]


def test_a_board_that_warms_up_says_so():
    found = warm_up_of(_trials([1200, 1150, 1110, 1080, 1060, 1040, 1030, 1020, 1010, 1000]))
    assert (found.trials, found.steady, found.tau) == (10, False, -1.0)
    assert found.sentence == (
        "steady state was not reached at once: latency fell by 17.1 % over the first 10 trials "
        "(Kendall's tau -1.00, p = 5.5e-07)"
    )


def test_a_steady_board_says_so_too():
    found = warm_up_of(_trials([1000, 1004, 998, 1003, 999, 1001, 1002, 997, 1005, 996]))
    assert found.steady
    assert found.sentence.startswith("latency was steady from the first trial: no trend over 10 of them (Kendall's tau")


def test_a_trend_within_what_medians_wander_by_is_none():
    found = warm_up_of(_trials([1000 + step for step in range(8)]))
    assert (found.tau, found.steady) == (1.0, True)


@pytest.mark.parametrize("count", [0, 4])
def test_few_trials_tell_nothing(count):
    found = warm_up_of(_trials([1000] * count))
    assert (found.steady, found.trials) == (None, count)
    assert "is not known: 5 trials tell" in found.sentence


def test_each_arm_is_held_against_itself():
    medians = [1000, 3000] * 5
    assert warm_up_of(_trials(medians, arms=("candidate", "baseline"))).steady


def test_by_turns_slices_tell():
    trials = [
        make_trial(
            index, kind="slices", samples_ns=(), turns=Turns(p50_ns=1200.0 - 10 * index, mean_ns=1200.0, slices=())
        )
        for index in range(8)
    ]
    assert warm_up_of([*_trials([1000] * 2), *trials]).steady is False


def test_a_trial_that_died_tells_nothing():
    assert warm_up_of([make_trial(index, died="a signal") for index in range(9)]).trials == 0
