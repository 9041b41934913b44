"""Kinds of noise, declared once: their keys, and what they do to the logarithms of times, (metrics, processes).

Every noise is centred: with no true change the mean logarithm of either arm is 0, so that what is added to the
candidate is the logarithm of the true ratio of geometric means over processes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log, log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.testing.gatelab.trace import Trace

Array = NDArray[np.float64]
Values = dict[str, float | str]

SPREAD: Final = 0.0266
"""The standard deviation between trials, as a share, where a noise has no key for it."""
_RHO: Final = 0.7
_RAMP: Final = 0.28
_SLOWED: Final = 1.4
_STEP_STARTS: Final = 0.005
_STEP_LENGTHS: Final = (5, 20)
_SECOND_MODE: Final = 1.04
_SECOND_SHARE: Final = 0.3
_OUTLIERS: Final = 0.01
_OUTLIER: Final = 2.0
_JITTERS: Final = 65_537
"""Bursts after which the same deviations come again."""
_PERCENT: Final = 100.0


@dataclass(frozen=True)
class Key:
    """One parameter: ``unit`` is s, %, share, factor, or "" for one of ``words``."""

    name: str
    default: float | str
    unit: str
    low: float = 0.0
    high: float = inf
    words: tuple[str, ...] = ()
    drawn: tuple[float, float] = (0.0, 0.0)
    """From where the tables of docs/gatelab.md draw it; times and steps by their logarithm, others evenly."""

    def draw(self, rng: np.random.Generator) -> str:
        """A value within ``drawn``, as text."""
        if self.words:
            return str(rng.choice(self.words))
        low, high = self.drawn
        value = (
            np.exp(rng.uniform(log(low), log(high)))
            if self.unit == "s" or self.name == "step"
            else rng.uniform(low, high)
        )
        return f"{value:.3g}"

    @property
    def range(self) -> str:
        """What may be given, in words: "0 to 1", "process, parent or time"."""
        if self.words:
            return f"{', '.join(self.words[:-1])} or {self.words[-1]}"
        return f"{self.low:g} to {self.high:g}"

    def parse(self, text: str) -> float | str:
        """The value of a text; ValueError says what may be given."""
        if self.words:
            if text in self.words:
                return text
            raise ValueError(f'{self.name} is {self.range}, not "{text}"')
        try:
            value = float(text)
        except ValueError:
            value = inf
        if self.low <= value <= self.high:
            return value
        unit = f" ({self.unit})" if self.unit else ""
        raise ValueError(f'{self.name}{unit} is a number from {self.range}, not "{text}"')


@dataclass(frozen=True)
class Noise:
    """A kind of noise. ``timed``: it changes with time, within a trial too. ``instrument``: what reads the times."""

    name: str
    says: str
    logs: Callable[[Trace, Values], Array]
    keys: tuple[Key, ...] = ()
    timed: bool = False
    instrument: Callable[[np.random.Generator, Array, Values], Array] | None = None


@dataclass(frozen=True)
class Parameters:
    """A noise with a value for each of its keys."""

    noise: Noise
    values: Values

    def logs(self, trace: Trace) -> Array:
        """The logarithms of a trace's times before any true change, (metrics, processes)."""
        return self.noise.logs(trace, self.values)

    def read(self, rng: np.random.Generator, logs: Array) -> Array:
        """What the instrument makes of them."""
        return logs if self.noise.instrument is None else self.noise.instrument(rng, logs, self.values)


def parse_noise(text: str) -> Parameters:
    """The noise of ``NAME[:key=value,...]``; ValueError with one line for what cannot be meant."""
    name, _, given = text.partition(":")
    if name not in NOISES:
        raise ValueError(f'"{name}" is none of {", ".join(NOISES)}')
    noise = NOISES[name]
    keys = {key.name: key for key in noise.keys}
    values: Values = {key.name: key.default for key in noise.keys}
    seen: set[str] = set()
    for part in filter(None, given.split(",")) if ":" in text else ():
        key, equals, value = part.partition("=")
        if key not in keys:
            raise ValueError(f'{name} has no key "{key}": it has {", ".join(keys) or "none"}')
        if not equals or key in seen:
            raise ValueError(f'"{part}" is not one {key}=value')
        seen.add(key)
        values[key] = keys[key].parse(value)
    if name == "periodic" and _number(values, "burst") > _number(values, "period"):
        raise ValueError("burst is longer than period")
    return Parameters(noise, values)


