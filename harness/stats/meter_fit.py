"""A power model fitted to a meter: its readings laid over known load steps, and watts against utilisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_GRID_S: Final = 0.1
_LEAST_CORRELATION: Final = 0.8
_LEAST_LEAD: Final = 0.05
"""By so much the best place's correlation must be above that of any other place."""
_BESIDE_S: Final = 5.0
"""Places nearer to each other than that are one."""
_AFTER_STEP_S: Final = 1.5
"""Of a step left out: a meter that averages still tells of the one before."""
_BEFORE_END_S: Final = 0.5
_FEWEST_STEPS: Final = 4
_HALF: Final = 0.5


@dataclass(frozen=True)
class LoadStep:
    """A span of the board's time with its utilisation of all cores; seconds by the clock of whoever drove it."""

    begun_s: float
    ended_s: float
    utilisation: float


@dataclass(frozen=True)
class MeterFit:
    """P = idle_w + (full_w - idle_w) x utilisation, and how well that describes the steps.

    ``lead_s`` is what is to be added to the driver's clock to have the meter's. ``mean_error`` and ``bands``, pairs of
    (from utilisation, error), are shares, of each step by a fit to the others.
    """

    idle_w: float
    full_w: float
    idle_error_w: float
    full_error_w: float
    lead_s: float
    correlation: float
    mean_error: float
    bands: tuple[tuple[float, float], ...]
    steps: int


def fit_meter(times: Sequence[float], watts: Sequence[float], steps: Sequence[LoadStep]) -> MeterFit:
    """The power model that a meter's readings tell. Raises ValueError, one line, where the steps cannot be found."""
    at, power = np.asarray(times, dtype=np.float64), np.asarray(watts, dtype=np.float64)
    lead, correlation = _align(at, power, steps)
    told = [(step.utilisation, mean) for step in steps if (mean := _mean_of(at, power, step, lead)) is not None]
    if len(told) < _FEWEST_STEPS or max(u for u, _ in told) - min(u for u, _ in told) < _HALF:
        raise ValueError(
            f"{len(told)} load steps have readings, from {min((100 * u for u, _ in told), default=0):.0f} to "
            f"{max((100 * u for u, _ in told), default=0):.0f} % of the cores: expected {_FEWEST_STEPS} at least, "
            "half of the cores apart; does the meter read once a second?"
        )
    used, means = np.array([share for share, _ in told]), np.array([mean for _, mean in told])
    idle, slope, covariance = _line(used, means)
    if idle <= 0.0 or slope <= 0.0:
        raise ValueError(
            f"the meter tells {idle:.3g} W at rest and {idle + slope:.3g} W at full load: no board's power"
        )
    errors = _errors_of_others(used, means)
    return MeterFit(
        idle_w=idle,
        full_w=idle + slope,
        idle_error_w=sqrt(max(0.0, covariance[0, 0])),
        full_error_w=sqrt(max(0.0, float(covariance.sum()))),
        lead_s=lead,
        correlation=correlation,
        mean_error=float(errors.mean()),
        bands=_bands(used, errors),
        steps=len(told),
    )


def _align(at: Array, power: Array, steps: Sequence[LoadStep]) -> tuple[float, float]:
    """By what the clocks differ: where readings correlate best with the utilisation at their time."""
    if at.size < 2 * _FEWEST_STEPS or not steps:
        raise ValueError(f"{at.size} readings are too few to find load steps in")
    begun, ended = steps[0].begun_s, steps[-1].ended_s
    first, last = float(at[0]) - begun - _BESIDE_S, float(at[-1]) - ended + _BESIDE_S
    if last < first:
        raise ValueError(
            f"the meter's readings span {at[-1] - at[0]:.0f} s and the load steps {ended - begun:.0f} s: "
            "it has to read before the first and after the last"
        )
    leads = np.arange(first, last + _GRID_S, _GRID_S)
    grid = np.arange(begun, ended, _GRID_S)
    wanted = _at_times(grid, steps)
    found = np.array([_correlation(np.interp(grid + lead, at, power), wanted) for lead in leads])
    best = int(found.argmax())
    others = found[np.abs(leads - leads[best]) > _BESIDE_S]
    if found[best] < _LEAST_CORRELATION:
        raise ValueError(
            f"the load steps cannot be found in the meter's readings: they resemble them by {found[best]:.2f} at best, "
            f"expected {_LEAST_CORRELATION}; was it between this board and its supply, and did nothing else run?"
        )
    if others.size and found[best] - float(others.max()) < _LEAST_LEAD:
        raise ValueError("the load steps can be found at two places in the meter's readings: cut it down to one run")
    return float(leads[best]), float(found[best])


def _at_times(grid: Array, steps: Sequence[LoadStep]) -> Array:
    ends = np.array([step.ended_s for step in steps])
    place = np.minimum(np.searchsorted(ends, grid, side="right"), len(steps) - 1)
    found: Array = np.array([step.utilisation for step in steps])[place]
    return found


def _correlation(one: Array, other: Array) -> float:
    first, second = one - one.mean(), other - other.mean()
    scale = sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / scale if scale > 0.0 else 0.0


def _mean_of(at: Array, power: Array, step: LoadStep, lead: float) -> float | None:
    """The step's mean watts, its beginning and end left out; None without a reading."""
    inside = (at >= step.begun_s + lead + _AFTER_STEP_S) & (at <= step.ended_s + lead - _BEFORE_END_S)
    return float(power[inside].mean()) if inside.any() else None


def _line(used: Array, watts: Array) -> tuple[float, float, Array]:
    """Least squares of relative errors, as the bands are relative: idle, slope, and their covariance."""
    design = np.column_stack([np.ones_like(used), used]) / watts[:, np.newaxis]
    coefficients, *_ = np.linalg.lstsq(design, np.ones_like(used), rcond=None)
    left = design @ coefficients - 1.0
    spread = float(left @ left) / max(1, used.size - 2)
    covariance = np.asarray(spread * np.linalg.inv(design.T @ design), dtype=np.float64)
    return float(coefficients[0]), float(coefficients[1]), covariance


def _errors_of_others(used: Array, watts: Array) -> Array:
    """Of each step the relative error of a line that the others make."""
    found = []
    for place in range(used.size):
        others = np.arange(used.size) != place
        idle, slope, _ = _line(used[others], watts[others])
        found.append(abs((idle + slope * used[place]) / watts[place] - 1.0))
    return np.array(found)


def _bands(used: Array, errors: Array) -> tuple[tuple[float, float], ...]:
    """The largest error below half of the cores, and from there on; each at least the mean of all."""
    least = max(float(errors.mean()), 0.001)
    low, high = (float(errors[part].max(initial=least)) for part in (used < _HALF, used >= _HALF))
    return ((0.0, round(max(low, least), 4)), (_HALF, round(max(high, least), 4)))
