"""The regression gate: a metric's worsening against the baseline, as a share of the baseline's value."""

from typing import Final

from harness.gates.accuracy_regression import judge_accuracy_regression
from harness.gates.answered import judge_by_trials
from harness.gates.evidence import Evidence, interval_of, needs_interval, why_not_judged
from harness.gates.limits import Limit
from harness.gates.sentences import Judged, basis_of, not_judged
from harness.gates.weigh import weigh, without_interval
from harness.records.results import BaselineRecord, Finding, Measurement
from harness.records.status import Status
from harness.records.units import format_quantity

GATE = "regression"
_WITHOUT_MEASURING: Final = {
    "identical": Status.PASS,
    "new": Status.MEASURED,
    "missing": Status.ERROR,
    "unlike": Status.INVALID,
}


def judge_regression(limit: Limit, evidence: Evidence) -> Finding:
    """The share by which the metric got worse, positive for worse whichever way is better.

    The trials answer, block by block where the arms were interleaved, arm against arm where one is an earlier run's.
    Energy is compared by joining the worst corner of both intervals with the best: wider than a paired test's, never
    narrower. Skipped, and said to be, in a run without --baseline, as main's own are.
    """
    base = evidence.entry.baseline
    if base is None and evidence.settings.baseline is None:
        return _skipped(limit)
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
    basis = _values(own, before, own_value=own.value, base_value=before.value)
    by_trials = judge_by_trials(limit, evidence, gate=GATE, basis=basis)
    if by_trials is not None:
        return by_trials
    judged = _judged(own, before, own_value=own.value, base_value=before.value)
    if needs_interval(own) or needs_interval(before):
        return without_interval(judged, limit, evidence, gate=GATE)
    return weigh(judged, limit, evidence, gate=GATE, n=min(own.n, before.n))


def _skipped(limit: Limit) -> Finding:
    reason = f"{limit.key} skipped: no --baseline was given ({limit.origin})"
    return Finding(gate=GATE, metric=limit.metric, status=Status.MEASURED, reason=reason, limit=limit.value)


def _without_measuring(limit: Limit, base: BaselineRecord) -> Finding:
    """Nothing changed, nothing to compare with, or a base that should be there and is not."""
    words = "cannot have got worse" if base.state == "identical" else "not compared"
    return Finding(
        gate=GATE,
        metric=limit.metric,
        status=_WITHOUT_MEASURING[base.state],
        reason=f"{limit.metric} {words}: {base.sentence} ({limit.origin})",
        limit=limit.value,
        value=0.0 if base.state == "identical" else None,
    )


def _judged(own: Measurement, base: Measurement, *, own_value: float, base_value: float) -> Judged:
    low, high = interval_of(own_value, own)
    base_low, base_high = interval_of(base_value, base)
    corners = [_worsening(low, base_high, own), _worsening(high, base_low, own)]
    return Judged(
        name=f"{own.metric} worsening",
        unit="1",
        value=_worsening(own_value, base_value, own),
        low=min(corners),
        high=max(corners),
        basis=f"{_values(own, base, own_value=own_value, base_value=base_value)}, {basis_of(own)}",
    )


def _values(own: Measurement, base: Measurement, *, own_value: float, base_value: float) -> str:
    before, after = format_quantity(base_value, base.unit), format_quantity(own_value, own.unit)
    return f"{after} against {before} of the baseline"


def _worsening(value: float, base: float, measurement: Measurement) -> float:
    change = value / base - 1
    return change if measurement.better == "lower" else -change


def _why_no_base(base: Measurement | None, limit: Limit) -> str:
    told = why_not_judged(base, limit)
    if told:
        return f"of the baseline, {told}"
    return "" if base is not None and min(interval_of(base.value or 0.0, base)) > 0 else "the baseline's value is zero"
