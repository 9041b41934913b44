"""What surrounds a measured span: temperature, clocks, what moves them, and what others take from the board.

Where a board tells of it is found once, in a block's process; its trials, which are forked, have it from there.
"""

from __future__ import annotations

import functools
import os
import re
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Pattern, Set, Tuple

from edge_agent import clock_state, power_mode
from edge_agent.processor_time import ProcessSpan, Ticks, read_ticks, rise, taken_by_others, utilisation, working_ns
from edge_agent.sysfs import Root, attribute_int, read_answer, read_attribute, read_text

_CPU_ZONES = ("cpu", "soc", "x86_pkg", "core")
_VCGENCMD_PATIENCE_S = 2.0
_SENSIBLE_C = (-60.0, 200.0)
"""Silicon works within; a sensor that is off or not connected reads -274, 0x7fffffff and the like."""
LOOK_NS = 50_000_000
"""Between two looks at the clock while inferences run, where the kernel does not count its times: 0.1 % of them."""
_SINCE_BOOT, _NOW = 16, 0xF
"""Of a Raspberry Pi's bits: those of now, and so many places higher the same since boot."""
_SWAPPED = re.compile(r"^pswp(?:in|out) (\d+)$", re.MULTILINE)
_WAITED = re.compile(r"^some .*\btotal=(\d+)", re.MULTILINE)


class DeviceFiles(NamedTuple):
    """A memory controller's, GPU's or NPU's folder, and what is read of it around a span."""

    folder: Path
    clock: str
    times: str


class Sources:
    """Where a board tells of its state; paths as texts, as dozens of them are read around every trial."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.zones = [str(zone / "temp") for zone in _cpu_zones(root)]
        policies = root.glob(clock_state.POLICIES)
        self.governors = [str(policy / "scaling_governor") for policy in policies]
        self.caps = [str(policy / "scaling_max_freq") for policy in policies]
        counting = [policy for policy in policies if (policy / "stats" / "time_in_state").exists()]
        self.times = {policy.name: str(policy / "stats" / "time_in_state") for policy in counting}
        self.cpus = {policy.name: _cpus_of(policy) for policy in counting}
        cooling = clock_state.cooling_paths(root)
        self.cooling = [(read_text(path / "type") or "", str(path / "cur_state")) for path in cooling]
        moves = [path / "stats" / "total_trans" for path in cooling]
        self.moves = [str(path) for path in moves if path.exists()]
        self.devices = [
            DeviceFiles(path, str(clock_state.clock_file(path)), str(path / "trans_stat"))
            for path in clock_state.device_paths(root)
        ]
        self.alarms = [
            str(device / "in0_lcrit_alarm")
            for device in root.glob("sys/class/hwmon/hwmon*")
            if read_text(device / "name") == "rpi_volt"
        ]
        self.throttled = [str(path) for path in root.glob("sys/devices/platform/soc*/soc*firmware/get_throttled")]
        self.throttled_program = not self.throttled and root.has_program("vcgencmd")
        self.mode_program = power_mode.needs_program(root)
        self.asked: Optional[Asked] = None
        """What programs answered when the block began; they take milliseconds, and are asked at a block's ends only."""
        self.ask_at_end = True
        """Whether a span's end asks them: of a block the last one."""

    def ask(self) -> Asked:
        """What only programs tell."""
        return Asked(
            throttled_bits(self.root) if self.throttled_program else None,
            power_mode.mode_name(self.root) if self.mode_program else None,
        )


class Asked(NamedTuple):
    """Answers of programs; None where a file tells, or nothing."""

    throttled: Optional[int]
    power_mode: Optional[str]


@functools.lru_cache(maxsize=4)
def _sources(path: str) -> Sources:
    return Sources(Root(path))


def sources_of(root: Root) -> Sources:
    """The board's sources, the same ones at every call of a process."""
    return _sources(str(root.path))


def find_again() -> None:
    """Have what is found from now on looked for anew: a board may have got other devices since."""
    _sources.cache_clear()


