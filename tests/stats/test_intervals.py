"""Intervals of means: Student's, and by simulation how often they hold the truth."""

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from harness.stats import mean_interval, t_quantile

DRAWS = 1500
SLACK = 3.5
"""Standard errors a simulated coverage may lie off its nominal one."""


def test_one_value_has_no_interval():
    assert mean_interval([1.0]) is None


def test_mean_interval_covers_as_it_says():
    rng = np.random.default_rng(3)
    draws = rng.normal(5.0, 1.0, (DRAWS, 5))
    hits = sum((i := mean_interval(row, 0.9)).low <= 5.0 <= i.high for row in draws)
    assert abs(hits / DRAWS - 0.9) <= SLACK * np.sqrt(0.9 * 0.1 / DRAWS)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_a_mean_s_interval_is_student_s(confidence):
    values = [1.0, 3.0, 2.0, 7.0, 1.5, 4.0, 9.0]
    found = mean_interval(values, confidence)
    theirs = ttest_1samp(values, 0.0).confidence_interval(confidence)
    assert (found.low, found.high, found.confidence) == pytest.approx((theirs.low, theirs.high, confidence))


@pytest.mark.parametrize(("confidence", "degrees"), [(0.9, 1), (0.95, 9), (0.99, 2.5)])
def test_a_two_sided_quantile_leaves_half_of_the_rest_on_either_side(confidence, degrees):
    assert t_quantile(confidence, degrees) == pytest.approx(t.isf((1 - confidence) / 2, degrees))


def test_t_quantile_is_the_tabled_one():
    assert t_quantile(0.95, 4) == pytest.approx(2.776, abs=1e-3)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_its_range_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        mean_interval([1.0, 2.0], confidence)
