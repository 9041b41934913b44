"""What blocks of figures say: effects on the logarithmic scale, an instrument's step, which blocks count."""

from math import log

import numpy as np
import pytest

from harness.records.entry import Histogram, TrialSummary
from harness.stats.observations import (
    Observation,
    interleaved,
    is_usable,
    observations,
    orientation,
    per_trial,
    processes_a_block,
    resolution,
    single_arm,
)

ABBA = ("candidate", "baseline", "baseline", "candidate")
BAAB = ("baseline", "candidate", "candidate", "baseline")


def block(number, arms, figures, *, void=()):
    return [
        Observation(number, arm, figure, place in void)
        for place, (arm, figure) in enumerate(zip(arms, figures, strict=True))
    ]


def test_an_effect_is_the_arms_mean_logarithm_apart_and_the_turn_says_who_had_the_outer_places():
    found = interleaved([block(0, ABBA, (4.0, 1.0, 9.0, 16.0)), block(1, BAAB, (2.0, 6.0, 24.0, 8.0))])
    assert found.effects == pytest.approx(np.log([[8.0 / 3.0, 12.0 / 4.0]]))
    assert found.turns.tolist() == [1.0, -1.0]


@pytest.mark.parametrize(("arms", "turn"), [(("candidate", "baseline"), 1.0), (("baseline", "candidate"), -1.0)])
def test_a_block_may_have_one_trial_of_each_arm(arms, turn):
    found = interleaved([block(0, arms, (3.0, 3.0 * np.e ** (-2.0 * turn)))])
    assert (found.effects.tolist(), found.turns.tolist()) == ([[pytest.approx(2.0)]], [turn])


def test_blocks_of_two_and_of_four_trials_stand_beside_each_other_and_show_no_carry_over():
    found = interleaved([block(0, ABBA, (2.0, 1.0, 1.0, 2.0)), block(1, ("baseline", "candidate"), (1.0, 3.0))])
    assert found.effects == pytest.approx(np.log([[2.0, 3.0]])) and found.turns.tolist() == [1.0, -1.0]
    assert found.carry_over is None


@pytest.mark.parametrize(("arms", "turn"), [(ABBA, 1.0), (BAAB, -1.0), (ABBA[:2], 1.0), (BAAB[:2], -1.0)])
def test_the_orientation_of_a_block_says_who_had_its_outer_places(arms, turn):
    assert orientation(block(0, arms, (1.0,) * len(arms))) == turn


@pytest.mark.parametrize(
    "spoilt",
    [
        block(1, ABBA, (1.0, 1.0, 1.0, 1.0), void=(2,)),
        block(1, ABBA, (1.0, None, 1.0, 1.0)),
        block(1, ABBA, (1.0, float("inf"), 1.0, 1.0)),
        block(1, ABBA, (1.0, 0.0, 1.0, 1.0)),
        block(1, ABBA[:3], (1.0, 1.0, 1.0)),
        block(1, ("candidate",) * 4, (1.0, 1.0, 1.0, 1.0)),
    ],
)
def test_a_block_that_does_not_count_or_in_which_the_arms_took_no_turns_is_left_out(spoilt):
    good = [block(0, ABBA, (2.0, 1.0, 1.0, 2.0)), block(2, BAAB, (1.0, 3.0, 3.0, 1.0))]
    found = interleaved([good[0], spoilt, good[1]])
    assert found.effects == pytest.approx(np.log([[2.0, 3.0]])) and found.turns.tolist() == [1.0, -1.0]


def test_of_one_arm_the_effect_is_its_own_mean_logarithm_whatever_the_other_was():
    found = single_arm([
        block(0, ABBA, (4.0, 1.0, 1.0, 9.0), void=(1,)),
        block(1, ABBA, (4.0, 1.0, 1.0, 9.0), void=(0,)),
        block(2, ("baseline",), (5.0,)),
        block(3, ("candidate",), (7.0,)),
    ])  # fmt: skip
    assert found.effects == pytest.approx(np.log([[6.0, 7.0]])) and found.turns.tolist() == [0.0, 0.0]


def test_processes_a_block_are_those_that_most_blocks_have():
    four, two, none = (
        block(0, ("candidate",) * 4, (1.0,) * 4),
        block(1, ABBA, (1.0,) * 4),
        block(2, ("baseline",), (1.0,)),
    )
    assert processes_a_block([four, two, four]) == 4
    assert processes_a_block([two, none, none]) == 2
    assert processes_a_block([none]) == processes_a_block([]) == 1


@pytest.mark.parametrize(
    ("arms", "step"),
    [
        ([[1.0, 1.1, 1.1, 1.3]], log(1.1)),
        ([[1.0, 1.1, 1.3, 1.32, 1.0]], log(1.32 / 1.3)),
        ([[1.0, 1.0, 1.2], [1.1, 1.3]], log(1.3 / 1.2)),
        ([[1.0, 1.1], [1.1, 1.3]], 0.0),
        ([[1.0, 1.0]], 0.0),
        ([[1.0]], 0.0),
        ([[]], 0.0),
    ],
)
def test_an_instrument_s_step_is_the_smallest_gap_where_figures_of_an_arm_agree(arms, step):
    """Two arms' figures that agree with each other alone tell nothing of it."""
    assert resolution(arms) == pytest.approx(step)


def test_one_arm_s_figures_are_those_that_count_of_whatever_block():
    blocks = [block(0, ABBA, (4.0, 1.0, None, 9.0), void=(3,)), block(1, BAAB, (-1.0, 6.0, 5.0, 8.0))]
    assert per_trial(blocks, "candidate") == [4.0, 6.0, 5.0]
    assert per_trial(blocks, "baseline") == [1.0, 8.0]


def test_latency_is_seen_summary_by_summary_in_the_order_of_measuring():
    told = [
        TrialSummary(
            arm=arm,
            block=number,
            n=1,
            batch=1,
            mean_s=0.5,
            quantiles={"p50": figure},
            histogram=Histogram(edges_s=[0.0, 1.0], counts=[1]),
            void=void,
        )
        for arm, number, figure, void in (
            ("candidate", 3, 1.0, None),
            ("baseline", 3, 2.0, "hot"),
            ("candidate", 4, 3.0, None),
        )
    ]
    first, second = observations("latency_p50", told, [])
    assert first == [Observation(3, "candidate", 1.0, False, 0), Observation(3, "baseline", 2.0, True, 1)]
    assert second == [Observation(4, "candidate", 3.0, False, 2)]
    assert [[one.figure for one in seen] for seen in observations("throughput", told, [])] == [[2.0, 2.0], [2.0]]


def test_a_block_of_nothing_is_not_usable():
    assert not is_usable([])
    assert is_usable(block(0, ABBA, (1.0, 1.0, 1.0, 1e-300)))
