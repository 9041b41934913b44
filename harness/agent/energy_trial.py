"""An energy trial: what a power source said in a window of steady inference, and in an idle window before it."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from edge_agent import power, telemetry
from edge_agent.interpreters import TrialFailedError, guard
from edge_agent.sysfs import Root
from edge_agent.timing import RunLimits, limits_of, warm_up
from edge_agent.trial_setup import SAMPLES_CYCLED, Numbers, Setting, prepare, read_samples

if TYPE_CHECKING:
    from edge_agent import spec

SETTLE_S = 1.0
"""Before a window counts: a sensor that updates once a second still tells of what was before."""
IDLE_S = 3.0
INTERVAL_S = 0.1
"""Between two reads of a sensor, on average; sensors of this class average over 1 ms to 1 s themselves."""
_JITTER = 0.5
"""By what share intervals differ: reads in step with the model's own period would see one part of it alone."""
MOST_READINGS = 2000
MOST_MISSED = 20
"""Reads in a row that may fail; then the sensor is given up."""
HOST_METER = "host-meter"
"""The source is read by the host: the trial gives the window alone."""


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    sensor = None if HOST_METER in trial.sensors else pick(setting.root, trial.sensors, trial.meter)
    prepared = prepare(trial, setting, read_samples(trial, setting, SAMPLES_CYCLED))
    model, limits = prepared.model, limits_of(trial)
    guard("invoke", lambda: warm_up(model.invoke, trial.warmup_runs, limits.max_ns))
    time.sleep(SETTLE_S)
    idle = watch(sensor, lambda: time.sleep(IDLE_S))
    work = _SteadyWork(model.invoke, limits, prepared.advancer())
    guard("invoke", work.settle)
    span = telemetry.Span(setting.root, read_state=trial.read_state)
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

    def settle(self) -> None:
        """Inferences that do not count, until the sensor tells of them."""
        begun = time.perf_counter()
        while time.perf_counter() - begun < SETTLE_S:
            self._invoke()
            if self._advance is not None:
                self._advance()

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
    """What a sensor said of a span of time; of a counter the mean alone."""

    seconds: float
    ended: float
    """By the monotonic clock of this process."""
    mean_w: float
    readings: int
    at_s: Tuple[float, ...] = ()
    watts: Tuple[float, ...] = ()
    missed: int = 0
    """Reads that failed and were left out."""


def pick(root: Root, names: Tuple[str, ...], meter: Optional[power.MeterSpec] = None) -> power.Sensor:
    """The first of the sensors that can be read; raises TrialFailedError with every reason."""
    reasons = []
    for name in names:
        try:
            return power.open_sensor(root, name, meter)
        except power.SensorError as error:
            reasons.append(str(error))
    raise TrialFailedError("no power sensor can be read: %s" % ("; ".join(reasons) or "none was named"))


def watch(sensor: Optional[power.Sensor], work: Callable[[], None]) -> Window:
    """Power while ``work`` runs; raises TrialFailedError if the sensor fails meanwhile."""
    try:
        if sensor is None:
            return _watch_nothing(work)
        if isinstance(sensor, power.EnergyCounter):
            return _watch_counter(sensor, work)
        return _watch_gauge(sensor, work)
    except power.SensorError as error:
        raise TrialFailedError("the power sensor failed: %s" % error) from error


def _watch_nothing(work: Callable[[], None]) -> Window:
    started = time.perf_counter()
    work()
    ended = time.perf_counter()
    return Window(ended - started, ended, 0.0, 1)


def _watch_counter(counter: power.EnergyCounter, work: Callable[[], None]) -> Window:
    start, started = counter.read(), time.perf_counter()
    work()
    end, ended = counter.read(), time.perf_counter()
    seconds = ended - started
    return Window(seconds, ended, counter.joules(start, end) / seconds, 2)


def _watch_gauge(sensor: power.Gauge, work: Callable[[], None]) -> Window:
    sampler = _Sampler(sensor)
    started = time.perf_counter()
    sampler.start()
    try:
        work()
    finally:
        ended = time.perf_counter()
        sampler.stop()
    inside = [(at - started, watts) for at, watts in sampler.points if at <= ended] or [(0.0, sampler.points[0][1])]
    return Window(
        ended - started,
        ended,
        mean_power(inside),
        len(inside),
        tuple(round(at, 6) for at, _ in inside),
        tuple(watts for _, watts in inside),
        sampler.missed,
    )


class _Sampler:
    """Reads a sensor in a thread; invoke releases the interpreter's lock, so both go on."""

    def __init__(self, sensor: power.Gauge) -> None:
        self._sensor = sensor
        self._interval_s = sensor.interval_s or INTERVAL_S
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="power")
        self._problem: List[power.SensorError] = []
        self.points: List[Tuple[float, float]] = []
        self.missed = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        if self._problem:
            raise self._problem[0]

    def _run(self) -> None:
        in_a_row = 0
        while len(self.points) < MOST_READINGS:
            try:
                watts = self._sensor.watts()
                self.points.append((time.perf_counter(), watts))
                in_a_row = 0
            except power.SensorError as error:
                self.missed += 1
                in_a_row += 1
                if in_a_row >= MOST_MISSED or (self._ended.is_set() and not self.points):
                    self._problem.append(error)
                    return
            share = random.uniform(1.0 - _JITTER, 1.0 + _JITTER)  # noqa: S311 - to be out of step, not a secret
            if self._ended.wait(self._interval_s * share) and self.points:
                return


def mean_power(points: List[Tuple[float, float]]) -> float:
    """Trapezoids over time: readings that came late weigh as long as they stood. Of one reading itself."""
    seconds = points[-1][0] - points[0][0]
    if seconds <= 0.0:
        return points[0][1]
    joules, before = 0.0, points[0]
    for point in points[1:]:
        joules += (point[0] - before[0]) * (point[1] + before[1]) / 2
        before = point
    return joules / seconds


def record(sensor: Optional[power.Sensor], idle: Window, busy: Window, inferences: int) -> Dict[str, Any]:
    """The EnergyReading record, to be made right after the trial."""
    rails = [] if sensor is None or isinstance(sensor, power.EnergyCounter) else sensor.rails
    return {
        "sensor": HOST_METER if sensor is None else sensor.name,
        "chip": "" if sensor is None else sensor.chip,
        "devices": 1 if sensor is None else sensor.devices,
        "rails": [rail.describe() for rail in rails],
        "window_s": busy.seconds,
        "mean_w": busy.mean_w,
        "readings": busy.readings,
        "at_s": list(busy.at_s),
        "watts": list(busy.watts),
        "missed": busy.missed,
        "idle_s": idle.seconds,
        "idle_w": idle.mean_w,
        "idle_at_s": list(idle.at_s),
        "idle_watts": list(idle.watts),
        "ended_ago_s": max(0.0, time.perf_counter() - busy.ended),
        "idle_ended_ago_s": max(0.0, time.perf_counter() - idle.ended),
        "inferences": inferences,
    }