def _cpu_zones(root: Root) -> List[Path]:
    """The CPUs' zones, or all where none is theirs."""
    named = [(zone, (read_text(zone / "type") or "").lower()) for zone in root.glob("sys/class/thermal/thermal_zone*")]
    sensible = [(zone, name) for zone, name in named if _celsius(str(zone / "temp")) is not None]
    ours = [zone for zone, name in sensible if any(word in name for word in _CPU_ZONES)]
    return ours or [zone for zone, _ in sensible]


def _celsius(file: str) -> Optional[float]:
    value = attribute_int(file)
    found = None if value is None else value / 1000
    return found if found is not None and _SENSIBLE_C[0] <= found <= _SENSIBLE_C[1] else None


def _cpus_of(policy: Path) -> Set[int]:
    text = read_text(policy / "related_cpus") or read_text(policy / "affected_cpus") or ""
    return {int(word) for word in text.split() if word.isdigit()}


def temperature_c(root: Root) -> Optional[float]:
    """The hottest CPU zone in degrees Celsius, or the hottest of all zones where none is the CPU's."""
    return _hottest([str(zone / "temp") for zone in _cpu_zones(root)])


def _hottest(files: List[str]) -> Optional[float]:
    return max((value for value in map(_celsius, files) if value is not None), default=None)


def caps_khz(root: Root) -> List[int]:
    """What the clock of every policy may rise to."""
    return [value for value in map(attribute_int, sources_of(root).caps) if value is not None]


def frequency_khz(root: Root, cpus: Optional[Set[int]] = None) -> Optional[int]:
    """The highest current frequency among the CPUs, None: those this process may use."""
    found = [
        attribute_int("%s/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq" % (root.path, cpu))
        for cpu in (os.sched_getaffinity(0) if cpus is None else cpus)
    ]
    return max((value for value in found if value is not None), default=None)


def throttled_bits(root: Root) -> Optional[int]:
    """A Raspberry Pi's get_throttled bits, from sysfs or vcgencmd; None on other boards."""
    sources = sources_of(root)
    for path in sources.throttled:
        text = read_attribute(path)
        if text:
            return _hexadecimal(text)
    if not sources.throttled_program:
        return None
    said = read_answer(["vcgencmd", "get_throttled"], _VCGENCMD_PATIENCE_S)
    return None if said is None else _hexadecimal(said.strip().rpartition("=")[2])


def _hexadecimal(text: str) -> Optional[int]:
    try:
        return int(text, 16)
    except ValueError:
        return None


class _Reading(NamedTuple):
    """A board's state at one moment; tables as the kernel writes them, to be compared when the span is over."""

    wall_ns: int
    temp_c: Optional[float]
    freq_khz: Optional[int]
    throttled: Optional[int]
    alarm: Optional[bool]
    times: Dict[str, Optional[str]]
    cooling: Dict[str, int]
    cooling_moves: Optional[int]
    device_clocks: List[Tuple[Optional[int], Optional[str]]]
    """Of each device its clock in Hz, and the table of its times."""
    power_mode: Optional[str]
    """Where only a program tells it."""
    vmstat: str
    pressure: str
    ticks: Optional[Ticks]
    took_s: float


