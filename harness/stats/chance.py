"""Whether a classifier or a detector does better than one that guesses."""

from math import sqrt
from typing import Final

SIGNIFICANT: Final = 0.01
"""A result that guessing reaches more often than this is no better than guessing."""


def classes_by_chance(*, correct: int, n: int, chance: float) -> bool:
    """Whether ``correct`` of ``n`` is what guessing with ``chance`` of being right may give: binomial, one-sided."""
    from scipy.special import bdtrc

    if correct == 0 or chance >= 1:
        return True
    return float(bdtrc(correct - 1, n, chance)) > SIGNIFICANT


def orders_by_chance(*, area: float, positive: int, negative: int) -> bool:
    """Whether an area under the ROC curve is what a random order may give: the rank sum's normal limit, one-sided."""
    from scipy.special import ndtr

    spread = sqrt((positive + negative + 1) / (12 * positive * negative))
    return float(ndtr((0.5 - area) / spread)) > SIGNIFICANT
