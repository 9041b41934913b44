"""Kendall's test against scipy's, and the slope against what was put in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from harness.stats import trend_of


@given(st.permutations(range(7)))
def test_tau_and_p_are_scipys(order):
    found, other = trend_of(order), kendalltau(range(7), order, method="exact")
    assert (found.tau, found.p) == (pytest.approx(other.statistic), pytest.approx(min(other.pvalue, 1.0)))


def test_a_line_has_its_slope():
    found = trend_of([1.0, 1.5, 2.0, 2.5, 3.0])
    assert (found.tau, found.slope) == (1.0, 0.5)
    assert found.p == pytest.approx(2 / 120)


def test_equal_values_have_no_trend():
    found = trend_of([2.0] * 6)
    assert (found.tau, found.p, found.slope) == (0.0, 1.0, 0.0)


def test_one_outlier_is_no_slope():
    assert trend_of([1.0, 1.0, 9.0, 1.0, 1.0]).slope == 0.0


def test_noise_seldom_has_a_trend():
    noise = np.random.default_rng(3).normal(size=(1000, 10))
    told = sum(trend_of(row.tolist()).p <= 0.02 for row in noise)
    assert told <= 35
