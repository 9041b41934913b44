"""Power sensors of which the truth is known: what they read of a made-up power, with faults on request."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.stats.power_window import Readings

GRID_HZ = 2000.0
"""The made-up power's own resolution."""


@dataclass(frozen=True)
class Sensor:
    """What a sensor does to the power: it makes a reading ``rate_hz`` times a second and is read at ``read_hz``."""

    rate_hz: float = 100.0
    read_hz: float = 10.0
    averages: bool = True
    """Whether a reading is the mean since the one before, or the power of a moment."""
    gain: float = 0.0
    offset_w: float = 0.0
    step_w: float = 0.0
    noise_w: float = 0.0
    dropouts: float = 0.0


def made_power(
    rng: np.random.Generator,
    seconds: float,
    *,
    mean_w: float,
    white: float = 0.0,
    slow: float = 0.0,
    over_s: float = 0.1,
) -> np.ndarray:
    """Watts on the grid: white noise, and noise whose neighbours resemble each other over ``over_s``; shares of it."""
    count = int(seconds * GRID_HZ)
    fade = np.exp(-1.0 / (over_s * GRID_HZ))
    from scipy.signal import lfilter

    start = rng.normal()
    resembling, _ = lfilter([np.sqrt(1.0 - fade**2)], [1.0, -fade], rng.normal(size=count), zi=[fade * start])
    return mean_w * (1.0 + white * rng.normal(size=count) + slow * resembling)


def read(sensor: Sensor, power: np.ndarray, rng: np.random.Generator, *, before_w: float | None = None) -> Readings:
    """What the sensor says of the power, read at jittered times as the agent does."""
    seconds = power.size / GRID_HZ
    held = max(1, int(GRID_HZ / sensor.rate_hz))
    whole = power[: power.size // held * held].reshape(-1, held)
    made = whole.mean(axis=1) if sensor.averages else whole[:, -1]
    made = np.concatenate([[made[0] if before_w is None else before_w], made])
    made = made * (1.0 + sensor.gain) + sensor.offset_w + rng.normal(0.0, sensor.noise_w, made.size)
    if sensor.step_w:
        made = np.round(made / sensor.step_w) * sensor.step_w
    gaps = rng.uniform(0.5, 1.5, int(2 * seconds * sensor.read_hz) + 4) / sensor.read_hz
    at = np.concatenate([[0.0], np.cumsum(gaps)])
    at = at[at < seconds]
    place = np.minimum((at * GRID_HZ / held).astype(int), made.size - 1)
    answered = rng.random(at.size) >= sensor.dropouts
    answered[0] = True
    return Readings(seconds, at[answered], made[place][answered], int(np.sum(~answered)))


Fault = Callable[[Readings], Readings]
