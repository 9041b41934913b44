"""The regression gate: a metric's worsening against the baseline, as a share of the baseline's value."""

from harness.gates.evidence import Evidence, interval_of, needs_interval, why_not_judged
from harness.gates.limits import Limit
from harness.gates.sentences import Judged, basis_of, not_judged
from harness.gates.weigh import weigh, without_interval
from harness.records.results import Finding, Measurement
from harness.records.units import format_quantity

GATE = "regression"


def judge_regression(limit: Limit, evidence: Evidence) -> Finding:
    """The share by which the metric got worse, positive for worse whichever way is better.

    The interval joins the worst corner of both intervals with the best: wider than a paired test's, never
    narrower. INVALID without a baseline, so that a missing one is not green.
    """
    if evidence.baseline is None:
        return not_judged(limit, gate=GATE, because="no baseline given; run with --baseline")
    own, base = evidence.measured(limit.metric), evidence.baseline_of(limit.metric)
    because = why_not_judged(own, limit) or _why_no_base(base, limit)
    if because or own is None or base is None or own.value is None or base.value is None:
        return not_judged(limit, gate=GATE, because=because)
    judged = _judged(own, base, own_value=own.value, base_value=base.value)
    if needs_interval(own) or needs_interval(base):
        return without_interval(judged, limit, evidence, gate=GATE)
    return weigh(judged, limit, evidence, gate=GATE, n=min(own.n, base.n))


def _judged(own: Measurement, base: Measurement, *, own_value: float, base_value: float) -> Judged:
    low, high = interval_of(own_value, own)
    base_low, base_high = interval_of(base_value, base)
    worse = [_worsening(low, base_high, own), _worsening(high, base_low, own)]
    return Judged(
        name=f"{own.metric} worsening",
        unit="1",
        value=_worsening(own_value, base_value, own),
        low=min(worse),
        high=max(worse),
        basis=f"{format_quantity(own_value, own.unit)} against {format_quantity(base_value, base.unit)} "
        f"of the baseline, {basis_of(own)}",
    )


def _worsening(value: float, base: float, measurement: Measurement) -> float:
    change = value / base - 1
    return change if measurement.better == "lower" else -change


def _why_no_base(base: Measurement | None, limit: Limit) -> str:
    told = why_not_judged(base, limit)
    if told:
        return f"of the baseline, {told}"
    return "" if base is not None and min(interval_of(base.value or 0.0, base)) > 0 else "the baseline's value is zero"
