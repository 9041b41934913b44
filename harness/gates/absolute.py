"""The budget gate: a metric against a limit in its own unit."""

from harness.gates.compare_interval import judge_by_interval, judge_without_interval
from harness.gates.evidence import Evidence, interval_of, needs_interval, why_not_judged
from harness.gates.limits import Limit
from harness.gates.sentences import JudgedFigure, basis_of, not_judged
from harness.gates.sequential_verdict import hold_to_bound, judge_by_trials
from harness.records.entry import Finding

GATE = "budget"


def judge_absolute(limit: Limit, evidence: Evidence) -> Finding:
    """By the trials' answer where each has a figure; else the whole interval within the limit, beyond it, or across.

    INVALID where the metric is unknown.
    """
    measurement = evidence.measured(limit.metric)
    if measurement is None or measurement.value is None or why_not_judged(measurement, limit):
        return not_judged(limit, gate=GATE, because=why_not_judged(measurement, limit))
    by_trials = judge_by_trials(limit, evidence, gate=GATE)
    if by_trials is not None:
        return hold_to_bound(by_trials, measurement, limit, evidence)
    low, high = interval_of(measurement.value, measurement)
    judged = JudgedFigure(
        name=limit.metric,
        unit=measurement.unit,
        value=measurement.value,
        low=low,
        high=high,
        basis=basis_of(measurement),
        called=evidence.called(limit.metric),
    )
    if needs_interval(measurement):
        return judge_without_interval(judged, limit, gate=GATE)
    return judge_by_interval(judged, limit, evidence, gate=GATE, n=measurement.n)
