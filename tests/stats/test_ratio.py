"""The ratio of interleaved arms."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from harness.stats import ratio_interval, run_spread, unpaired_ratio

DRAWS = 1500


def _abba(rng, *, blocks, ratio, drift):
    """Times in ABBA order under a block level of its own and a linear drift within the block."""
    level = np.exp(rng.normal(0.0, 0.3, (blocks, 1)))
    noise = np.exp(rng.normal(0.0, 0.02, (blocks, 4)))
    times = level * np.exp(drift * np.arange(4)) * noise
    return ratio * times[:, [0, 3]], times[:, [1, 2]]


@pytest.mark.parametrize("blocks", [2, 5, 20])
def test_coverage_under_block_levels_and_drift(blocks):
    rng = np.random.default_rng(blocks)
    hits = 0
    for _ in range(DRAWS):
        found = ratio_interval(*_abba(rng, blocks=blocks, ratio=1.03, drift=0.01))
        hits += found.low <= 1.03 <= found.high
    assert abs(hits / DRAWS - 0.95) <= 3.5 * np.sqrt(0.95 * 0.05 / DRAWS)


def test_a_linear_drift_cancels_exactly():
    times = np.exp(0.1 * np.arange(4))
    found = ratio_interval([times[[0, 3]]], [times[[1, 2]]])
    assert found.ratio == pytest.approx(1.0)


def test_one_block_has_a_ratio_and_no_interval():
    found = ratio_interval([[2.0, 2.0]], [[1.0, 1.0]])
    assert (found.ratio, found.low, found.high, found.sd, found.blocks) == (2.0, None, None, None, 1)


def test_swapped_arms_give_the_inverse():
    a, b = [[1.0, 1.1], [1.2, 1.0]], [[2.0, 2.2], [2.1, 2.0]]
    there, back = ratio_interval(a, b), ratio_interval(b, a)
    assert there.ratio * back.ratio == pytest.approx(1.0)
    assert there.low * back.high == pytest.approx(1.0)


@pytest.mark.parametrize(("candidate", "baseline"), [([], []), ([[1.0]], []), ([[1.0]], [[0.0]]), ([[]], [[1.0]])])
def test_what_cannot_be_compared_is_refused(candidate, baseline):
    with pytest.raises(ValueError, match=r"expected|positive"):
        ratio_interval(candidate, baseline)


def test_arms_measured_apart_are_compared_by_welch_s_interval_on_logarithms():
    fast, slow = np.array([1.0, 1.1, 1.2, 0.9, 1.05]), np.array([2.0, 2.3, 1.8])
    found = unpaired_ratio(slow, fast, 0.9)
    theirs = ttest_ind(np.log(slow), np.log(fast), equal_var=False).confidence_interval(0.9)
    assert found.ratio == pytest.approx(np.exp(np.log(slow).mean() - np.log(fast).mean()))
    assert (found.low, found.high) == pytest.approx((np.exp(theirs.low), np.exp(theirs.high)))
    squares = sum(((np.log(arm) - np.log(arm).mean()) ** 2).sum() for arm in (fast, slow))
    assert found.sd == pytest.approx(np.sqrt(squares / 6))
    assert (found.blocks, found.confidence) == (3, 0.9)


def test_apart_one_trial_has_no_interval_and_trials_that_agree_have_a_point():
    alone = unpaired_ratio([2.0], [1.0, 1.1])
    assert (alone.low, alone.high, alone.sd, alone.blocks) == (None, None, None, 1)
    assert alone.ratio == pytest.approx(2.0 / np.sqrt(1.1))
    same = unpaired_ratio([2.0, 2.0], [1.0, 1.0])
    assert (same.ratio, same.low, same.high, same.sd, same.blocks) == (2.0, 2.0, 2.0, 0.0, 2)


@pytest.mark.parametrize(("candidate", "other"), [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [-1.0])])
def test_apart_what_cannot_be_compared_is_refused(candidate, other):
    with pytest.raises(ValueError, match=r"expected|positive|no values"):
        unpaired_ratio(candidate, other)


def test_the_interval_is_student_s_on_the_blocks_logarithms():
    candidate, baseline = [[1.0, 1.1], [1.2, 1.0], [1.3, 1.4]], [[2.0, 2.2], [2.1, 2.0], [2.0, 2.1]]
    found = ratio_interval(candidate, baseline, 0.9)
    logs = np.log(candidate).mean(axis=1) - np.log(baseline).mean(axis=1)
    theirs = ttest_1samp(logs, 0.0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((np.exp(theirs.low), np.exp(theirs.high)))
    assert (found.ratio, found.sd) == pytest.approx((np.exp(logs.mean()), logs.std(ddof=1)))
    assert (found.blocks, found.confidence) == (3, 0.9)


def test_runs_of_one_thing_tell_how_far_runs_differ_and_levels_of_others_do_not():
    groups = [[1.0, 1.01, 0.99], [5.0, 5.05, 4.95], [9.0]]
    found = run_spread(groups)
    within = [np.log(values) for values in groups[:2]]
    assert found.degrees == 4
    assert found.sd == pytest.approx(np.sqrt(sum(((one - one.mean()) ** 2).sum() for one in within) / 4))
    assert run_spread([[1.0, 1.01, 0.99], [5.0]]) is None
    assert run_spread([]) is None
