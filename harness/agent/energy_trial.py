"""An energy trial: mean power over a window of steady inference, and over an idle window before it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

from edge_agent import power, telemetry
from edge_agent.interpreters import TrialFailedError, guard
from edge_agent.sysfs import Root
from edge_agent.timing import RunLimits, limits_of, warm_up
from edge_agent.trial_setup import SAMPLES_CYCLED, Numbers, Setting, prepare, read_samples

if TYPE_CHECKING:
    from edge_agent import spec

IDLE_S = 3.0
INTERVAL_S = 0.1
"""Between two reads of a sensor; sensors of this class average over 1 ms to 1 s themselves."""

Sensor = Union[power.PowerSensor, power.EnergyCounter]


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    sensor = pick(setting.root, trial.sensors)
    prepared = prepare(trial, setting, read_samples(trial, setting, SAMPLES_CYCLED))
    model, limits = prepared.model, limits_of(trial)
    guard("invoke", lambda: warm_up(model.invoke, trial.warmup_runs, limits.max_ns))
    idle = watch(sensor, lambda: time.sleep(IDLE_S))
    span = telemetry.Span(setting.root, read_state=trial.read_state)
    work = _SteadyWork(model.invoke, limits, prepared.advancer())
    busy = watch(sensor, lambda: guard("invoke", work))
    return {
        **prepared.account(),
        "telemetry": span.end(),
        "n": work.inferences,
        "energy": record(sensor, idle, busy, work.inferences),
    }


class _SteadyWork:
    """Inferences without a pause until the limits are met; the time per call is not kept."""

    def __init__(self, invoke: Callable[[], None], limits: RunLimits, advance: Optional[Callable[[], None]]) -> None:
        self._invoke = invoke
        self._limits = limits
        self._advance = advance
        self.inferences = 0

    def __call__(self) -> None:
        begun = time.perf_counter_ns()
        while True:
            self._invoke()
            self.inferences += 1
            passed = time.perf_counter_ns() - begun
            enough = passed >= self._limits.min_ns and self.inferences >= self._limits.num_runs
            if enough or passed >= self._limits.max_ns:
                return
            if self._advance is not None:
                self._advance()


class Window(NamedTuple):
    """What a sensor said of a span of time."""

    seconds: float
    mean_w: float
    readings: int


def pick(root: Root, names: Tuple[str, ...]) -> Sensor:
    """The first of the sensors that can be read; raises TrialFailedError with every reason."""
    reasons = []
    for name in names:
        try:
            return _open(root, name)
        except power.SensorError as error:
            reasons.append(str(error))
    raise TrialFailedError("no power sensor can be read: %s" % ("; ".join(reasons) or "none was named"))


def _open(root: Root, name: str) -> Sensor:
    if name == power.RAPL:
        counter = power.find_counter(root)
        counter.read()
        return counter
    sensor = power.find_power(root, name)
    sensor.watts()
    return sensor


def watch(sensor: Sensor, work: Callable[[], None]) -> Window:
    """Mean power while ``work`` runs; raises TrialFailedError if the sensor fails meanwhile."""
    try:
        if isinstance(sensor, power.EnergyCounter):
            return _watch_counter(sensor, work)
        return _watch_power(sensor, work)
    except power.SensorError as error:
        raise TrialFailedError("the power sensor failed: %s" % error) from error


def _watch_counter(counter: power.EnergyCounter, work: Callable[[], None]) -> Window:
    start, started = counter.read(), time.perf_counter()
    work()
    end, seconds = counter.read(), time.perf_counter() - started
    return Window(seconds, counter.joules(start, end) / seconds, 2)


def _watch_power(sensor: power.PowerSensor, work: Callable[[], None]) -> Window:
    sampler = _Sampler(sensor)
    started = time.perf_counter()
    sampler.start()
    try:
        work()
    finally:
        sampler.stop()
    seconds = time.perf_counter() - started
    return Window(seconds, sampler.mean_w(), len(sampler.points))


class _Sampler:
    """Reads a sensor in a thread; invoke releases the interpreter's lock, so both go on."""

    def __init__(self, sensor: power.PowerSensor) -> None:
        self._sensor = sensor
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="power")
        self._problem: List[power.SensorError] = []
        self.points: List[Tuple[float, float]] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        if self._problem:
            raise self._problem[0]

    def _run(self) -> None:
        try:
            while True:
                self.points.append((time.perf_counter(), self._sensor.watts()))
                if self._ended.wait(INTERVAL_S):
                    self.points.append((time.perf_counter(), self._sensor.watts()))
                    return
        except power.SensorError as error:
            self._problem.append(error)

    def mean_w(self) -> float:
        """Trapezoids over time: readings that came late weigh as long as they stood."""
        pairs = list(zip(self.points, self.points[1:]))
        energy = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairs)
        return energy / (self.points[-1][0] - self.points[0][0])


def record(sensor: Sensor, idle: Window, busy: Window, inferences: int) -> Dict[str, Any]:
    """The EnergyReading record."""
    return {
        "sensor": sensor.name,
        "window_s": busy.seconds,
        "mean_w": busy.mean_w,
        "idle_w": idle.mean_w,
        "readings": busy.readings,
        "inferences": inferences,
    }
