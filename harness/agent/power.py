"""Power sensors: hwmon devices by their name, and RAPL's package counters.

A hwmon device gives ``power*_input`` in microwatts, or voltages (mV) and currents (mA) of the same number.
Where a channel's label says it is the board's input (INA3221 on Jetsons: VDD_IN, POM_5V_IN), it alone counts:
the other channels are parts of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from edge_agent.sysfs import Root, read_int, read_text

RAPL = "rapl"
_HWMON = "hwmon:"


class SensorError(Exception):
    """A sensor that is not there or cannot be read, in one line."""


class Channel(NamedTuple):
    """A power input: one file of microwatts, or a pair of millivolts and milliamperes."""

    label: str
    files: Tuple[Path, ...]

    def watts(self) -> float:
        """The power now."""
        values = [_number(path) for path in self.files]
        return values[0] / 1e6 if len(values) == 1 else values[0] * values[1] / 1e6


class PowerSensor:
    """A hwmon device's power, to be read again and again."""

    def __init__(self, name: str, channels: List[Channel]) -> None:
        self.name = name
        self._channels = channels

    def watts(self) -> float:
        """Sum of the channels; raises SensorError."""
        return sum(channel.watts() for channel in self._channels)


class EnergyCounter:
    """RAPL's packages, in microjoules that wrap around; read at the ends of a window only."""

    name = RAPL

    def __init__(self, domains: List[Path]) -> None:
        self._domains = domains

    def read(self) -> List[int]:
        """One count a package; raises SensorError."""
        return [_number(domain / "energy_uj") for domain in self._domains]

    def joules(self, start: List[int], end: List[int]) -> float:
        """Energy between two reads less than one wrap apart."""
        total = 0
        for domain, first, last in zip(self._domains, start, end):
            span = read_int(domain / "max_energy_range_uj")
            if last < first and span is None:
                raise SensorError("%s wrapped and does not say its range" % domain.name)
            # The counter takes the values 0..range, so that range + 1 counts are one turn.
            total += last - first if last >= first else last - first + (span or 0) + 1
        return total / 1e6


def find_power(root: Root, name: str) -> PowerSensor:
    """The sensor a profile calls "hwmon:NAME"; raises SensorError."""
    wanted = name[len(_HWMON) :]
    for device in root.glob("sys/class/hwmon/hwmon*"):
        if read_text(device / "name") == wanted:
            channels = _total_only(_channels(device))
            if channels:
                return PowerSensor(name, channels)
    raise SensorError("%s: no hwmon device of that name gives power" % name)


def find_counter(root: Root) -> EnergyCounter:
    """RAPL's package domains; raises SensorError."""
    domains = [
        domain
        for domain in root.glob("sys/class/powercap/intel-rapl:*")
        if (read_text(domain / "name") or "").startswith("package")
    ]
    if not domains:
        raise SensorError("rapl: this machine has no package counter")
    return EnergyCounter(domains)


def find_sensors(root: Root) -> List[Dict[str, Any]]:
    """SensorFound records of all sensors there are, readable or not."""
    names = [
        _HWMON + (read_text(device / "name") or "")
        for device in root.glob("sys/class/hwmon/hwmon*")
        if _channels(device)
    ]
    if root.glob("sys/class/powercap/intel-rapl:*"):
        names.append(RAPL)
    return [_try(root, name) for name in dict.fromkeys(names)]


def _try(root: Root, name: str) -> Dict[str, Any]:
    reason: Optional[str] = None
    try:
        if name == RAPL:
            find_counter(root).read()
        else:
            find_power(root, name).watts()
    except SensorError as error:
        reason = str(error)
    return {"name": name, "readable": reason is None, "reason": reason}


def _channels(device: Path) -> List[Channel]:
    direct = [Channel(_label(path), (path,)) for path in sorted(device.glob("power*_input"))]
    return direct or [
        Channel(_label(volts), (volts, volts.with_name(volts.name.replace("in", "curr", 1))))
        for volts in sorted(device.glob("in*_input"))
        if volts.with_name(volts.name.replace("in", "curr", 1)).exists()
    ]


def _label(path: Path) -> str:
    return read_text(path.with_name(path.name.replace("_input", "_label"))) or ""


def _total_only(channels: List[Channel]) -> List[Channel]:
    return [channel for channel in channels if channel.label.upper().endswith("_IN")][:1] or channels


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SensorError("%s cannot be read: %s" % (path, why)) from error
    except ValueError:
        raise SensorError("%s holds no number" % path) from None
