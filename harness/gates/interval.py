"""An interval against a limit: within, beyond, or too close to call."""

import math

from harness.records.status import Status

_ROUNDING = 1e-6
"""Of a trial: what floating point may add to a whole number of trials."""


def place(low: float, high: float, *, limit: float, floor: bool) -> Status:
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
