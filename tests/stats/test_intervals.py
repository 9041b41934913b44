"""Intervals: the published ranks, and by simulation how often they hold the truth."""

from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_1samp

from harness.stats import mean_interval, median_interval, median_rank, t_quantile

DRAWS = 1500
SLACK = 3.5
"""Standard errors a simulated coverage may lie below its nominal one."""


@pytest.mark.parametrize(("n", "rank"), [(30, 8), (50, 16), (100, 37)])
def test_published_ranks_at_99_percent(n, rank):
    assert median_rank(n, 0.99) == rank


@pytest.mark.parametrize("confidence", [0.5, 0.75, 0.9, 0.95, 0.99])
def test_a_rank_is_the_largest_whose_binomial_coverage_reaches_the_confidence(confidence):
    for n in range(1, 80):
        covered = {r: 1 - 2 * Fraction(sum(comb(n, k) for k in range(r)), 2**n) for r in range(1, n // 2 + 1)}
        reached = [r for r, share in covered.items() if share >= Fraction(confidence)]
        assert median_rank(n, confidence) == (max(reached) if reached else None)


@pytest.mark.parametrize(("n", "confidence"), [(5, 0.95), (7, 0.99), (1, 0.5)])
def test_too_few_values_for_order_statistics(n, confidence):
    assert median_rank(n, confidence) is None


@pytest.mark.parametrize(("n", "confidence"), [(6, 0.95), (8, 0.99)])
def test_the_fewest_values_for_order_statistics(n, confidence):
    assert median_rank(n, confidence) == 1


def test_one_value_has_no_interval():
    assert median_interval([1.0]) is None
    assert mean_interval([1.0]) is None


def test_ten_trials_use_the_second_and_the_ninth():
    interval = median_interval([float(v) for v in range(10, 0, -1)])
    assert (interval.low, interval.high, interval.confidence) == (2.0, 9.0, 0.95)


@pytest.mark.parametrize("n", [2, 3, 5, 6, 10, 30])
@pytest.mark.parametrize("spread", [0.02, 0.6])
def test_coverage_over_many_draws(n, spread):
    rng = np.random.default_rng(n)
    truth = 0.004
    draws = truth * np.exp(rng.normal(0.0, spread, (DRAWS, n)))
    hits = sum((i := median_interval(row)).low <= truth <= i.high for row in draws)
    assert hits / DRAWS >= 0.95 - SLACK * np.sqrt(0.95 * 0.05 / DRAWS)


def test_coverage_needs_no_known_distribution():
    rng = np.random.default_rng(7)
    draws = 1.0 + rng.pareto(1.5, (DRAWS, 10))
    truth = 2.0 ** (1 / 1.5)
    hits = sum((i := median_interval(row)).low <= truth <= i.high for row in draws)
    assert hits / DRAWS >= 0.95 - SLACK * np.sqrt(0.95 * 0.05 / DRAWS)


def test_mean_interval_covers_as_it_says():
    rng = np.random.default_rng(3)
    draws = rng.normal(5.0, 1.0, (DRAWS, 5))
    hits = sum((i := mean_interval(row, 0.9)).low <= 5.0 <= i.high for row in draws)
    assert abs(hits / DRAWS - 0.9) <= SLACK * np.sqrt(0.9 * 0.1 / DRAWS)


@given(st.lists(st.floats(1e-7, 1e3), min_size=2, max_size=40), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_interval_encloses_the_median_and_stays_positive(values, confidence):
    interval = median_interval(values, confidence)
    median = float(np.median(values))
    assert 0.0 <= interval.low <= median * (1 + 1e-12)
    assert interval.high >= median * (1 - 1e-12)


def test_values_at_zero_fall_back_to_plain_t():
    interval = median_interval([0.0, 2.0])
    assert interval.low < 0.0
    assert interval.high > 2.0


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.004, 0.0041, 0.0039], [1.0, 3.0, 2.0, 7.0, 1.5]])
@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_of_few_values_it_is_student_s_on_the_logarithms(values, confidence):
    found = median_interval(values, confidence)
    theirs = ttest_1samp(np.log(values), 0.0).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((np.exp(theirs.low), np.exp(theirs.high)))
    assert found.confidence == confidence


@pytest.mark.parametrize("values", [[0.0, 2.0], [-1.0, 2.0, 5.0]])
def test_of_few_values_that_have_no_logarithm_it_is_student_s_on_themselves(values):
    found = median_interval(values)
    theirs = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_a_mean_s_interval_is_student_s(confidence):
    values = [1.0, 3.0, 2.0, 7.0, 1.5, 4.0, 9.0]
    found = mean_interval(values, confidence)
    theirs = ttest_1samp(values, 0.0).confidence_interval(confidence)
    assert (found.low, found.high, found.confidence) == pytest.approx((theirs.low, theirs.high, confidence))


def test_values_that_agree_make_a_point():
    found = median_interval([0.3, 0.3, 0.3], 0.9)
    assert (found.low, found.high, found.confidence) == (0.3, 0.3, 0.9)


@pytest.mark.parametrize(("confidence", "degrees"), [(0.9, 1), (0.95, 9), (0.99, 2.5)])
def test_a_two_sided_quantile_leaves_half_of_the_rest_on_either_side(confidence, degrees):
    assert t_quantile(confidence, degrees) == pytest.approx(t.isf((1 - confidence) / 2, degrees))


def test_t_quantile_is_the_tabled_one():
    assert t_quantile(0.95, 4) == pytest.approx(2.776, abs=1e-3)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_its_range_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        median_interval([1.0, 2.0], confidence)


def test_wider_spread_gives_a_wider_interval():
    narrow, wide = median_interval([1.0, 1.1, 1.2]), median_interval([1.0, 1.5, 2.0])
    assert log(narrow.high / narrow.low) < log(wide.high / wide.low)
