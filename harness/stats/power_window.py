"""What readings of a power source tell of a window: its mean power, by how much that may be off, or what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.stats.intervals import t_quantile
from harness.stats.quantiles import independent_samples

Array = NDArray[np.float64]

CONFIDENCE: Final = 0.95
_GLITCH: Final = 10.0
"""Times the middle reading; what is beyond is no power but a broken transfer."""
_MOST_MISSED: Final = 0.5
_FEW_LEVELS: Final = 4
"""A source that shows more levels than that tells its noise: it does not stand still for long."""
_STILL_SHARE: Final = 0.5
_CLIPPED_SHARE: Final = 0.25
_CLIPPED_LEVELS: Final = 8
_NEGATIVE_SHARE: Final = 0.05
_PLAUSIBLE_W: Final = (0.02, 1000.0)
"""What a board with an operating system draws: less or more is another unit."""
_BELOW_REST: Final = 0.03
_SLOW_JUMP: Final = 0.1
_FEWEST_READINGS: Final = 4
_BATCHES: Final = 6


@dataclass(frozen=True)
class Readings:
    """A window of ``seconds`` and the watts that were read in it; of a counter its mean alone, and nothing more."""

    seconds: float
    at_s: Sequence[float]
    watts: Sequence[float]
    missed: int = 0


@dataclass(frozen=True)
class WindowPower:
    """Mean watts over a window; ``sampling_w`` is how far off reading now and then may be, with 95 %."""

    watts: float
    sampling_w: float
    step_w: float
    """The steps in which the source reads; 0 where they are finer than its noise."""
    hidden_w: float
    """What the steps may hide of a difference between two windows: nothing where noise carries readings over them."""
    readings: int
    missed: int
    rate_hz: float
    updates_hz: float


def mean_power(window: Readings, *, step_w: float = 0.0) -> WindowPower:
    """The mean over time, each reading standing for the time around it.

    A source that makes a reading anew once a second and is read ten times as often tells ten times the same: only
    changes count as readings. ``step_w`` is known of the source; else it is what the readings show. Raises ValueError
    without a usable reading.
    """
    at, watts, missed = _usable(window)
    if watts.size == 0:
        raise ValueError("no reading of the window can be used")
    anew = _updates(watts)
    mean = _mean_over_time(at, watts, window.seconds)
    step = max(step_w, _steps(anew))
    return WindowPower(
        watts=mean,
        sampling_w=_sampling_error(watts, anew),
        step_w=step,
        hidden_w=_hidden_by_steps(watts, step),
        readings=int(watts.size),
        missed=missed,
        rate_hz=watts.size / window.seconds,
        updates_hz=anew.size / window.seconds,
    )


def find_fault(busy: Readings, idle: Readings | None = None) -> str | None:  # noqa: PLR0911 - one sentence a fault
    """What is wrong with a source, in words that follow its name; None where nothing is seen to be."""
    watts = np.asarray(busy.watts, dtype=np.float64)
    asked = watts.size + busy.missed
    if watts.size == 0 or not np.isfinite(watts).all():
        return f"gave no reading that is a number, of {asked}"
    if busy.missed > _MOST_MISSED * asked:
        return f"answered {watts.size} of {asked} reads only"
    if not watts.any():
        return "reads 0 W all the time: it is dead, or not connected"
    if np.mean(watts < 0.0) > _NEGATIVE_SHARE:
        return f"reads {watts.mean():.3g} W, which is negative: it is connected the wrong way round, or overflows"
    _, kept, left_out = _usable(busy)
    if left_out > _MOST_MISSED * asked:
        return f"gave {kept.size} readings that can be, of {asked}: the others are 0 W or beyond all others"
    middle = float(np.median(kept))
    if not _PLAUSIBLE_W[0] <= middle <= _PLAUSIBLE_W[1]:
        return f"reads {middle:.4g} W, which no board of this kind draws: its unit is another"
    return _standing_still(kept, idle, busy.seconds) or _cut_off(kept) or _below_rest(busy, idle)


def _usable(window: Readings) -> tuple[Array, Array, int]:
    """Times and watts without what is no power, and how many reads are missing with these."""
    at, watts = (np.asarray(one, dtype=np.float64) for one in (window.at_s, window.watts))
    if watts.size == 0:
        return at, watts, window.missed
    told = watts[np.isfinite(watts) & (watts != 0.0)]
    middle = float(np.median(told)) if told.size else 0.0
    counts = np.isfinite(watts) & (np.abs(watts) <= _GLITCH * abs(middle)) & ((watts != 0.0) | (middle == 0.0))
    return at[counts], watts[counts], window.missed + int(np.sum(~counts))


def _updates(watts: Array) -> Array:
    """The readings that differ from the one before, and the first."""
    anew: Array = watts[np.concatenate([[True], np.diff(watts) != 0.0])] if watts.size else watts
    return anew


def _mean_over_time(at: Array, watts: Array, seconds: float) -> float:
    """Each reading for the time that is nearer to it than to another: a dropout is filled by its neighbours."""
    if watts.size == 1:
        return float(watts[0])
    edges = np.concatenate([[0.0], (at[1:] + at[:-1]) / 2.0, [max(seconds, float(at[-1]))]])
    weights = np.maximum(np.diff(edges), 0.0)
    # The first and last reading stand for no more than the others do: beyond them is what they are near to anyway.
    weights = np.minimum(weights, 3.0 * float(np.median(weights)) or weights.max())
    return float(weights @ watts / weights.sum())


def _steps(anew: Array) -> float:
    """The steps in which readings come, where so few values come again and again that it must be steps."""
    levels = np.unique(anew)
    return float(np.median(np.diff(levels))) if 1 < levels.size <= anew.size / 2 else 0.0


def _hidden_by_steps(watts: Array, step: float) -> float:
    """By how much rounding to steps may shift the mean of readings whose noise goes over them.

    A uniform quantiser's mean error with Gaussian noise of deviation s is at most q / pi exp(-2 pi^2 s^2 / q^2)
    (Widrow and Kollar, "Quantization Noise", 2008, section 19.2); Sheppard's q^2 / 12 is taken from the variance seen.
    """
    if step == 0.0:
        return 0.0
    noise = max(0.0, float(watts.var()) / step**2 - 1.0 / 12.0)
    return step * min(0.5, 2.0 * exp(-2.0 * pi**2 * noise) / pi)


def _sampling_error(watts: Array, anew: Array) -> float:
    """Half of the 95 % interval of the mean, by the larger of two ways to see that neighbours resemble each other."""
    if watts.size < _FEWEST_READINGS or anew.size == 1:
        return 0.0 if watts.size >= _FEWEST_READINGS else float(np.ptp(watts))
    series = anew if anew.size < watts.size / 2 else watts
    independent = max(2, min(independent_samples(series), anew.size))
    by_time = float(series.std(ddof=1)) / sqrt(independent) * t_quantile(CONFIDENCE, independent - 1)
    if series.size < 2 * _BATCHES:
        return by_time
    batches = np.array([part.mean() for part in np.array_split(series, _BATCHES)])
    by_batches = float(batches.std(ddof=1)) / sqrt(_BATCHES) * t_quantile(CONFIDENCE, _BATCHES - 1)
    return max(by_time, by_batches)


def _standing_still(watts: Array, idle: Readings | None, seconds: float) -> str | None:
    anew = _updates(watts)
    rest = _usable(idle)[1] if idle is not None else np.empty(0)
    at_rest = np.unique(rest).size
    if anew.size == 1 and at_rest == 1 and rest[0] == watts[0]:
        return f"stands at {watts[0]:.4g} W, at rest as under load: it is stuck"
    if anew.size == 1 and at_rest > _FEW_LEVELS:
        return f"stands at {watts[0]:.4g} W under load and moves at rest: it is stuck, or at the end of its range"
    still = watts.size - int(np.flatnonzero(np.diff(watts)).max(initial=-1)) - 1
    before = np.unique(np.concatenate([rest, watts[: watts.size - still]])).size
    if still >= _STILL_SHARE * watts.size and before > _FEW_LEVELS:
        return f"stands at {watts[-1]:.4g} W for the last {seconds * still / watts.size:.1f} s: it is stuck"
    if 1 < anew.size < _FEWEST_READINGS and np.ptp(anew) > _SLOW_JUMP * abs(float(np.median(anew))):
        return f"changed {anew.size - 1} times in {seconds:.1f} s: it is too slow for such a window"
    return None


def _cut_off(watts: Array) -> str | None:
    levels, counts = np.unique(watts, return_counts=True)
    if levels.size < _CLIPPED_LEVELS or counts[-1] < _CLIPPED_SHARE * watts.size or counts[-1] < 4 * counts[-2]:
        return None
    return f"is cut off at {levels[-1]:.4g} W, where {counts[-1]} of {watts.size} readings are: it is saturated"


def _below_rest(busy: Readings, idle: Readings | None) -> str | None:
    if idle is None or _usable(idle)[1].size < _FEWEST_READINGS:
        return None
    under_load, at_rest = mean_power(busy), mean_power(idle)
    less = at_rest.watts - under_load.watts
    if less <= under_load.sampling_w + at_rest.sampling_w + under_load.step_w + _BELOW_REST * at_rest.watts:
        return None
    return (
        f"reads less under load ({under_load.watts:.4g} W) than at rest ({at_rest.watts:.4g} W): "
        "it is on another rail, or the wrong way round"
    )


def is_plausible(watts: float) -> bool:
    """Whether a mean is power at all, where a source gives nothing more than that."""
    return isfinite(watts) and _PLAUSIBLE_W[0] <= watts <= _PLAUSIBLE_W[1]
