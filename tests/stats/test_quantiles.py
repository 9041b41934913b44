"""Quantiles and the number of samples a percentile needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import needed_samples, quantile, smallest_trial

finite = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(("q", "n"), [(0.90, 64), (0.95, 130), (0.99, 662)])
def test_needed_samples_are_the_known_ones(q, n):
    assert needed_samples(q) == n


@pytest.mark.parametrize(("q", "n"), [(0.5, 2), (0.90, 10), (0.99, 100)])
def test_smallest_trial(q, n):
    assert smallest_trial(q) == n


@pytest.mark.parametrize("q", [0.0, 1.0])
def test_the_ends_are_no_percentiles(q):
    with pytest.raises(ValueError, match="between 0 and 1"):
        needed_samples(q)
    with pytest.raises(ValueError, match="between 0 and 1"):
        smallest_trial(q)


@given(st.lists(finite, min_size=1, max_size=50), st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_with_q_and_stay_within_the_values(values, q1, q2):
    low, high = quantile(values, min(q1, q2)), quantile(values, max(q1, q2))
    slack = 1e-9 * max(1.0, *map(abs, values))
    assert min(values) - slack <= low <= high + slack <= max(values) + 2 * slack


def test_the_half_quantile_is_the_median():
    assert quantile([3.0, 1.0, 2.0, 10.0], 0.5) == 2.5


@pytest.mark.parametrize("values", [[], [float("nan")], [float("inf"), 1.0]])
def test_what_is_no_sample_is_refused(values):
    with pytest.raises(ValueError, match="expected"):
        quantile(values, 0.5)


def test_a_table_is_refused():
    with pytest.raises(ValueError, match="one dimension"):
        quantile(np.ones((2, 2)), 0.5)


def test_a_q_beyond_one_is_refused():
    with pytest.raises(ValueError, match="outside"):
        quantile([1.0], 50)
