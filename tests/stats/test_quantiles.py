"""Quantiles and the number of samples a percentile needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import binom

from harness.stats import independent_samples, needed_samples, quantile, smallest_trial

finite = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(("q", "n"), [(0.90, 64), (0.95, 130), (0.99, 662)])
def test_needed_samples_are_the_known_ones(q, n):
    assert needed_samples(q) == n


@pytest.mark.parametrize("q", [0.005, 0.1, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_they_are_the_fewest_of_which_one_at_most_lies_above_by_chance(q, confidence):
    n = needed_samples(q, confidence)
    assert binom.cdf(1, n, 1 - q) <= (1 - confidence) * (1 + 1e-12)
    assert n == 2 or binom.cdf(1, n - 1, 1 - q) > 1 - confidence


def test_the_confidence_is_kept_where_it_is_met_exactly():
    assert needed_samples(0.5, 0.5) == 3  # of three samples, at most one lies above the median in four of eight cases


@pytest.mark.parametrize(("q", "n"), [(0.5, 2), (0.90, 10), (0.95, 20), (0.99, 100), (0.999, 1000)])
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


@pytest.mark.parametrize("q", [50, 1.01, -0.01])
def test_a_q_beyond_the_ends_is_refused(q):
    with pytest.raises(ValueError, match=f"quantile {q} is outside"):
        quantile([1.0], q)


def test_the_ends_are_the_least_and_the_greatest():
    assert (quantile([2.0, 1.0, 4.0], 0.0), quantile([2.0, 1.0, 4.0], 1.0)) == (1.0, 4.0)


def geyer(values):
    """The length over the initial positive sequence's autocorrelation time, summed as it is written down."""
    x = np.asarray(values) - np.mean(values)
    rho = [float(np.sum(x[: x.size - lag] * x[lag:]) / np.sum(x * x)) for lag in range(x.size)]
    time = -1.0
    for lag in range(0, x.size // 2 * 2, 2):
        if rho[lag] + rho[lag + 1] <= 0.0:
            break
        time += 2.0 * (rho[lag] + rho[lag + 1])
    return int(x.size / max(time, 1.0))


@pytest.mark.parametrize("n", [4, 5, 50, 333])
@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.3, 0.9])
def test_a_series_is_worth_its_length_over_its_autocorrelation_time(n, rho):
    series = lfilter([1.0], [1.0, -rho], np.random.default_rng(n).normal(size=n))
    assert independent_samples(series) == independent_samples(series * 1e3 + 7.0) == geyer(series)


def test_a_long_autoregression_is_worth_what_theory_says():
    """Of AR(1) the time is (1 + r) / (1 - r)."""
    series = lfilter([1.0], [1.0, -0.6], np.random.default_rng(8).normal(size=200_000))
    assert independent_samples(series) == pytest.approx(200_000 * 0.4 / 1.6, rel=0.1)


@pytest.mark.parametrize(
    ("values", "worth"),
    [([5.0], 1), ([5.0] * 9, 9), ([1.0, 2.0, 3.0], 3), ([1.0, 2.0, 3.0, 4.0], 2), ([1.0, -1.0, 1.0, -1.0], 4)],
)
def test_short_series_and_those_that_swing_or_stand_still(values, worth):
    """Of 1, 2, 3, 4 the time is 2 (1 + 0.25) - 1 = 1.5; of what swings, all pairs are positive and it is 0."""
    assert independent_samples(values) == worth


def test_no_series_is_worth_nothing():
    with pytest.raises(ValueError, match="at least one value"):
        independent_samples([])
