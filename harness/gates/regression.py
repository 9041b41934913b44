"""The regression gate: a metric's worsening against the baseline, as a share of the baseline's value.

Of accuracy it is percentage points lost, over the same test set.
"""

import base64
import binascii
from typing import Final

from harness.gates.compare_interval import judge_by_interval, judge_without_interval
from harness.gates.evidence import Evidence, interval_of, misfit, needs_interval, why_not_judged
from harness.gates.limits import Limit
from harness.gates.sentences import JudgedFigure, baseline_name, basis_of, not_judged, skipped
from harness.gates.sequential_verdict import Compared, judge_by_trials
from harness.records.artifact import AccuracyResult
from harness.records.entry import BaselineRecord, Finding, Measurement
from harness.records.status import Status
from harness.records.units import format_change, format_interval, loss_unit

GATE = "regression"
_CONFIDENCE = 0.95
"""Of the interval of a loss of accuracy, which is shown and does not decide."""
_WITHOUT_MEASURING: Final = {
    "identical": Status.PASS,
    "new": Status.MEASURED,
    "missing": Status.ERROR,
    "unlike": Status.INVALID,
}


_BY_TURNS: Final = "by turns in slices, at equal clock"


def judge_regression(limit: Limit, evidence: Evidence) -> Finding:
    """The share by which the metric got worse, positive for worse whichever way is better.

    The trials answer, block by block where the arms were interleaved, arm against arm where one is an earlier run's.
    Energy is compared by joining the worst corner of both intervals with the best: wider than a paired test's, never
    narrower. Skipped, and said to be, in a run without --baseline, as main's own are.
    """
    base = evidence.entry.baseline
    if base is None and evidence.settings.baseline is None:
        return skipped(limit, gate=GATE, because="no --baseline was given")
    if base is None:
        return not_judged(limit, gate=GATE, because=f"there is nothing of --baseline {evidence.settings.baseline}")
    if base.state in _WITHOUT_MEASURING:
        return _without_measuring(limit, base)
    if limit.metric == "accuracy":
        return judge_accuracy_regression(limit, evidence, base)
    return _compared(limit, evidence, base)


def _compared(limit: Limit, evidence: Evidence, base: BaselineRecord) -> Finding:
    own, before = evidence.measured(limit.metric), evidence.baseline_of(limit.metric)
    because = why_not_judged(own, limit) or _why_no_base(before, limit)
    if because or own is None or before is None or own.value is None or before.value is None:
        return not_judged(limit, gate=GATE, because=because)
    by_turns = any(told.kind == "slices" and limit.metric in told.values for told in evidence.entry.figures)
    compared = Compared(
        against=baseline_name(base),
        change=format_change(before.value, own.value, own.unit),
        worsening=_worsening(own.value, before.value, own),
        basis=_BY_TURNS if by_turns else "",
    )
    by_trials = judge_by_trials(limit, evidence, gate=GATE, compared=compared)
    if by_trials is not None:
        return by_trials
    judged = _judged(own, before, compared)
    if needs_interval(own) or needs_interval(before):
        return judge_without_interval(judged, limit, gate=GATE)
    return judge_by_interval(judged, limit, evidence, gate=GATE, n=min(own.n, before.n))


def _without_measuring(limit: Limit, base: BaselineRecord) -> Finding:
    """Nothing changed, nothing to compare with, or a base that should be there and is not."""
    words = "cannot have got worse" if base.state == "identical" else "not compared"
    return Finding(
        gate=GATE,
        metric=limit.metric,
        status=_WITHOUT_MEASURING[base.state],
        reason=f"{limit.metric}: {words}: {base.sentence}",
        limit=limit.value,
        value=0.0 if base.state == "identical" else None,
    )


def _judged(own: Measurement, base: Measurement, compared: Compared) -> JudgedFigure:
    low, high = interval_of(own.value or 0.0, own)
    base_low, base_high = interval_of(base.value or 0.0, base)
    corners = [_worsening(low, base_high, own), _worsening(high, base_low, own)]
    return JudgedFigure(
        name=own.metric,
        unit="1",
        value=compared.worsening,
        low=min(corners),
        high=max(corners),
        basis=basis_of(own),
        against=compared.against,
        change=compared.change,
    )


def _worsening(value: float, base: float, measurement: Measurement) -> float:
    change = value / base - 1
    return change if measurement.better == "lower" else -change


def _why_no_base(base: Measurement | None, limit: Limit) -> str:
    told = why_not_judged(base, limit)
    if told:
        return f"the baseline's is {told}"
    return "" if base is not None and min(interval_of(base.value or 0.0, base)) > 0 else "the baseline's value is zero"


def judge_accuracy_regression(limit: Limit, evidence: Evidence, base: BaselineRecord) -> Finding:
    """The exact difference over one test set, which is not sampled anew: its paired interval is only shown.

    INVALID where either accuracy is unknown, or was found on another test set.
    """
    own = evidence.entry.artifact.verification.accuracy if evidence.entry.artifact else None
    before = base.artifact.verification.accuracy if base.artifact else None
    if own is None or before is None:
        whose = "the candidate's" if own is None else "the baseline's"
        return not_judged(limit, gate=GATE, because=f"{whose} accuracy is unknown")
    if because := misfit(limit, unit=own.unit):
        return not_judged(limit, gate=GATE, because=because)
    lost = own.lost_against(before)
    if lost is None:
        how = "by another metric" if own.metric != before.metric else f"on another test set, {before.dataset}"
        return not_judged(limit, gate=GATE, because=f"the baseline was scored {how}")
    interval = _loss_interval(own, before)
    told = "" if interval is None else f", {_CONFIDENCE * 100:.4g} % interval {format_interval(*interval, 'pt')}"
    judged = JudgedFigure(
        name=limit.metric,
        unit=loss_unit(own.unit),
        value=lost,
        low=lost,
        high=lost,
        basis=f"exact difference over {own.n} samples{told}",
        against=baseline_name(base),
        change=format_change(before.value, own.value, own.unit),
        called=own.metric.name if own.metric else "",
    )
    finding = judge_by_interval(judged, limit, evidence, gate=GATE, n=own.n)
    return finding if interval is None else finding.model_copy(update={"ci_low": interval[0], "ci_high": interval[1]})


def _loss_interval(own: AccuracyResult, before: AccuracyResult) -> tuple[float, float] | None:
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
