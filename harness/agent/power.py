"""Power sources of a board, by the names that profiles write.

- ``hwmon:NAME``: all hwmon devices of that name, ``power*_input`` in microwatts, or voltages (mV) and currents (mA) of
  the same number. ``hwmon:NAME/LABEL+LABEL`` takes the rails of those labels alone.
- ``iio:NAME``: the same of industrial I/O devices, in milliwatts.
- ``pmic``: a Raspberry Pi 5's power chip, by ``vcgencmd pmic_read_adc``.
- ``battery``: the gauges of /sys/class/power_supply, while they discharge.
- ``rapl``: the packages' energy counters of x86.
- ``meter``: a command of the user's that prints watts.

Where a rail's label says it is the board's input (INA3221 on Jetsons: VDD_IN, POM_5V_IN), it alone counts: the others
are parts of it.
"""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from edge_agent.sysfs import Root, read_answer, read_int, read_text

RAPL = "rapl"
PMIC = "pmic"
BATTERY = "battery"
METER = "meter"
_HWMON = "hwmon:"
_IIO = "iio:"
_PATIENCE_S = 2.0
_PMIC_SCALE, _PMIC_REST_W = 1.1451, 0.5879
"""A community's fit of the sum of the power chip's rails to the watts at the socket; no error was published."""
_PMIC_LINE = re.compile(r"(\w+)_([AV])\s+(?:current|volt)\(\d+\)=(-?[0-9.]+)[AV]")
_MOST_TEXT = 40
_SUMS_OF_INA3221 = 4
"""Its channels from this number on are shunt voltages, and the sum of its rails."""


class SensorError(Exception):
    """A sensor that is not there or cannot be read, in one line."""


class MeterSpec(NamedTuple):
    """A command that prints watts, and how often to run it."""

    command: Tuple[str, ...]
    interval_s: float


class Rail(NamedTuple):
    """A power input: the product of its files times ``scale`` is watts; volts and shunt where they are told."""

    label: str
    files: Tuple[Path, ...]
    scale: float
    volts: Optional[Path] = None
    shunt: Optional[Path] = None

    def watts(self) -> float:
        """The power now; raises SensorError."""
        found = self.scale
        for path in self.files:
            found *= _number(path)
        return found

    def describe(self) -> Dict[str, Any]:
        """The PowerRail record."""
        millivolts = None if self.volts is None else read_int(self.volts)
        return {
            "label": self.label,
            "volts": None if millivolts is None else millivolts / 1e3,
            "shunt_uohm": None if self.shunt is None else read_int(self.shunt),
        }


class PowerSensor:
    """Rails that are added up, to be read again and again."""

    def __init__(self, name: str, rails: List[Rail], *, chip: str = "", devices: int = 1) -> None:
        self.name = name
        self.chip = chip
        self.devices = devices
        self.rails = rails
        self.interval_s: Optional[float] = None

    def watts(self) -> float:
        """Sum of the rails; raises SensorError."""
        return sum(rail.watts() for rail in self.rails)


class Pmic:
    """The rails of a Raspberry Pi 5's power chip; USB, HAT and NVMe power at 5 V does not pass it."""

    name = PMIC
    chip = "da9091"
    devices = 1
    interval_s: Optional[float] = None

    def __init__(self, root: Root) -> None:
        if not root.has_program("vcgencmd"):
            raise SensorError("pmic: this board has no vcgencmd")
        self.rails: List[Rail] = []

    def watts(self) -> float:
        """The fit to the rails' sum; raises SensorError."""
        said = read_answer(["vcgencmd", "pmic_read_adc"], _PATIENCE_S)
        if said is None:
            raise SensorError("pmic: vcgencmd pmic_read_adc did not answer within %g s" % _PATIENCE_S)
        return parse_pmic(said)


def parse_pmic(said: str) -> float:
    """Watts from what ``vcgencmd pmic_read_adc`` prints; raises SensorError."""
    volts: Dict[str, float] = {}
    amperes: Dict[str, float] = {}
    for rail, kind, number in _PMIC_LINE.findall(said):
        try:
            (volts if kind == "V" else amperes)[rail] = float(number)
        except ValueError:
            continue
    both = [rail for rail in amperes if rail in volts]
    if not both:
        raise SensorError("pmic: vcgencmd pmic_read_adc gave no rails: %s" % _shown(said))
    return sum(volts[rail] * amperes[rail] for rail in both) * _PMIC_SCALE + _PMIC_REST_W


