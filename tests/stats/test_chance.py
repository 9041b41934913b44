"""What guessing gives, and what is better than that."""

import numpy as np
import pytest
from scipy.stats import binomtest, mannwhitneyu

from harness.stats import area_under_curve, classes_by_chance, orders_by_chance


@pytest.mark.parametrize(
    ("correct", "n", "chance", "guessing"),
    [(61, 597, 0.1, True), (537, 597, 0.1, False), (80, 597, 0.1, False), (0, 10, 0.1, True), (50, 50, 1.0, True)],
)
def test_counts_are_held_against_the_commonest_class(correct, n, chance, guessing):
    assert classes_by_chance(correct=correct, n=n, chance=chance) is guessing


def test_of_a_thousand_guessers_few_are_taken_for_more():
    counts = np.random.default_rng(1).binomial(200, 0.25, 1000)
    taken = sum(not classes_by_chance(correct=int(one), n=200, chance=0.25) for one in counts)
    assert taken <= 20


def test_of_a_thousand_random_orders_few_are_taken_for_more():
    rng, positive = np.random.default_rng(1), np.arange(60) < 20
    areas = [area_under_curve(rng.random(60), positive) for _ in range(1000)]
    assert sum(not orders_by_chance(area=area, positive=20, negative=40) for area in areas) <= 20
    assert not orders_by_chance(area=0.9, positive=20, negative=40)


@pytest.mark.parametrize(("n", "chance"), [(20, 0.25), (20, 0.5), (50, 0.1)])
def test_a_count_is_chance_where_guessing_reaches_it_more_often_than_once_in_a_hundred(n, chance):
    told = [classes_by_chance(correct=correct, n=n, chance=chance) for correct in range(n + 1)]
    p = [binomtest(correct, n, chance, alternative="greater").pvalue for correct in range(n + 1)]
    assert told == [one > 0.01 for one in p] and not all(told)


def test_an_order_is_chance_where_the_rank_sum_s_normal_limit_says_so():
    """Positives rise from among the negatives to above them all."""
    negative, told, p = np.arange(8.0), [], []
    for rise in np.arange(-2.0, 9.0, 0.5):
        scores = np.concatenate([np.arange(6.0) + rise + 0.25, negative])
        area = area_under_curve(scores, np.arange(14) < 6)
        told.append(orders_by_chance(area=area, positive=6, negative=8))
        rank_sum = mannwhitneyu(scores[:6], negative, alternative="greater", method="asymptotic", use_continuity=False)
        p.append(rank_sum.pvalue)
    assert told == [one > 0.01 for one in p] and len(set(told)) == 2