def draw_noise(name: str, rng: np.random.Generator) -> str:
    """The text of a noise whose parameters are drawn over the ranges of the documented tables."""
    drawn = {key.name: key.draw(rng) for key in NOISES[name].keys}
    if "burst" in drawn:
        drawn["burst"] = f"{min(float(drawn['burst']), float(drawn['period']) / 2.0):.3g}"
    return f"{name}:{','.join(f'{key}={value}' for key, value in drawn.items())}" if drawn else name


def _number(values: Values, key: str) -> float:
    return float(values[key])


def _share(values: Values, key: str) -> float:
    """A percentage as a share."""
    return _number(values, key) / _PERCENT


def _own(trace: Trace, spread: float = SPREAD) -> Array:
    """What is a process's own: independent normal logarithms."""
    return trace.rng.normal(0.0, spread, trace.shape)


def _iid(trace: Trace, _values: Values) -> Array:
    return _own(trace)


def _ar1(trace: Trace, _values: Values) -> Array:
    from scipy.signal import lfilter

    rho = _RHO ** (trace.window_s / trace.trial_s)
    shocks = trace.rng.normal(0.0, SPREAD * np.sqrt(1.0 - rho**2), (trace.metrics, trace.windows.size))
    shocks[:, 0] = trace.rng.normal(0.0, SPREAD, trace.metrics)
    return trace.average(lfilter([1.0], [1.0, -rho], shocks, axis=1))


def _drift(trace: Trace, _values: Values) -> Array:
    ramp = np.log1p(_RAMP * trace.times / trace.session_s)
    return _own(trace) + trace.average(np.broadcast_to(ramp - ramp.mean(), (trace.metrics, ramp.size)))


def _throttle(trace: Trace, _values: Values) -> Array:
    windows = trace.windows.size
    a_trial = trace.trial_s / trace.window_s
    begins = trace.rng.random((windows, trace.metrics)) < _STEP_STARTS / a_trial
    lengths = trace.rng.integers(_STEP_LENGTHS[0], _STEP_LENGTHS[1] + 1, (windows, trace.metrics)) * round(a_trial)
    slow = np.zeros((trace.metrics, windows))
    left = np.zeros(trace.metrics, dtype=np.int64)
    for window in range(windows):
        left = np.where((left == 0) & begins[window], lengths[window], left)
        slow[:, window] = left > 0
        left = np.maximum(left - 1, 0)
    steps = _STEP_STARTS * sum(_STEP_LENGTHS) / 2.0
    return _own(trace) + log(_SLOWED) * (trace.average(slow) - steps / (1.0 + steps))


def _bimodal(trace: Trace, _values: Values) -> Array:
    second = trace.rng.random(trace.shape) < _SECOND_SHARE
    return _own(trace) + log(_SECOND_MODE) * (second - _SECOND_SHARE)


def _periodic(trace: Trace, values: Values) -> Array:
    period, burst = _number(values, "period"), _number(values, "burst")
    late = np.minimum(trace.rng.random(_JITTERS) * _share(values, "jitter") * period, period - burst)
    origin = trace.rng.integers(0, _JITTERS, (trace.metrics, 1))
    phase = trace.rng.random((trace.metrics, 1)) * period

    def busy(windows: NDArray[np.int64]) -> Array:
        """Seconds of bursts up to the begin of each window, (metrics, windows)."""
        cells, into = np.divmod(windows * trace.window_s + phase, period)
        begun = late[(cells.astype(np.int64) + origin) % _JITTERS]
        spent: Array = cells * burst + np.clip(into - begun, 0.0, burst)
        return spent

    seen = np.zeros(trace.shape)
    for column in trace.windows.T:
        seen += busy(column + 1) - busy(column)
    seen /= trace.windows.shape[1] * trace.window_s
    return _own(trace) + log(_number(values, "factor")) * (seen - burst / period)


