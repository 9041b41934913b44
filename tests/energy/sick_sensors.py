"""Sensors that are sick in ways that were seen: files as their drivers leave them, and readings as they give them."""

import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from edge_agent import power
from edge_agent.sysfs import Root

from harness.measure.power_source import fault_of
from harness.records.energy import EnergyReading

WINDOW_S = 10.0
AT = tuple(0.1 * place for place in range(100))
IDLE_AT = AT[:30]
HEALTHY = np.random.default_rng(7).normal(4.0, 0.05, 100).round(4)
RESTING = np.random.default_rng(8).normal(2.0, 0.05, 30).round(4)


def _reading(watts: object, *, rest: object = RESTING, missed: int = 0, **changes: object) -> EnergyReading:
    busy, idle = (tuple(map(float, np.asarray(one))) for one in (watts, rest))
    told = {
        "sensor": "hwmon:x", "window_s": WINDOW_S, "mean_w": float(np.mean(busy)), "idle_w": float(np.mean(idle)),
        "readings": len(busy), "inferences": 1000, "at_s": AT[: len(busy)], "watts": busy, "missed": missed,
        "idle_s": 3.0, "idle_at_s": IDLE_AT[: len(idle)], "idle_watts": idle,
    }  # fmt: skip
    return EnergyReading.model_validate(told | changes)


def _stuck_midway() -> EnergyReading:
    return _reading(np.concatenate([HEALTHY[:40], np.full(60, HEALTHY[40])]))


def _counter(mean_w: float) -> EnergyReading:
    return EnergyReading(sensor="rapl", window_s=WINDOW_S, mean_w=mean_w, idle_w=1.0, readings=2, inferences=1000)


READINGS: dict[str, tuple[Callable[[], EnergyReading], str]] = {
    "dead": (lambda: _reading(np.zeros(100), rest=np.zeros(30)), "dead"),
    "stuck": (lambda: _reading(np.full(100, 3.3), rest=np.full(30, 3.3)), "stuck"),
    "stuck midway": (_stuck_midway, "stuck"),
    "constant under load": (lambda: _reading(np.full(100, 4.0)), "stuck, or at the end"),
    "saturated": (lambda: _reading(np.minimum(HEALTHY, 4.0)), "saturated"),
    "negative": (lambda: _reading(-HEALTHY), "negative"),
    "milliwatts for watts": (lambda: _reading(1e3 * HEALTHY, rest=1e3 * RESTING), "unit"),
    "microwatts for milliwatts": (lambda: _reading(1e-3 * HEALTHY, rest=1e-3 * RESTING), "unit"),
    "hardly answers": (lambda: _reading(HEALTHY[:20], missed=80), "answered 20 of 100"),
    "zeros between": (lambda: _reading(np.where(np.arange(100) % 3 == 0, HEALTHY, 0.0)), "readings that can be"),
    "upside down": (lambda: _reading(HEALTHY - 3.0), "less under load"),
    "too slow": (lambda: _reading(np.repeat([2.0, 4.0], 50), rest=np.full(30, 2.0)), "too slow"),
    "counter that stands": (lambda: _counter(0.0), "stands still"),
    "counter that runs back": (lambda: _counter(-5.0), "negative"),
}


def _hwmon(root: Path, **files: object) -> None:
    folder = root / "sys/class/hwmon/hwmon0"
    folder.mkdir(parents=True)
    for name, text in ({"name": "x"} | files).items():
        (folder / name).write_text(f"{text}\n")


def _battery(root: Path) -> None:
    folder = root / "sys/class/power_supply/BAT0"
    folder.mkdir(parents=True)
    for name, text in {"type": "Battery", "status": "Full", "power_now": 3_000_000}.items():
        (folder / name).write_text(f"{text}\n")


def _meter(text: str) -> Callable[[Path], power.MeterSpec]:
    def make(root: Path) -> power.MeterSpec:
        path = root / "meter.sh"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(stat.S_IRWXU)
        return power.MeterSpec((str(path),), 1.0)

    return make


FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "not there": ("hwmon:x", lambda _: None, "no hwmon device of that name"),
    "not supported": ("hwmon:x", lambda root: _hwmon(root, power1_input="<not supported>"), "not supported"),
    "empty file": ("hwmon:x", lambda root: _hwmon(root, power1_input=""), "it is empty"),
    "charging battery": ("battery", _battery, "not the board's"),
    "meter without a number": ("meter", _meter("echo overload"), "holds no number"),
    "meter that fails": ("meter", _meter("exit 1"), "status 1"),
}
SICK = (*READINGS, *FILES)


def name_fault(sensor: str) -> str:
    """What the harness says of it, with the sensor's name; empty where it calls it healthy or something else."""
    if sensor in READINGS:
        make, word = READINGS[sensor]
        told = make()
        said = fault_of(told, least_s=WINDOW_S) or ""
        return f"{told.sensor} {said}" if word in said else ""
    name, prepare, word = FILES[sensor]
    with tempfile.TemporaryDirectory() as folder:
        made = prepare(Path(folder))
        try:
            power.open_sensor(Root(folder), name, made if isinstance(made, power.MeterSpec) else None)
        except power.SensorError as error:
            said = str(error).replace(folder, "")
            return said if word in said else ""
    return ""
