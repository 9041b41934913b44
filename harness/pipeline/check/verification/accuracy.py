"""Accuracy on the whole test part, and how much of it was lost against the reference, from every sample's score."""

import base64
from typing import Any, Final

import numpy as np

from harness.pipeline.check.verification.golden_client import HostOutputs
from harness.pipeline.check.verification.samples import LABELS
from harness.pipeline.check.verification.scoring import ERRORS, RIGHT, RULE
from harness.records.artifact import AccuracyDrop, AccuracyResult
from harness.stats import area_loss, area_under_curve, classes_by_chance, orders_by_chance, proportion_loss

CONFIDENCE: Final = 0.95


def accuracy_of(scored: HostOutputs, *, dataset: str, where: str = "") -> AccuracyResult | None:
    """The accuracy that a model's scores make; None where it has none. ``where`` tells who ran it; empty: the host."""
    if scored.scores is None or (scored.golden is None and not where):
        return None
    by = where or f"by {scored.golden.runtime if scored.golden else ''} on the host"
    scores, where = _read_scores(scored), f"{scored.n} held-out samples, {by}"
    chance, by_chance = _against_chance(scores)
    if RIGHT in scores:
        correct = int(scores[RIGHT].sum())
        return AccuracyResult(
            value=correct / scored.n,
            correct=correct,
            n=scored.n,
            dataset=dataset,
            obtained=f"{scores[RULE]} on {where}",
            right=base64.b64encode(np.packbits(scores[RIGHT].astype(bool)).tobytes()).decode(),
            chance=chance,
            by_chance=by_chance,
        )
    anomalous = scores[LABELS] == 1
    return AccuracyResult(
        value=area_under_curve(scores[ERRORS], anomalous),
        correct=None,
        n=scored.n,
        dataset=dataset,
        obtained=f"area under the ROC curve of the reconstruction error, {int(anomalous.sum())} anomalous of {where}",
        score="auc",
        chance=chance,
        by_chance=by_chance,
    )


def drop_between(own: HostOutputs, reference: HostOutputs) -> AccuracyDrop | None:
    """What was lost against the reference, sample by sample; None where either has no scores, or other samples."""
    if own.scores is None or reference.scores is None or own.n != reference.n:
        return None
    ours, theirs = _read_scores(own), _read_scores(reference)
    by_chance = _against_chance(theirs)[1]
    if RIGHT in ours:
        return _count_drop(ours[RIGHT], theirs[RIGHT]).model_copy(update={"reference_by_chance": by_chance})
    found = area_loss(theirs[ERRORS], ours[ERRORS], ours[LABELS] == 1, confidence=CONFIDENCE)
    unbounded = ", which have no width here: both order every pair of samples alike"
    return AccuracyDrop(
        value=found.value,
        ci_low=found.low,
        ci_high=found.high,
        confidence=CONFIDENCE,
        p_value=found.p_value,
        lost=None,
        gained=None,
        n=own.n,
        obtained="paired over the same samples; interval and p by DeLong's variance of correlated ROC areas"
        + (unbounded if found.low == found.high else ""),
        reference_by_chance=by_chance,
    )


def _against_chance(scores: dict[str, Any]) -> tuple[float, bool]:
    """What guessing would give, and whether the scores are no better than that."""
    labels = scores[LABELS]
    if RIGHT in scores:
        _, counts = np.unique(labels, axis=0, return_counts=True)
        right, chance = scores[RIGHT], float(counts.max() / len(labels))
        return chance, classes_by_chance(correct=int(right.sum()), n=len(right), chance=chance)
    positive = int((labels == 1).sum())
    area = area_under_curve(scores[ERRORS], labels == 1)
    return 0.5, orders_by_chance(area=area, positive=positive, negative=len(labels) - positive)


def _count_drop(right: Any, right_before: Any) -> AccuracyDrop:  # noqa: ANN401 - arrays of truths
    lost, gained = int((right_before & ~right).sum()), int((right & ~right_before).sum())
    found = proportion_loss(lost=lost, gained=gained, n=len(right), confidence=CONFIDENCE)
    return AccuracyDrop(
        value=found.value,
        ci_low=found.low,
        ci_high=found.high,
        confidence=CONFIDENCE,
        p_value=found.p_value,
        lost=lost,
        gained=gained,
        n=len(right),
        obtained="paired over the same samples; interval by Bonett and Price, p by McNemar's exact test",
    )


def _read_scores(scored: HostOutputs) -> dict[str, Any]:
    if scored.scores is None:
        return {}
    with np.load(scored.scores, allow_pickle=False) as arrays:
        return dict(arrays)