def _dwelling(trace: Trace, dwell_s: float) -> Array:
    """A uniform number for each window that is drawn anew after a dwell of exponential length, (metrics, windows)."""
    windows = trace.windows.size
    anew = trace.rng.random((trace.metrics, windows)) < -np.expm1(-trace.window_s / dwell_s)
    anew[:, 0] = True
    drawn = trace.rng.random((trace.metrics, windows))
    last = np.maximum.accumulate(np.where(anew, np.arange(windows), 0), axis=1)
    states: Array = np.take_along_axis(drawn, last, axis=1)
    return states


def _time_below(trace: Trace, share: float | Array, dwell_s: float) -> Array:
    """How much of a process's time the dwelling number is below ``share``, (metrics, processes).

    Dwells much shorter than a window come to as many independent states as have the same variance.
    """
    if trace.window_s > dwell_s:
        states = max(1, round(trace.window_s * trace.windows.shape[1] / (2.0 * dwell_s)))
        spent: Array = trace.rng.binomial(states, share, trace.shape) / states
        return spent
    of_window = np.empty(trace.windows.size)
    of_window[trace.windows.ravel()] = np.repeat(np.broadcast_to(share, trace.shape[1]), trace.windows.shape[1])
    return trace.average((_dwelling(trace, dwell_s) < of_window).astype(np.float64))


def _modes(trace: Trace, values: Values) -> Array:
    share = np.where(trace.candidate, _number(values, "share_candidate"), _number(values, "share_base"))
    if values["unit"] == "time":
        second = _time_below(trace, share, _number(values, "dwell"))
    elif values["unit"] == "parent":
        arms = trace.rng.random((trace.metrics, int(trace.blocks[-1]) + 1, 2))
        second = (arms[:, trace.blocks, trace.candidate.astype(np.int64)] < share).astype(np.float64)
    else:
        second = (trace.rng.random(trace.shape) < share).astype(np.float64)
    logs: Array = _own(trace, _share(values, "sd")) + log1p(_share(values, "step")) * (second - share)
    return logs


def _minority(trace: Trace, values: Values) -> Array:
    share = np.where(trace.candidate, _number(values, "share"), 0.0)
    other = trace.rng.random(trace.shape) < share
    return _own(trace, _share(values, "sd")) + log(_number(values, "factor")) * (other - share)


def _state(trace: Trace, values: Values) -> Array:
    second = _time_below(trace, 0.5, _number(values, "dwell")) - 0.5
    ratio = log1p(_share(values, "ratio")) * np.where(trace.candidate, 1.0, 0.0)
    return _own(trace, _share(values, "sd")) + second * (log1p(_share(values, "step")) + 2.0 * ratio)


def _carry(trace: Trace, values: Values) -> Array:
    ran = np.empty(trace.windows.size)
    ran[trace.windows.ravel()] = np.repeat(trace.candidate, trace.windows.shape[1])
    after = np.concatenate([[0.0], ran[:-1]])
    seen = after[trace.windows].mean(axis=1) - 0.5
    logs: Array = _own(trace, _share(values, "sd")) + log1p(_share(values, "after")) * seen
    return logs


def _lattice(trace: Trace, values: Values) -> Array:
    return _own(trace, _share(values, "sd"))


def _ticks(rng: np.random.Generator, logs: Array, values: Values) -> Array:
    """Times rounded to whole steps of a clock; where a metric lies between two of them is drawn for each metric."""
    step = _share(values, "step")
    if step == 0.0:
        return logs
    level = 1.0 + step * (rng.random((len(logs), 1)) - 0.5)
    read: Array = np.log(np.maximum(np.rint(level * np.exp(logs) / step), 1.0) * step)
    return read


def _tails(trace: Trace, values: Values) -> Array:
    spread = _share(values, "sd")
    if values["kind"] == "t2":
        return trace.rng.standard_t(2.0, trace.shape) * spread
    if values["kind"] == "lognormal":
        skewed: Array = (trace.rng.lognormal(0.0, 1.0, trace.shape) - np.exp(0.5)) / np.sqrt((np.e - 1.0) * np.e)
        return skewed * spread
    logs: Array = _own(trace, spread) + log(_OUTLIER) * ((trace.rng.random(trace.shape) < _OUTLIERS) - _OUTLIERS)
    return logs


