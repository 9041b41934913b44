"""What guessing gives, and what is better than that."""

import numpy as np
import pytest

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
