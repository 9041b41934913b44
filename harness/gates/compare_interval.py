"""An interval held against a limit: within, beyond, or too close to call; and the finding that comes of it."""

import math

from harness.gates.evidence import Evidence
from harness.gates.limits import Limit
from harness.gates.sentences import JudgedFigure, inconclusive_sentence, no_interval_sentence, verdict_sentence
from harness.records.entry import Finding
from harness.records.settings import Settings
from harness.records.status import Status

_ROUNDING = 1e-6
"""Of a trial: what floating point may add to a whole number of trials."""
_HARDLY_POSSIBLE = 1000
"""Further trials beyond which the advice is another limit."""


def compare_interval(low: float, high: float, *, limit: float, floor: bool) -> Status:
    """PASS where the whole interval keeps the limit, FAIL where none of it does, else INCONCLUSIVE.

    A value equal to the limit keeps it. ``floor`` True: the value has to be at least the limit.
    """
    if floor:
        low, high, limit = -high, -low, -limit
    if high <= limit:
        return Status.PASS
    return Status.FAIL if low > limit else Status.INCONCLUSIVE


def more_trials(value: float, low: float, high: float, *, limit: float, n: int) -> int | None:
    """Further trials after which the interval would clear the limit; None where no number would.

    The half-width h of an interval shrinks as 1 / sqrt(n), so h falls to the distance d between value and
    limit at n (h / d)^2 trials. h is the half on the limit's side.
    """
    distance = abs(limit - value)
    half_width = high - value if limit >= value else value - low
    if distance == 0 or n == 0 or not math.isfinite(half_width / distance):
        return None
    return max(1, math.ceil(n * (half_width / distance) ** 2 - _ROUNDING) - n)


def judge_by_interval(judged: JudgedFigure, limit: Limit, evidence: Evidence, *, gate: str, n: int) -> Finding:
    """PASS, FAIL or INCONCLUSIVE by the place of the interval; ``n`` trials stand behind it."""
    status = compare_interval(judged.low, judged.high, limit=limit.value, floor=limit.is_floor)
    if status is Status.INCONCLUSIVE:
        more = more_trials(judged.value, judged.low, judged.high, limit=limit.value, n=n)
        advice = _advice(more, n, evidence.settings)
        reason = inconclusive_sentence(judged, limit, advice=advice)
    else:
        reason = verdict_sentence(judged, limit, status=status)
    return _finding(judged, limit, gate=gate, status=status, reason=reason)


def judge_without_interval(judged: JudgedFigure, limit: Limit, *, gate: str) -> Finding:
    """INCONCLUSIVE: so few trials gave no interval, however far the value lies from the limit."""
    reason = no_interval_sentence(judged, limit)
    return _finding(judged, limit, gate=gate, status=Status.INCONCLUSIVE, reason=reason)


def _advice(more: int | None, n: int, settings: Settings) -> str:
    """What would settle it: further trials, and a longer time limit where they need one."""
    if more is None or more > _HARDLY_POSSIBLE:
        return f"more than {_HARDLY_POSSIBLE} more trials; move the limit away from the value"
    needed_s = math.ceil((n + more) * settings.min_secs)
    longer = f" --time-limit {needed_s}" if needed_s > settings.time_limit_s else ""
    return f"about {more} more trial{'s' if more > 1 else ''} (--trials {n + more}{longer})"


def _finding(judged: JudgedFigure, limit: Limit, *, gate: str, status: Status, reason: str) -> Finding:
    spread = judged.low != judged.high
    return Finding(
        gate=gate,
        metric=limit.metric,
        status=status,
        reason=reason,
        detail=judged.basis,
        limit=limit.value,
        value=judged.value,
        ci_low=judged.low if spread else None,
        ci_high=judged.high if spread else None,
    )
