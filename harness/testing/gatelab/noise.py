"""Kinds of noise between trials, each a process of its own: arrays of logarithms, (metrics, trials)."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int, int], Array]

SPREAD: Final = 0.0266
"""The standard deviation between trials, as a share."""
_RHO: Final = 0.7
_RAMP: Final = 0.28
_SLOWED: Final = 1.4
_STEP_STARTS: Final = 0.005
_STEP_LENGTHS: Final = (5, 20)
_SECOND_MODE: Final = 1.04
_SECOND_SHARE: Final = 0.3


def iid(rng: np.random.Generator, metrics: int, trials: int) -> Array:
    """Independent normal logarithms."""
    return rng.normal(0.0, SPREAD, (metrics, trials))


def ar1(rng: np.random.Generator, metrics: int, trials: int) -> Array:
    """The same spread, each trial correlated with the one before by 0.7."""
    from scipy.signal import lfilter

    shocks = rng.normal(0.0, SPREAD * np.sqrt(1.0 - _RHO**2), (metrics, trials))
    shocks[:, 0] = rng.normal(0.0, SPREAD, metrics)
    correlated: Array = lfilter([1.0], [1.0, -_RHO], shocks, axis=1)
    return correlated


def drift(rng: np.random.Generator, metrics: int, trials: int) -> Array:
    """A board that slows down linearly by 28 % over the session, on top of independent noise."""
    return iid(rng, metrics, trials) + np.log1p(_RAMP * np.arange(trials) / max(trials - 1, 1))


def throttle(rng: np.random.Generator, metrics: int, trials: int) -> Array:
    """Steps of 1.4 times the time over 5 to 20 trials, begun with a chance of 0.5 % a trial."""
    begins = rng.random((metrics, trials)) < _STEP_STARTS
    lengths = rng.integers(_STEP_LENGTHS[0], _STEP_LENGTHS[1] + 1, (metrics, trials))
    slow = np.zeros((metrics, trials), dtype=bool)
    left = np.zeros(metrics, dtype=np.int64)
    for trial in range(trials):
        left = np.where((left == 0) & begins[:, trial], lengths[:, trial], left)
        slow[:, trial] = left > 0
        left = np.maximum(left - 1, 0)
    noisy: Array = iid(rng, metrics, trials) + np.log(_SLOWED) * slow
    return noisy


def bimodal(rng: np.random.Generator, metrics: int, trials: int) -> Array:
    """Three processes in ten are 4 % slower by their layout, on top of independent noise."""
    second = rng.random((metrics, trials)) < _SECOND_SHARE
    noisy: Array = iid(rng, metrics, trials) + np.log(_SECOND_MODE) * second
    return noisy


NOISES: Final[dict[str, Noise]] = {
    "iid": iid,
    "ar1": ar1,
    "drift": drift,
    "throttle": throttle,
    "bimodal": bimodal,
}
