"""By simulation: how often an unchanged series is said to have changed, and how soon a step is seen."""

import sys
from itertools import pairwise
from math import pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.changepoints import FARTHEST, LEAST, changepoints

LEVEL, NOISE = 100.0, 1.0
SERIES = 400


def drawn(generator, count, *, outliers=0.0, size=10.0):
    values = LEVEL + NOISE * generator.normal(size=count)
    struck = generator.random(count) < outliers
    values[struck] += size * NOISE * generator.choice([-1.0, 1.0], size=int(struck.sum()))
    return values


def share_of_alarms(make):
    generator = np.random.default_rng(20261124)
    return sum(bool(changepoints(make(generator))) for _ in range(SERIES)) / SERIES


@pytest.mark.parametrize("outliers", [0.0, 0.02, 0.05, 0.1])
def test_an_unchanged_series_with_outliers_has_not_changed(outliers):
    assert share_of_alarms(lambda generator: drawn(generator, 50, outliers=outliers)) <= 0.02


def test_outliers_that_all_go_one_way_make_hardly_a_change():
    def slow_at_times(generator):
        return LEVEL + generator.normal(size=50) + 10 * (generator.random(50) < 0.05)

    assert share_of_alarms(slow_at_times) <= 0.03


def test_heavy_tails_make_no_change():
    assert share_of_alarms(lambda generator: LEVEL + generator.standard_t(3, size=50)) <= 0.02


@pytest.mark.parametrize("size", [3.0, 8.0, 50.0, 1e6])
@pytest.mark.parametrize(("last", "share"), [(1, 0.01), (2, 0.06)])
def test_what_stands_last_alone_is_no_change(size, last, share):
    """Of two, chance may bring a third from among those before."""

    def ends_astray(generator):
        return np.concatenate([drawn(generator, 40), drawn(generator, last) + size])

    assert share_of_alarms(ends_astray) <= share


@pytest.mark.parametrize(("after", "share"), [(3, 0.85), (4, 0.93), (6, 0.97)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_step_of_five_sd_is_seen_after_a_few_points(after, share, sign):
    generator = np.random.default_rng(7)
    seen = 0
    for _ in range(SERIES):
        values = np.concatenate([drawn(generator, 30, outliers=0.02), drawn(generator, after) + 5 * sign])
        seen += any(
            abs(shift.at - 30) <= 1 and (shift.after - shift.before) * sign > 0 for shift in changepoints(values)
        )
    assert seen / SERIES >= share


def test_a_small_step_is_seen_when_it_lasts():
    generator = np.random.default_rng(3)
    seen = 0
    for _ in range(SERIES):
        values = np.concatenate([drawn(generator, 30), drawn(generator, 10) + 3])
        seen += any(abs(shift.at - 30) <= 4 for shift in changepoints(values))
    assert seen / SERIES >= 0.9


def test_every_level_is_told_with_its_median():
    generator = np.random.default_rng(1)
    levels = [100.0, 120.0, 90.0]
    values = np.concatenate([level + generator.normal(size=10) for level in levels])
    shifts = changepoints(values)
    assert [shift.at for shift in shifts] == [10, 20]
    assert [round(shift.before, -1) for shift in shifts] == [100, 120]
    assert [round(shift.after, -1) for shift in shifts] == [120, 90]


def test_figures_that_repeat_exactly_change_with_the_third():
    size = [112_700.0] * 8
    assert changepoints([*size, 120_000.0, 120_000.0]) == []
    (shift,) = changepoints([*size, 120_000.0, 120_000.0, 120_000.0])
    assert (shift.at, shift.before, shift.after) == (8, 112_700.0, 120_000.0)
    assert changepoints([*size, *[112_704.0] * 8]) == []


@pytest.mark.parametrize("vanishing", [0.0, 5e-324, 1.1125369292536007e-308, 1e-200])
def test_ordinary_figures_after_vanishing_ones_are_another_level(vanishing):
    (shift,) = changepoints([vanishing] * 6 + [1.0] * 5)
    assert (shift.at, shift.before, shift.after) == (6, vanishing, 1.0)


@pytest.mark.parametrize("count", range(2 * LEAST))
def test_a_short_series_has_no_changes(count):
    assert changepoints([*[1.0] * (count // 2), *[9.0] * (count - count // 2)] or [1.0]) == []


def test_levels_differ_by_four_standard_errors_of_their_medians():
    """What repeats has a thousandth of itself as noise; of medians it is sqrt(pi / 2) times as large as of means."""
    needed = 4 * sqrt(pi / 2) * sqrt(1 / 8 + 1 / 3)
    for size, cuts in ((0.99 * needed, []), (1.01 * needed, [8])):
        assert [shift.at for shift in changepoints([1000.0] * 8 + [1000.0 + size] * 3)] == cuts


@pytest.mark.parametrize(
    ("after", "cuts"), [([1, 1, 1, 0], [8]), ([1, 1, 1, 0, 1, 1, 0], []), ([1, 1, 1, 0, 1, 1, 1, 0], [8])]
)
def test_three_in_four_points_lie_on_their_own_side_of_the_middle(after, cuts):
    assert [shift.at for shift in changepoints([1000.0] * 8 + [1000.0 + 20.0 * one for one in after])] == cuts


@pytest.mark.parametrize(("newest", "seen"), [(197, [3]), (198, [])])
def test_the_newest_two_hundred_points_are_looked_at(newest, seen):
    assert [shift.at for shift in changepoints([5.0] * 3 + [1.0] * newest)] == seen


def test_of_a_long_series_the_newest_points_are_looked_at():
    old = [1.0] * 300
    assert changepoints([*[5.0] * 100, *old]) == []
    (shift,) = changepoints([*old, *[2.0] * 10])
    assert shift.at == 300 and FARTHEST < 300


@given(st.lists(st.floats(-1e9, 1e9, allow_nan=False), min_size=1, max_size=40))
def test_shifts_are_in_order_and_leave_every_level_its_points(values):
    ends = [0, *(shift.at for shift in changepoints(values)), len(values)]
    assert len(ends) == 2 or min(b - a for a, b in pairwise(ends)) >= LEAST


def test_where_ruptures_has_no_release_nothing_is_looked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "ruptures", None)
    assert changepoints([1.0] * 10 + [9.0] * 10) == []
