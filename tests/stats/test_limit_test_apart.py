"""Arms measured at different times against Welch's and Satterthwaite's formulas, written down anew."""

from math import exp, expm1, log1p, sqrt

import numpy as np
import pytest
from scipy import stats

from harness.records.limit_test import LimitTest, RunSpread
from harness.stats.single_look import unpaired_test
from harness.testing.gatelab.trial_summaries import trial_summary

ALPHA, MISS, LIMIT = 0.01, 0.05, 0.02
SWINGS = 0.01 * np.array([-2.0, 1.0, 0.0, -1.0, 2.0])
"""Neighbours differ, so that no error is widened for their resemblance."""


def apart(own, base, *, metric="latency_p50", better="lower", between=None):
    asked = LimitTest(metric=metric, better=better, limit=LIMIT, relative=True, alpha=ALPHA, miss=MISS, most_blocks=40)
    told = [trial_summary("candidate", block, 0.004 * exp(effect)) for block, effect in enumerate(own)]
    told += [trial_summary("baseline", 100 + block, 0.004 * exp(effect)) for block, effect in enumerate(base)]
    return unpaired_test(asked, told, between=between)


def welch(own, base, *, blocks=None, between=None):
    """Mean, error and degrees of freedom, had the candidate so many blocks as noisy as its own.

    What few runs told of their spread is not taken for better known than that.
    """
    blocks = blocks or own.size
    parts = [(own.var(ddof=1) / blocks, blocks - 1), (base.var(ddof=1) / base.size, base.size - 1)]
    parts += [(2 * between.sd**2, between.degrees)] if between else []
    whole = sum(variance for variance, _ in parts)
    degrees = whole**2 / sum(variance**2 / df for variance, df in parts)
    return own.mean() - base.mean(), sqrt(whole), min(degrees, between.degrees) if between else degrees


def ends(mean, error, degrees):
    return mean - stats.t.isf(ALPHA, degrees) * error, mean + stats.t.isf(MISS, degrees) * error


@pytest.mark.parametrize("between", [None, RunSpread(sd=0.01, degrees=7)])
@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_the_bounds_are_welch_s_and_runs_that_differ_by_themselves_are_a_third_part(shift, between):
    own, base = shift + SWINGS, np.append(0.4 * SWINGS, 0.0)
    found = apart(own, base, between=between)
    mean, error, degrees = welch(own, base, between=between)
    low, high = ends(mean, error, degrees)
    assert (found.value, found.low, found.high) == pytest.approx((expm1(mean), expm1(low), expm1(high)))
    assert found.blocks == 5
    reach = (stats.t.isf(ALPHA, degrees) + stats.norm.isf(MISS)) * error
    assert log1p(found.detectable) == pytest.approx(log1p(LIMIT) + reach)
    assert found.verdict == ("fail" if low > log1p(LIMIT) else "pass" if high <= log1p(LIMIT) else "open")


def test_of_a_rate_the_share_that_is_lost_is_told():
    own, base = SWINGS + 0.1, np.append(0.4 * SWINGS, 0.0)
    found = apart(own, base, metric="throughput", better="higher")
    low, high = ends(*welch(own, base))
    assert (found.value, found.low, found.high) == pytest.approx((-expm1(-0.1), -expm1(-low), -expm1(-high)))


@pytest.mark.parametrize("shift", [0.005, 0.01, 0.03])
@pytest.mark.parametrize("between", [None, RunSpread(sd=0.0005, degrees=30)])
def test_needed_are_the_fewest_blocks_of_the_candidate_that_would_settle_it(shift, between):
    own, base = shift + SWINGS, np.tile(0.1 * SWINGS, 8)
    found, limit = apart(own, base, between=between), log1p(LIMIT)
    counts = range(6, 10_000)
    bounds = ((blocks, ends(*welch(own, base, blocks=blocks, between=between))) for blocks in counts)
    assert found.verdict == "open"
    assert found.needed == next(blocks for blocks, (low, high) in bounds if low > limit or high <= limit)


def test_nothing_is_needed_of_what_is_settled_and_six_blocks_where_nothing_can_be_told():
    assert apart(SWINGS + 0.5, SWINGS).needed is None
    for own, base in ((SWINGS[:1], SWINGS), (SWINGS, SWINGS[:1]), (np.zeros(5), SWINGS), (SWINGS, np.zeros(5))):
        found = apart(own, base)
        assert (found.verdict, found.value, found.needed) == ("open", None, 6)
        assert found.blocks == min(own.size, base.size)


def test_two_blocks_an_arm_are_compared():
    own, base = np.array([0.3, 0.31]), np.array([0.0, 0.02])
    found = apart(own, base)
    low, high = ends(*welch(own, base))
    assert found.blocks == 2
    assert (found.low, found.high) == pytest.approx((expm1(low), expm1(high)))
