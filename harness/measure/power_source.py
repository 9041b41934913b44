"""A power source's windows: which can be used, how exact they are, and what is said of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from harness.records.device import Power
from harness.records.energy import EnergyReading, PowerSource, SensorAccuracy
from harness.stats.power_window import Readings, WindowPower, find_fault, is_plausible, mean_power

JOULES_A_WATT_HOUR: Final = 3600.0
_COUNTERS: Final = ("rapl",)
_SCOPES: Final = {
    "rapl": "the processor's package only",
    "pmic": "without USB, HAT and what else takes the 5 V directly",
}

_NEAR: Final = 1e-9


@dataclass(frozen=True)
class _Chip:
    """What a maker promises of a power monitor at most, at 25 degrees Celsius."""

    gain: float
    """Of current and voltage together."""
    shunt_uv: float
    """Offset over the shunt."""
    bus_v: float
    """Offset of the voltage."""
    step_uv: float
    shunt_uohm: int | None
    """Of a shunt within the chip; None: it is the board's, and its tolerance not known."""
    source: str


_CHIPS: Final = {
    "ina219": _Chip(0.01, 200.0, 0.0, 10.0, None, "INA219 data sheet, SBOS448G, section 7.5, PGA /8"),
    "ina226": _Chip(0.002, 10.0, 0.0075, 2.5, None, "INA226 data sheet, SBOS547B, section 6.5"),
    "ina260": _Chip(0.0025, 10.0, 0.0075, 2.5, 2000, "INA260 data sheet, SBOS656C, section 7.5"),
    "ina3221": _Chip(0.005, 80.0, 0.016, 40.0, None, "INA3221 data sheet, SBOS576B, section 7.5"),
}
"""Maxima of data sheets; an INA260's offset of 5 mA is 10 uV over its own 2 milliohms."""


@dataclass(frozen=True)
class MeasuredWindow:
    """A window that can be used: its mean power, that of the idle window before it, and the energy of an inference."""

    index: int
    reading: EnergyReading
    power: WindowPower
    idle: WindowPower | None

    @property
    def inference_s(self) -> float:
        """Of the window, what one inference took."""
        return self.reading.window_s / self.reading.inferences

    @property
    def hidden(self) -> float:
        """The share by which the source's steps may shift the window."""
        return self.power.hidden_w / self.power.watts

    def figures(self, rate: float | None) -> dict[str, float]:
        """By metric, in SI base units."""
        idle = None if self.idle is None else self.idle.watts
        measured = {} if idle is None else {"power_idle": idle}
        return measured | power_figures(self.power.watts, self.inference_s, idle_w=idle, rate=rate)


@dataclass(frozen=True)
class SourceWindows:
    """One sensor's windows of an arm: those that can be used, and what is wrong with the others, each told once."""

    sensor: str
    windows: tuple[MeasuredWindow, ...]
    faults: tuple[str, ...]

    @property
    def is_sick(self) -> bool:
        """Whether more windows show a fault than do not: then none is believed."""
        return len(self.faults) > len(self.windows)


def power_figures(watts: float, inference_s: float, *, idle_w: float | None, rate: float | None) -> dict[str, float]:
    """What mean watts while inferring tell of an inference, and of ``rate`` of them a second where so many fit.

    The power at a rate is P = idle + rate x seconds of an inference x (busy - idle): a board that rests between two.
    """
    joules = watts * inference_s
    found = {"energy_per_inference": joules, "power_mean": watts, "inferences_per_wh": JOULES_A_WATT_HOUR / joules}
    if rate is not None and idle_w is not None and rate * inference_s <= 1.0:
        found["power_at_rate"] = idle_w + rate * inference_s * (watts - idle_w)
    return found


def examine_windows(
    sensor: str, told: Sequence[tuple[int, EnergyReading]], *, least_s: float, power: Power
) -> SourceWindows:
    """The windows of a sensor, by the index of their trials, held against what a board can draw."""
    windows, faults = [], []
    for index, reading in told:
        fault = fault_of(reading, least_s=least_s)
        if fault is None:
            windows.append(_window(index, reading, power))
        else:
            faults.append(fault)
    return SourceWindows(sensor, tuple(windows), tuple(faults))


def fault_of(reading: EnergyReading, *, least_s: float) -> str | None:  # noqa: PLR0911 - one sentence a fault
    """Why a window is not used, in words that follow the sensor's name; None where it is."""
    if reading.window_s < least_s * (1.0 - _NEAR):
        return f"was read for {reading.window_s:.1f} s only, under {least_s:g} s"
    if reading.inferences < 1:
        return "was read in a window without an inference"
    if reading.watts:
        return find_fault(_busy(reading), _idle(reading))
    if reading.mean_w == 0.0:
        return "stands still: it counted nothing while the model ran"
    if reading.mean_w < 0.0:
        return f"reads {reading.mean_w:.3g} W, which is negative"
    if not is_plausible(reading.mean_w):
        return f"reads {reading.mean_w:.4g} W, which no board of this kind draws: its unit is another"
    return None