class BoardSpan:
    """The board's state from ``BoardSpan(root)`` to ``end(...)``; ``cpus`` are those that are measured on."""

    def __init__(self, root: Root, cpus: Optional[Set[int]] = None) -> None:
        self._root = root
        self._cpus = set(os.sched_getaffinity(0)) if cpus is None else cpus
        self._sources = sources_of(root)
        self._looks: List[int] = []
        self._bits = 0
        """The firmware's, as looks found them."""
        self._before = self._read(self._sources.asked or self._sources.ask())

    @property
    def look(self) -> Optional[Callable[[], None]]:
        """Reads what nothing counts, to be called every LOOK_NS between inferences; None where all is counted.

        That is the clock without a count of its times, and a Pi's bits where those that last are set already.
        """
        uncounted = self._before.freq_khz is not None and not self._before.times
        return self._look if uncounted or self._was_throttled() else None

    def _was_throttled(self) -> bool:
        return bool((self._before.throttled or 0) >> _SINCE_BOOT) and not self._sources.throttled_program

    def _look(self) -> None:
        if not self._before.times:
            now = frequency_khz(self._root, self._cpus)
            if now is not None:
                self._looks.append(now)
        if self._was_throttled():
            self._bits |= (throttled_bits(self._root) or 0) & _NOW

    def end(self, cpu_s: Optional[float]) -> Dict[str, Any]:
        """The part of the TrialTelemetry record that is about the board; ``cpu_s`` is what was measured itself took."""
        before, after = self._before, self._read(None)
        wall_s = (after.wall_ns - before.wall_ns) / 1e9
        return {
            "temp_before_c": before.temp_c,
            "temp_after_c": after.temp_c,
            "freq_before_khz": before.freq_khz,
            "freq_after_khz": after.freq_khz,
            "throttled": None if after.throttled is None else after.throttled | self._bits,
            "utilisation": utilisation(before.ticks, after.ticks),
            "conditions": self._conditions(before, after, taken_by_others(before.ticks, after.ticks, wall_s, cpu_s)),
        }

    def _conditions(self, before: _Reading, after: _Reading, others: Dict[str, Optional[float]]) -> Dict[str, Any]:
        began = working_ns()
        sources, root = self._sources, self._root
        wall_us = (after.wall_ns - before.wall_ns) / 1e3
        waited = rise(_total(_WAITED, before.pressure), _total(_WAITED, after.pressure))
        looks = [one for one in (before.freq_khz, *self._looks, after.freq_khz) if one is not None]
        found = {
            "governor": "+".join(sorted({text for text in map(read_attribute, sources.governors) if text})) or None,
            "caps_khz": caps_khz(root),
            "clocks": _clocks_between(before.times, after.times),
            "lowest_khz": min(looks) if looks and not before.times else None,
            "clock_reads": len(looks) if not before.times else 0,
            "throttled_before": before.throttled,
            "supply_alarm": _either(before.alarm, after.alarm),
            "cooling": _most_cooled(before.cooling, after.cooling),
            "cooling_moves": rise(before.cooling_moves, after.cooling_moves),
            "devices": _devices_between(sources.devices, before.device_clocks, after.device_clocks),
            "power_mode": after.power_mode if sources.mode_program else power_mode.written_name(root),
            "swapped_pages": rise(_total(_SWAPPED, before.vmstat), _total(_SWAPPED, after.vmstat)),
            "memory_pressure": None if waited is None else min(waited / max(wall_us, 1.0), 1.0),
            **others,
        }
        took_s = before.took_s + after.took_s + max(working_ns() - began, 0) / 1e9
        return {**found, "reading_s": took_s}

    def _read(self, asked: Optional[Asked]) -> _Reading:
        """What is needed of both ends; what only programs tell last, ``asked`` where they have been."""
        begun, began = time.perf_counter_ns(), working_ns()
        sources, root = self._sources, self._root
        cooling: Dict[str, int] = {}
        for kind, file in sources.cooling:
            cooling[kind] = max(attribute_int(file) or 0, cooling.get(kind, 0))
        moves = [value for value in map(attribute_int, sources.moves) if value is not None]
        found = _Reading(
            wall_ns=begun,
            temp_c=_hottest(sources.zones),
            freq_khz=frequency_khz(root, self._cpus),
            throttled=None if sources.throttled_program else throttled_bits(root),
            alarm=_any_alarm(sources.alarms),
            times=self._times(),
            cooling=cooling,
            cooling_moves=sum(moves) if moves else None,
            device_clocks=[(attribute_int(one.clock), read_attribute(one.times)) for one in sources.devices],
            power_mode=None,
            vmstat=root.read("proc/vmstat") or "",
            pressure=root.read("proc/pressure/memory") or "",
            ticks=read_ticks(root),
            took_s=0.0,
        )
        if asked is None and sources.ask_at_end:
            asked = sources.ask()
        if asked is not None and sources.throttled_program:
            found = found._replace(throttled=asked.throttled)
        if asked is not None:
            found = found._replace(power_mode=asked.power_mode)
        return found._replace(took_s=max(working_ns() - began, 0) / 1e9)

    def _times(self) -> Dict[str, Optional[str]]:
        """Of the policies that are measured on; of all where it is not known whose cores are whose."""
        sources = self._sources
        return {
            name: read_attribute(file)
            for name, file in sources.times.items()
            if not sources.cpus[name] or sources.cpus[name] & self._cpus
        }


