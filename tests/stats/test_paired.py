"""Paired losses: against exact counts, against other implementations, and how often the interval holds the truth."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from harness.stats import area_loss, area_under_curve, proportion_loss


@st.composite
def tables(draw):
    n = draw(st.integers(1, 400))
    lost = draw(st.integers(0, n))
    return lost, draw(st.integers(0, n - lost)), n


@given(table=tables(), confidence=st.sampled_from([0.9, 0.95, 0.99]))
def test_the_interval_holds_the_exact_difference_and_is_never_a_point(table, confidence):
    lost, gained, n = table

    found = proportion_loss(lost=lost, gained=gained, n=n, confidence=confidence)

    assert found.value == (lost - gained) / n
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@given(table=tables())
def test_what_was_gained_is_what_the_other_way_round_was_lost(table):
    lost, gained, n = table

    there, back = proportion_loss(lost=lost, gained=gained, n=n), proportion_loss(lost=gained, gained=lost, n=n)

    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.p_value == back.p_value


@given(table=tables())
def test_mcnemar_s_p_is_that_of_the_binomial_test(table):
    lost, gained, n = table
    expected = binomtest(lost, lost + gained).pvalue if lost + gained else 1.0

    assert proportion_loss(lost=lost, gained=gained, n=n).p_value == pytest.approx(expected)


def test_a_worked_example():
    # By hand, n + 2 = 102: (6 - 2) / 102 = 0.0392; sqrt((8 / 102 - 0.0392^2) / 102) = 0.02746; times 1.96 = 0.0538.
    found = proportion_loss(lost=5, gained=1, n=100)

    assert found.value == 0.04
    assert (found.low, found.high) == pytest.approx((0.0392157 - 0.053824, 0.0392157 + 0.053824), abs=2e-5)
    assert found.p_value == pytest.approx(2 * (1 + 6) / 2**6)


def coverage(n, *, lost, gained, confidence=0.95):
    """How often the interval holds the truth: exact, over every table that these shares can give."""
    held = 0.0
    for k in range(n + 1):
        for m in range(n + 1 - k):
            chance = comb(n, k) * comb(n - k, m) * lost**k * gained**m * (1 - lost - gained) ** (n - k - m)
            if chance > 1e-7:
                found = proportion_loss(lost=k, gained=m, n=n, confidence=confidence)
                held += chance * (found.low <= lost - gained <= found.high)
    return held


@pytest.mark.parametrize(
    ("n", "lost", "gained"),
    [(30, 0.05, 0.05), (60, 0.1, 0.02), (100, 0.03, 0.01), (100, 0.02, 0.02), (100, 0.005, 0.005), (40, 0.3, 0.1)],
)
def test_the_interval_holds_the_truth_as_often_as_it_says(n, lost, gained):
    # Bonett and Price report coverage from 0.94 upward, and more where hardly any sample differs.
    assert coverage(n, lost=lost, gained=gained) >= 0.94


def test_no_differing_sample_at_all_is_no_proof_of_equality():
    # Where the truth is no difference, all tables are the empty one and it must be held; a loss of 1 % is not yet
    # excluded by 100 samples, one of 4 % is.
    found = proportion_loss(lost=0, gained=0, n=100)

    assert found.p_value == 1.0
    assert 0.01 < found.high < 0.04


@pytest.mark.parametrize("counts", [(-1, 0, 5), (0, -1, 5), (3, 3, 5), (0, 0, 0)])
def test_counts_that_cannot_be_are_refused(counts):
    lost, gained, n = counts
    with pytest.raises(ValueError, match="no counts of"):
        proportion_loss(lost=lost, gained=gained, n=n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_is_a_share(confidence):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        proportion_loss(lost=1, gained=0, n=5, confidence=confidence)


def drawn(seed, n=60, share=0.3, noise=1.0):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < share
    positive[:2], positive[2:4] = True, False
    return positive, rng.normal(size=n) * noise + positive


@given(seed=st.integers(0, 10_000), places=st.integers(0, 3))
def test_the_area_is_the_share_of_pairs_in_order(seed, places):
    positive, scores = drawn(seed)
    scores = scores.round(places)  # with ties
    pairs = np.sign(scores[positive][:, None] - scores[~positive][None, :])

    assert area_under_curve(scores, positive) == pytest.approx((pairs.mean() + 1) / 2)


def test_the_area_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    positive, scores = drawn(3, n=500)

    assert area_under_curve(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


@given(seed=st.integers(0, 10_000))
def test_delong_s_variance_is_that_of_its_definition(seed):
    positive, before = drawn(seed)
    _, after = drawn(seed, noise=2.0)
    order = lambda scores: (np.sign(scores[positive][:, None] - scores[~positive][None, :]) + 1) / 2  # noqa: E731
    difference = order(before) - order(after)
    variance = (
        np.var(difference.mean(1), ddof=1) / positive.sum() + np.var(difference.mean(0), ddof=1) / (~positive).sum()
    )

    found = area_loss(before, after, positive)

    assert found.value == pytest.approx(difference.mean())
    half = 1.959964 * variance**0.5
    assert (found.low, found.high) == pytest.approx((max(-1, found.value - half), min(1, found.value + half)), abs=1e-6)


def test_the_area_s_interval_holds_the_truth_about_as_often_as_it_says():
    # Two detectors of equal worth on correlated scores: the truth is no loss. 400 draws: 0.95 +- 0.033 at 3 sigma.
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(400):
        positive = np.arange(120) < 40
        common = rng.normal(size=120) + positive
        found = area_loss(common + rng.normal(size=120) * 0.5, common + rng.normal(size=120) * 0.5, positive)
        held += found.low <= 0 <= found.high
    assert held / 400 == pytest.approx(0.95, abs=0.033)


@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_the_area_s_interval_and_p_are_those_of_one_normal_error(confidence):
    positive, before = drawn(1)
    _, after = drawn(2, noise=2.0)
    error = area_loss(before, after, positive).high - area_loss(before, after, positive).value
    error /= norm.ppf(0.975)

    found = area_loss(before, after, positive, confidence=confidence)

    assert found.confidence == confidence
    assert found.high - found.value == pytest.approx(norm.ppf(0.5 + confidence / 2) * error)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(found.value) / error))
    assert 0.0 < found.p_value < 0.5


def test_what_ordered_all_pairs_and_now_orders_none_lost_everything_for_certain():
    found = area_loss([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0], [0, 0, 1, 1])

    assert (found.value, found.low, found.high, found.p_value) == (1.0, 1.0, 1.0, 0.0)


def test_two_samples_of_a_kind_have_an_interval():
    # Placements are 1 before; after, of the positives 0.5 and 1, of the negatives 1 and 0.5. So 0.125 / 2, twice.
    found = area_loss([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0], [0, 0, 1, 1])

    assert found.value == 0.25
    assert (found.low, found.high) == pytest.approx((0.25 - 1.959964 * 0.125**0.5, 0.25 + 1.959964 * 0.125**0.5))


def test_equal_orders_lose_nothing_for_certain():
    positive, scores = drawn(5)

    found = area_loss(scores, np.exp(scores), positive)

    assert (found.value, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_single_sample_of_a_kind_bounds_nothing():
    found = area_loss([0.1, 0.2, 0.9], [0.1, 0.2, 0.15], [0, 0, 1])

    assert (found.value, found.low, found.high, found.p_value) == (0.5, -1.0, 1.0, None)


@pytest.mark.parametrize(
    ("scores", "positive"),
    [([1.0, 2.0], [1, 1]), ([1.0, 2.0], [0, 0]), ([1.0], [1, 0]), ([1.0, float("nan")], [1, 0]), ([], [])],
)
def test_scores_that_make_no_curve_are_refused(scores, positive):
    with pytest.raises(ValueError, match="some positive and some negative"):
        area_under_curve(scores, positive)