def _busy(reading: EnergyReading) -> Readings:
    return Readings(reading.window_s, reading.at_s, reading.watts, reading.missed)


def _idle(reading: EnergyReading) -> Readings | None:
    return Readings(reading.idle_s, reading.idle_at_s, reading.idle_watts) if reading.idle_watts else None


def _window(index: int, reading: EnergyReading, power: Power) -> MeasuredWindow:
    step = accuracy_of(reading, power).step_w
    idle = _idle(reading)
    if not reading.watts:
        whole = WindowPower(reading.mean_w, 0.0, step, 0.0, reading.readings, reading.missed, 0.0, 0.0)
        rest = None if not reading.idle_w else WindowPower(reading.idle_w, 0.0, step, 0.0, 2, 0, 0.0, 0.0)
        return MeasuredWindow(index, reading, whole, rest)
    found = mean_power(_busy(reading), step_w=step)
    return MeasuredWindow(index, reading, found, None if idle is None else mean_power(idle, step_w=step))


def accuracy_of(reading: EnergyReading, power: Power) -> SensorAccuracy:
    """By how much a source may be off: the profile's own word, else its maker's, else unknown."""
    stated = power.accuracy.get(reading.sensor)
    if stated is not None:
        return stated
    chip = _CHIPS.get(reading.chip)
    shunts = [(rail.volts, chip.shunt_uohm or rail.shunt_uohm) for rail in reading.rails] if chip else []
    if chip is None or not shunts or any(volts is None or not shunt for volts, shunt in shunts):
        return SensorAccuracy()
    known = [(volts or 0.0, shunt or 1) for volts, shunt in shunts]
    offset = sum(volts * chip.shunt_uv / shunt for volts, shunt in known)
    lowest = min(volts for volts, _ in known)
    return SensorAccuracy(
        gain=chip.gain + (chip.bus_v / lowest if lowest > 0.0 else 0.0),
        offset_w=offset,
        step_w=max(volts * chip.step_uv / shunt for volts, shunt in known),
        source=chip.source + ("" if chip.shunt_uohm else "; the tolerance of its shunt is not known and not in it"),
    )


def describe_source(found: SourceWindows, power: Power) -> tuple[PowerSource, float]:
    """Where a sensor's figures come from, and their band: the share by which they may be off, with 95 %.

    Gain and offset are the most that was stated, and add up; steps shift a mean by half of one at most. How far
    reading now and then is off shrinks with the root of the windows, and is added to these.
    """
    windows = found.windows
    first, accuracy = windows[0].reading, accuracy_of(windows[0].reading, power)
    watts = float(np.mean([one.power.watts for one in windows]))
    sampling = sqrt(sum(one.power.sampling_w**2 for one in windows)) / len(windows) / watts
    step = max(one.power.step_w for one in windows)
    fixed = (accuracy.gain or 0.0) + (accuracy.offset_w + step / 2.0) / watts
    counted = found.sensor in _COUNTERS
    scope = [_SCOPES.get(found.sensor, ""), f"{first.devices} devices added up" if first.devices > 1 else ""]
    if len(first.rails) > 1:
        scope.append(f"sum of {len(first.rails)} rails{_labels(first)}")
    source = PowerSource(
        name=found.sensor,
        kind="counter" if counted else "sensor",
        scope=", ".join(filter(None, scope)),
        windows=len(windows),
        window_s=min(one.reading.window_s for one in windows),
        rate_hz=None if counted else min(one.power.rate_hz for one in windows) or None,
        updates_hz=None if counted else min(one.power.updates_hz for one in windows) or None,
        readings=sum(one.power.readings for one in windows),
        missed=sum(one.power.missed for one in windows),
        step_w=step,
        accuracy=accuracy,
        sampling=sampling,
        band_says=_band_says(accuracy),
    )
    return source, fixed + sampling


def _labels(reading: EnergyReading) -> str:
    labels = [rail.label for rail in reading.rails if rail.label]
    return f" ({', '.join(labels)})" if labels else ""


def _band_says(accuracy: SensorAccuracy) -> str:
    if accuracy.gain is None:
        return "of sampling and steps alone: by how much the source itself errs is not known, and not in it"
    told = f" ({accuracy.source})" if accuracy.source else ""
    return f"of sampling, steps, and the source's own error of {100 * accuracy.gain:.2g} %{told}"


def source_text(source: PowerSource) -> str:
    """The source in a line: which, how long and how often it was read, and what it does not see."""
    windows = "window" if source.windows == 1 else f"{source.windows} windows of"
    parts = [f"sensor {source.name}", f"{windows} {source.window_s or 0.0:.1f} s"]
    if source.rate_hz is not None:
        parts.append(f"read at {source.rate_hz:.3g} Hz")
    if source.missed:
        parts.append(f"{source.missed} reads missed")
    return ", ".join([*parts, *filter(None, [source.scope])])
