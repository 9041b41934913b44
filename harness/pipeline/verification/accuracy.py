"""Accuracy on the whole test part, and how much of it was lost against the reference, from every sample's score."""

import base64
from typing import Any, Final

import numpy as np

from harness.pipeline.verification.expected import Expected
from harness.pipeline.verification.samples import LABELS
from harness.pipeline.verification.scoring import ERRORS, RIGHT
from harness.records.artifact import AccuracyDrop, AccuracyResult
from harness.stats import area_loss, area_under_curve, proportion_loss

CONFIDENCE: Final = 0.95


def accuracy_of(scored: Expected, *, dataset: str) -> AccuracyResult | None:
    """The accuracy that a model's scores make; None where it has none."""
    if scored.scores is None or scored.golden is None:
        return None
    scores, where = _read(scored), f"{scored.n} held-out samples, by {scored.golden.runtime} on the host"
    if RIGHT in scores:
        correct = int(scores[RIGHT].sum())
        return AccuracyResult(
            value=correct / scored.n,
            correct=correct,
            n=scored.n,
            dataset=dataset,
            obtained=f"top-1 on {where}",
            right=base64.b64encode(np.packbits(scores[RIGHT].astype(bool)).tobytes()).decode(),
        )
    anomalous = scores[LABELS] == 1
    return AccuracyResult(
        value=area_under_curve(scores[ERRORS], anomalous),
        correct=None,
        n=scored.n,
        dataset=dataset,
        obtained=f"area under the ROC curve of the reconstruction error, {int(anomalous.sum())} anomalous of {where}",
        score="auc",
    )


def drop_between(own: Expected, reference: Expected) -> AccuracyDrop | None:
    """What was lost against the reference, sample by sample; None where either has no scores, or other samples."""
    if own.scores is None or reference.scores is None or own.n != reference.n:
        return None
    ours, theirs = _read(own), _read(reference)
    if RIGHT in ours:
        return _counted(ours[RIGHT], theirs[RIGHT])
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
    )


def _counted(right: Any, right_before: Any) -> AccuracyDrop:  # noqa: ANN401 - arrays of truths
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


def _read(scored: Expected) -> dict[str, Any]:
    if scored.scores is None:
        return {}
    with np.load(scored.scores, allow_pickle=False) as arrays:
        return dict(arrays)