def _walk(trace: Trace, values: Values) -> Array:
    step = _share(values, "sd") * np.sqrt(trace.window_s / trace.trial_s)
    steps = trace.rng.normal(0.0, step, (trace.metrics, trace.windows.size))
    return _own(trace) + trace.average(np.cumsum(steps, axis=1))


_SD: Final = Key("sd", SPREAD * _PERCENT, "%", 0.0001, 100.0, drawn=(0.1, 8.0))
_DWELL: Final = Key("dwell", 1.0, "s", 0.001, 100_000.0, drawn=(0.01, 300.0))


def _step(default: float) -> Key:
    return Key("step", default, "%", 0.0, 1000.0, drawn=(0.5, 40.0))


NOISES: Final[dict[str, Noise]] = {
    noise.name: noise
    for noise in (
        Noise("iid", "independent normal logarithms, sd 2.66 %", _iid),
        Noise("ar1", "the same spread, each trial correlated with the one before by 0.7", _ar1),
        Noise("drift", "a ramp of 28 % over the session, on top of iid", _drift),
        Noise("throttle", "steps of 1.4 times the time over 5 to 20 trials, begun with 0.5 % a trial", _throttle),
        Noise("bimodal", "three processes in ten 4 % slower, on top of iid", _bimodal),
        Noise(
            "periodic",
            "a burst in every period, late by up to jitter of it, on top of iid",
            _periodic,
            (
                Key("period", 60.0, "s", 0.01, 100_000.0, drawn=(0.1, 300.0)),
                Key("burst", 5.0, "s", 0.0, 100_000.0, drawn=(0.02, 10.0)),
                Key("factor", 1.3, "factor", 0.1, 10.0, drawn=(1.05, 2.0)),
                Key("jitter", 0.0, "%", 0.0, 100.0, drawn=(0.0, 50.0)),
            ),
        ),
        Noise(
            "modes",
            "a second mode in a share of either arm's processes, parents (one a block) or time",
            _modes,
            (
                Key("share_base", 0.3, "share", 0.0, 1.0, drawn=(0.1, 0.9)),
                Key("share_candidate", 0.3, "share", 0.0, 1.0, drawn=(0.1, 0.9)),
                _step(10.0),
                _SD,
                Key("unit", "process", "", words=("process", "parent", "time")),
                _DWELL,
            ),
            timed=True,
        ),
        Noise(
            "minority",
            "a share of the candidate's processes is slower or faster",
            _minority,
            (
                Key("share", 0.1, "share", 0.0, 1.0, drawn=(0.1, 0.9)),
                Key("factor", 1.4, "factor", 0.1, 10.0, drawn=(1.05, 2.0)),
                _SD,
            ),
        ),
        Noise(
            "state",
            "two states of the board; the candidate is by ratio faster in one, slower in the other",
            _state,
            (_step(40.0), _DWELL, Key("ratio", 2.0, "%", 0.0, 100.0, drawn=(0.5, 5.0)), _SD),
            timed=True,
        ),
        Noise(
            "carry",
            "what follows the candidate is slower",
            _carry,
            (Key("after", 3.0, "%", 0.0, 100.0, drawn=(0.5, 5.0)), _SD),
        ),
        Noise("lattice", "times come in whole steps of a clock", _lattice, (_step(1.0), _SD), instrument=_ticks),
        Noise(
            "tails",
            "heavy tails: lognormal, Student's t with 2 degrees, or 1 % of processes twice as slow",
            _tails,
            (Key("kind", "outliers", "", words=("lognormal", "t2", "outliers")), _SD),
        ),
        Noise(
            "walk",
            "a random walk whose steps from trial to trial have this sd, on top of iid",
            _walk,
            (Key("sd", 1.0, "%", 0.01, 100.0, drawn=(0.1, 8.0)),),
        ),
    )
}
