"""accuracy_regression: percentage points lost against the baseline, over the same test set."""

import base64
import binascii

from harness.gates.evidence import Evidence
from harness.gates.limits import Limit
from harness.gates.sentences import Judged, not_judged
from harness.gates.weigh import weigh
from harness.records.artifact import AccuracyResult
from harness.records.results import BaselineRecord, Finding
from harness.records.units import format_quantity

GATE = "regression"
_CONFIDENCE = 0.95


def judge_accuracy_regression(limit: Limit, evidence: Evidence, base: BaselineRecord) -> Finding:
    """The exact difference over one test set, which is not sampled anew: its paired interval is only shown.

    INVALID where either accuracy is unknown, or was found on another test set.
    """
    own = evidence.entry.artifact.verification.accuracy if evidence.entry.artifact else None
    before = base.artifact.verification.accuracy if base.artifact else None
    if own is None or before is None:
        whose = "the candidate's" if own is None else "the baseline's"
        return not_judged(limit, gate=GATE, because=f"{whose} accuracy is unknown")
    lost = own.lost_against(before)
    if lost is None:
        return not_judged(limit, gate=GATE, because=f"the baseline was scored on another test set, {before.dataset}")
    interval = _interval(own, before)
    told = "" if interval is None else f"; {_CONFIDENCE:.0%} interval {_points(interval[0])} to {_points(interval[1])}"
    judged = Judged(
        name="accuracy loss",
        unit="pt",
        value=lost,
        low=lost,
        high=lost,
        basis=f"{format_quantity(own.value, '1')} against {format_quantity(before.value, '1')} of the baseline, "
        f"exact difference over {own.n} samples{told.replace('%', ' %')}",
    )
    finding = weigh(judged, limit, evidence, gate=GATE, n=own.n)
    return finding if interval is None else finding.model_copy(update={"ci_low": interval[0], "ci_high": interval[1]})


def _interval(own: AccuracyResult, before: AccuracyResult) -> tuple[float, float] | None:
    """Of what was lost, sample by sample; None where the results do not tell which samples were right."""
    from harness.stats import proportion_loss

    ours, theirs = _right(own), _right(before)
    if ours is None or theirs is None:
        return None
    lost, gained = (theirs & ~ours).bit_count(), (ours & ~theirs).bit_count()
    found = proportion_loss(lost=lost, gained=gained, n=own.n, confidence=_CONFIDENCE)
    return found.low, found.high


def _right(result: AccuracyResult) -> int | None:
    """The samples that are right, as bits; None where they do not stand in the file, or are not as many."""
    try:
        found = base64.b64decode(result.right or "", validate=True)
    except binascii.Error:
        return None
    bits = int.from_bytes(found)
    as_long = len(found) == (result.n + 7) // 8
    return bits if result.right is not None and as_long and bits.bit_count() == result.correct else None


def _points(share: float) -> str:
    return format_quantity(share, "pt")