class BatteryGauge:
    """What flows out of the board's batteries; what the mains give beside it is not seen."""

    name = BATTERY
    chip = "battery gauge"
    interval_s: Optional[float] = None

    def __init__(self, root: Root) -> None:
        folders = root.glob("sys/class/power_supply/*")
        self._gauges = [folder for folder in folders if read_text(folder / "type") == "Battery"]
        if not self._gauges:
            raise SensorError("battery: no battery in /sys/class/power_supply")
        self.devices = len(self._gauges)
        self.rails = [_battery_rail(folder) for folder in self._gauges]

    def watts(self) -> float:
        """What all of them give; raises SensorError, also where one is charged or full."""
        for folder in self._gauges:
            status = read_text(folder / "status") or "unknown"
            if status != "Discharging":
                raise SensorError("battery: %s is %s: its power is not the board's" % (folder.name, status.lower()))
        # Drivers differ in the sign that discharging has.
        return sum(abs(rail.watts()) for rail in self.rails)


def _battery_rail(folder: Path) -> Rail:
    if (folder / "power_now").exists():
        return Rail(folder.name, (folder / "power_now",), 1e-6)
    files = (folder / "voltage_now", folder / "current_now")
    if all(path.exists() for path in files):
        return Rail(folder.name, files, 1e-12)
    raise SensorError("battery: %s tells neither power_now nor voltage_now and current_now" % folder.name)