class Span:
    """Board and process from ``Span(root)`` to ``end()``; of a trial that was asked not to read them, nothing."""

    def __init__(self, root: Root, *, read_state: bool = True) -> None:
        self._board = BoardSpan(root) if read_state else None
        self._process = ProcessSpan()

    @property
    def look(self) -> Optional[Callable[[], None]]:
        """As `BoardSpan.look`."""
        return None if self._board is None else self._board.look

    def end(self) -> Optional[Dict[str, Any]]:
        """The TrialTelemetry record."""
        process = self._process.end()
        return None if self._board is None else {**self._board.end(process["cpu_s"]), **process}


def watch(root: Root, seconds: float) -> Dict[str, Any]:
    """The TrialTelemetry record of a span in which this process does nothing: how quiet the board is."""
    span = Span(root)
    time.sleep(seconds)
    return span.end() or {}


def _total(pattern: Pattern[str], text: str) -> Optional[int]:
    numbers = pattern.findall(text)
    return sum(map(int, numbers)) if numbers else None


def _either(before: Optional[bool], after: Optional[bool]) -> Optional[bool]:
    known = [one for one in (before, after) if one is not None]
    return any(known) if known else None


def _any_alarm(files: List[str]) -> Optional[bool]:
    told = [value for value in map(attribute_int, files) if value is not None]
    return any(told) if told else None


def _most_cooled(before: Dict[str, int], after: Dict[str, int]) -> List[Dict[str, Any]]:
    most = {kind: max(state, after.get(kind, 0)) for kind, state in before.items()}
    return [{"kind": kind, "state": state} for kind, state in sorted(most.items()) if state > 0]


def _clocks_between(before: Dict[str, Optional[str]], after: Dict[str, Optional[str]]) -> List[Dict[str, Any]]:
    """Each policy's clocks with the milliseconds at each, the most first."""
    found = []
    for name, table in after.items():
        spent = _spent(clock_state.times_of_policy(before.get(name)), clock_state.times_of_policy(table))
        if spent:
            found.append({"name": name, "khz": [clock for clock, _ in spent], "ms": [ms for _, ms in spent]})
    return found


def _spent(before: Dict[int, int], after: Dict[int, int]) -> List[Tuple[int, int]]:
    rises = [(clock, total - before.get(clock, 0)) for clock, total in after.items()]
    return sorted((pair for pair in rises if pair[1] > 0), key=lambda pair: -pair[1])


def _devices_between(
    files: List[DeviceFiles],
    before: List[Tuple[Optional[int], Optional[str]]],
    after: List[Tuple[Optional[int], Optional[str]]],
) -> List[Dict[str, Any]]:
    found = []
    for one, (hz_before, table_before), (hz, table) in zip(files, before, after):
        device = clock_state.read_device(one.folder)
        if device is None or hz_before is None or hz is None:
            continue
        spent = _spent(clock_state.times_of_device(table_before), clock_state.times_of_device(table))
        found.append(
            {
                "name": device.name,
                "hz_before": hz_before,
                "hz": hz,
                "bounds": device.bounds,
                "held": device.held,
                "lowest_hz": min((clock for clock, _ in spent), default=None),
                "low_ms": sum(ms for _, ms in spent[1:]),
            }
        )
    return found
