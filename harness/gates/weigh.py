"""One number with its interval against one limit, made into a finding."""

import math

from harness.gates.evidence import Evidence
from harness.gates.interval import more_trials, place
from harness.gates.limits import Limit
from harness.gates.sentences import Judged, held_or_broken, no_interval, too_close
from harness.records.results import Finding
from harness.records.settings import Settings
from harness.records.status import Status

_HARDLY_POSSIBLE = 1000
"""Further trials beyond which the advice is another limit."""


def weigh(judged: Judged, limit: Limit, evidence: Evidence, *, gate: str, n: int) -> Finding:
    """PASS, FAIL or INCONCLUSIVE by the place of the interval; ``n`` trials stand behind it."""
    status = place(judged.low, judged.high, limit=limit.value, floor=limit.is_floor)
    if status is Status.INCONCLUSIVE:
        more = more_trials(judged.value, judged.low, judged.high, limit=limit.value, n=n)
        advice = _advice(more, n, evidence.settings)
        reason = too_close(judged, limit, evidence.entry, advice=advice)
    else:
        reason = held_or_broken(judged, limit, evidence.entry, status=status)
    return _finding(judged, limit, gate=gate, status=status, reason=reason)


def without_interval(judged: Judged, limit: Limit, evidence: Evidence, *, gate: str) -> Finding:
    """INCONCLUSIVE: so few trials gave no interval, however far the value lies from the limit."""
    reason = no_interval(judged, limit, evidence.entry)
    return _finding(judged, limit, gate=gate, status=Status.INCONCLUSIVE, reason=reason)


def _advice(more: int | None, n: int, settings: Settings) -> str:
    """What would settle it: further trials, and a longer time limit where they need one."""
    if more is None or more > _HARDLY_POSSIBLE:
        return f"more than {_HARDLY_POSSIBLE} more trials; move the limit away from the value"
    needed_s = math.ceil((n + more) * settings.min_secs)
    longer = f" --time-limit {needed_s}" if needed_s > settings.time_limit_s else ""
    return f"about {more} more trial{'s' if more > 1 else ''} (--trials {n + more}{longer})"


def _finding(judged: Judged, limit: Limit, *, gate: str, status: Status, reason: str) -> Finding:
    spread = judged.low != judged.high
    return Finding(
        gate=gate,
        metric=limit.metric,
        status=status,
        reason=reason,
        limit=limit.value,
        value=judged.value,
        ci_low=judged.low if spread else None,
        ci_high=judged.high if spread else None,
    )
