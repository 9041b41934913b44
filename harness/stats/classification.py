"""Classifiers and detectors: how much one lost against another on the same samples, and whether one only guesses."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

Scores = Sequence[float] | NDArray[np.float64]
Truths = Sequence[int] | NDArray[np.bool_]
SIGNIFICANT: Final = 0.01
"""A result that guessing reaches more often than this is no better than guessing."""


@dataclass(frozen=True)
class PairedLoss:
    """What was lost, as a fraction; ``low`` and ``high`` bound it with the confidence that was asked for.

    ``p_value``: two-sided, that nothing was lost or gained; None where the samples cannot tell.
    """

    value: float
    low: float
    high: float
    confidence: float
    p_value: float | None


def proportion_loss(*, lost: int, gained: int, n: int, confidence: float = 0.95) -> PairedLoss:
    """The paired difference of two proportions over ``n`` samples, of which ``lost`` were right only before.

    Interval: adjusted Wald, with one made-up sample lost and one gained, which keeps a width where no sample
    differs (Bonett and Price, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions Based on
    Paired Data", J. Educational and Behavioral Statistics 37(4), 2012). p: McNemar's test, exact.
    """
    from scipy.special import bdtr

    if min(lost, gained) < 0 or n < 1 or lost + gained > n:
        raise ValueError(f"{lost} lost and {gained} gained are no counts of {n} samples")
    worse, better = (lost + 1) / (n + 2), (gained + 1) / (n + 2)
    half = _normal_quantile(confidence) * sqrt((worse + better - (worse - better) ** 2) / (n + 2))
    differing = lost + gained
    p_value = min(1.0, 2.0 * float(bdtr(min(lost, gained), differing, 0.5))) if differing else 1.0
    return PairedLoss((lost - gained) / n, *_bounds(worse - better, half), confidence, p_value)


def area_under_curve(scores: Scores, positive: Truths) -> float:
    """The share of (positive, negative) pairs in which the positive scores higher; equal scores count half.

    It is the area under the ROC curve, by the Mann-Whitney rank statistic. ValueError unless there are some of each.
    """
    return float(_placements(scores, positive)[0].mean())


def area_loss(before: Scores, after: Scores, positive: Truths, *, confidence: float = 0.95) -> PairedLoss:
    """The difference of two areas under the ROC curve on the same samples.

    Interval and p by the variance of DeLong, DeLong and Clarke-Pearson ("Comparing the Areas under Two or More
    Correlated ROC Curves", Biometrics 44(3), 1988), with placements from midranks (Sun and Xu, IEEE Signal Processing
    Letters 21(11), 2014). It has no width where both order all pairs alike, and is the whole range with one sample of
    a kind.
    """
    first, second = _placements(before, positive), _placements(after, positive)
    value = float(first[0].mean() - second[0].mean())
    if min(first[0].size, first[1].size) < 2:
        return PairedLoss(value, -1.0, 1.0, confidence, None)
    variance = sum(float(np.var(one - other, ddof=1)) / one.size for one, other in zip(first, second, strict=True))
    half = _normal_quantile(confidence) * sqrt(variance)
    return PairedLoss(value, *_bounds(value, half), confidence, _normal_p(value, variance))


def _placements(scores: Scores, positive: Truths) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each positive the share of negatives below it; for each negative the share of positives above it."""
    from scipy.stats import rankdata

    values, mask = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    if values.ndim != 1 or values.shape != mask.shape or mask.all() or not mask.any() or not np.isfinite(values).all():
        raise ValueError("expected a finite score for each sample, and some positive and some negative samples")
    ranks = rankdata(values)
    above = (ranks[mask] - rankdata(values[mask])) / int((~mask).sum())
    below = 1.0 - (ranks[~mask] - rankdata(values[~mask])) / int(mask.sum())
    return above, below


def _bounds(centre: float, half: float) -> tuple[float, float]:
    return max(-1.0, centre - half), min(1.0, centre + half)


def _normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    return float(ndtri(0.5 + confidence / 2.0))


def _normal_p(value: float, variance: float) -> float:
    from scipy.special import ndtr

    if variance == 0.0:
        return 1.0 if value == 0.0 else 0.0
    return float(2.0 * ndtr(-abs(value) / sqrt(variance)))


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