class CommandMeter:
    """A user's command that prints watts: the last number of its first line counts."""

    name = METER
    chip = "meter"
    devices = 1

    def __init__(self, meter: Optional[MeterSpec]) -> None:
        if meter is None or not meter.command:
            raise SensorError("meter: the profile has no meter to run on the board")
        self._command = list(meter.command)
        self.interval_s: Optional[float] = meter.interval_s
        self.rails: List[Rail] = []

    def watts(self) -> float:
        """What the command prints now; raises SensorError."""
        patience = max(5.0, 2.0 * (self.interval_s or 0.0))
        try:
            done = subprocess.run(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SensorError("meter: %s printed nothing for %g s" % (self._command[0], patience)) from None
        except OSError as error:
            raise SensorError("meter: %s: %s" % (self._command[0], (error.strerror or str(error)).lower())) from error
        said = done.stdout.decode("utf-8", "replace").strip()
        if done.returncode:
            raise SensorError("meter: %s ended with status %d" % (self._command[0], done.returncode))
        words = said.splitlines()[0].split() if said else []
        return _finite(words[-1] if words else "", "meter: %s" % self._command[0])


class EnergyCounter:
    """RAPL's packages, in microjoules that wrap around; read at the ends of a window only."""

    name = RAPL
    chip = RAPL

    def __init__(self, domains: List[Path]) -> None:
        self._domains = domains
        self.devices = len(domains)

    def read(self) -> List[int]:
        """One count a package; raises SensorError."""
        return [int(_number(domain / "energy_uj")) for domain in self._domains]

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


Gauge = Union[PowerSensor, Pmic, BatteryGauge, CommandMeter]
"""Whatever tells the watts of now."""
Sensor = Union[Gauge, EnergyCounter]


def open_sensor(root: Root, name: str, meter: Optional[MeterSpec] = None) -> Sensor:
    """The source of a profile's name, read once; raises SensorError."""
    if name == RAPL:
        counter = find_counter(root)
        counter.read()
        return counter
    gauge = _find_gauge(root, name, meter)
    gauge.watts()
    return gauge


def _find_gauge(root: Root, name: str, meter: Optional[MeterSpec]) -> Gauge:
    if name == PMIC:
        return Pmic(root)
    if name == BATTERY:
        return BatteryGauge(root)
    if name == METER:
        return CommandMeter(meter)
    return find_power(root, name)


def find_power(root: Root, name: str) -> PowerSensor:
    """The sensor a profile calls "hwmon:NAME" or "iio:NAME"; raises SensorError."""
    kind = _IIO if name.startswith(_IIO) else _HWMON
    wanted, _, labels = name[len(kind) :].partition("/")
    pattern = "sys/bus/iio/devices/iio:device*" if kind == _IIO else "sys/class/hwmon/hwmon*"
    rails_of = _iio_rails if kind == _IIO else _hwmon_rails
    devices = [device for device in root.glob(pattern) if read_text(device / "name") == wanted]
    by_device = [rails for rails in map(rails_of, devices) if rails]
    if not by_device:
        raise SensorError("%s: no %s device of that name gives power" % (name, kind[:-1]))
    # Of several devices an input of one is not the sum of another's rails.
    rails = _total_only(by_device[0]) if len(by_device) == 1 else [rail for rails in by_device for rail in rails]
    if labels:
        asked = labels.split("+")
        every = [rail for rails in by_device for rail in rails]
        rails = [rail for rail in every if rail.label in asked]
        missing = [label for label in asked if label not in [rail.label for rail in rails]]
        if missing:
            known = ", ".join(rail.label for rail in every if rail.label) or "none has a label"
            raise SensorError("%s: no rail %s; rails are %s" % (name, missing[0], known))
    return PowerSensor(name, rails, chip=wanted, devices=len(by_device))


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
    """SensorFound records of all sensors there are, best first, readable or not."""
    hwmon = [device for device in root.glob("sys/class/hwmon/hwmon*") if _hwmon_rails(device)]
    iio = [device for device in root.glob("sys/bus/iio/devices/iio:device*") if _iio_rails(device)]
    names = [_HWMON + (read_text(device / "name") or "") for device in hwmon]
    names += [_IIO + (read_text(device / "name") or "") for device in iio]
    if root.has_program("vcgencmd") and _has_pmic(root):
        names.append(PMIC)
    if any(read_text(folder / "type") == "Battery" for folder in root.glob("sys/class/power_supply/*")):
        names.append(BATTERY)
    if root.glob("sys/class/powercap/intel-rapl:*"):
        names.append(RAPL)
    return [_try(root, name) for name in dict.fromkeys(names)]


def _has_pmic(root: Root) -> bool:
    """Whether the board is one of those whose power chip measures: earlier ones answer with an error."""
    return "Raspberry Pi 5" in (root.read("proc/device-tree/model") or "")


def _try(root: Root, name: str) -> Dict[str, Any]:
    reason: Optional[str] = None
    try:
        open_sensor(root, name)
    except SensorError as error:
        reason = str(error)
    return {"name": name, "readable": reason is None, "reason": reason}


def _hwmon_rails(device: Path) -> List[Rail]:
    direct = [_direct_rail(path) for path in sorted(device.glob("power*_input"))]
    return direct or [
        Rail(_label(volts), (volts, amperes), 1e-6, volts, _shunt(device, number))
        for number, volts, amperes in _volts_and_amperes(device)
    ]


def _direct_rail(path: Path) -> Rail:
    number = path.name[len("power") : -len("_input")]
    volts = path.with_name("in%s_input" % number)
    return Rail(_label(path), (path,), 1e-6, volts if volts.exists() else None, _shunt(path.parent, number))


def _volts_and_amperes(device: Path) -> List[Tuple[str, Path, Path]]:
    """Voltages with their currents: without channels that are switched off, and without an INA3221's sums."""
    found = []
    sums = _SUMS_OF_INA3221 if read_text(device / "name") == "ina3221" else None
    for volts in sorted(device.glob("in*_input")):
        number = volts.name[len("in") : -len("_input")]
        amperes = volts.with_name("curr%s_input" % number)
        is_sum = sums is not None and number.isdigit() and int(number) >= sums
        is_off = read_text(volts.with_name("in%s_enable" % number)) == "0"
        if amperes.exists() and not is_sum and not is_off:
            found.append((number, volts, amperes))
    return found


def _shunt(device: Path, number: str) -> Optional[Path]:
    """Where the driver tells the resistance over which it measures, in microohms."""
    for name in ("shunt%s_resistor" % number, "shunt_resistor"):
        if (device / name).exists():
            return device / name
    return None


def _iio_rails(device: Path) -> List[Rail]:
    """Milliwatts, as NVIDIA's older kernels give them, or a raw number and its scale."""
    direct = sorted(device.glob("in_power*_input"))
    if direct:
        names = [path.name[len("in_power") : -len("_input")] for path in direct]
        labels = [read_text(device / ("rail_name_%s" % name)) or "" for name in names]
        return [Rail(label, (path,), 1e-3) for label, path in zip(labels, direct)]
    found = []
    for raw in sorted(device.glob("in_power*_raw")):
        scale = raw.with_name(raw.name[: -len("raw")] + "scale")
        if scale.exists():
            found.append(Rail("", (raw, scale), 1e-3))
    return found


def _label(path: Path) -> str:
    return read_text(path.with_name(path.name.replace("_input", "_label"))) or ""


def _total_only(rails: List[Rail]) -> List[Rail]:
    return [rail for rail in rails if rail.label.upper().endswith("_IN")][:1] or rails


def _number(path: Path) -> float:
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SensorError("%s cannot be read: %s" % (path, why)) from error
    return _finite(text.strip(), str(path))


def _finite(text: str, where: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise SensorError("%s holds no number: %s" % (where, _shown(text) if text else "it is empty")) from None
    if not math.isfinite(found):
        raise SensorError("%s holds no number: %s" % (where, _shown(text)))
    return found


def _shown(text: str) -> str:
    """The beginning of a foreign text, in one line."""
    return repr(" ".join(text.split())[:_MOST_TEXT])
