"""What surrounds a measured span: temperature, frequency, throttling, other processes' interference."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from edge_agent.sysfs import Root, read_answer, read_int, read_text

_CPU_ZONES = ("cpu", "soc", "x86_pkg", "core")
_VCGENCMD_PATIENCE_S = 2.0
_SENSIBLE_C = (-60.0, 200.0)
"""Silicon works within; a sensor that is off or not connected reads -274, 0x7fffffff and the like."""


def temperature_c(root: Root) -> Optional[float]:
    """The hottest CPU zone in degrees Celsius, or the hottest of all zones where none is the CPU's."""
    zones = [(read_text(zone / "type") or "", read_int(zone / "temp")) for zone in _zones(root)]
    known = [(name.lower(), value / 1000) for name, value in zones if value is not None]
    known = [(name, value) for name, value in known if _SENSIBLE_C[0] <= value <= _SENSIBLE_C[1]]
    ours = [value for name, value in known if any(word in name for word in _CPU_ZONES)]
    return max(ours or [value for _, value in known], default=None)


def _zones(root: Root) -> List[Path]:
    return root.glob("sys/class/thermal/thermal_zone*")


def frequency_khz(root: Root) -> Optional[int]:
    """The highest current frequency among the CPUs this process may use."""
    found = [
        read_int(root.at("sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq" % cpu))
        for cpu in os.sched_getaffinity(0)
    ]
    return max((value for value in found if value is not None), default=None)


def throttled_bits(root: Root) -> Optional[int]:
    """A Raspberry Pi's get_throttled bits, from sysfs or vcgencmd; None on other boards."""
    for path in root.glob("sys/devices/platform/soc*/soc*firmware/get_throttled"):
        text = read_text(path)
        if text:
            return _hexadecimal(text)
    if not root.has_program("vcgencmd"):
        return None
    said = read_answer(["vcgencmd", "get_throttled"], _VCGENCMD_PATIENCE_S)
    return None if said is None else _hexadecimal(said.strip().rpartition("=")[2])


def _hexadecimal(text: str) -> Optional[int]:
    try:
        return int(text, 16)
    except ValueError:
        return None


class _Snapshot(NamedTuple):
    temp_c: Optional[float]
    freq_khz: Optional[int]
    switches: int
    waited_ns: Optional[int]
    cpu_s: float
    wall_ns: int
    busy: Optional[Tuple[int, int]]


class Span:
    """From ``Span(root)`` to ``end()``."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._before = _snapshot(root)

    def end(self) -> Dict[str, Any]:
        """The TrialTelemetry record."""
        before, after = self._before, _snapshot(self._root)
        waited = None
        if before.waited_ns is not None and after.waited_ns is not None:
            waited = max(after.waited_ns - before.waited_ns, 0) / 1e9
        return {
            "temp_before_c": before.temp_c,
            "temp_after_c": after.temp_c,
            "freq_before_khz": before.freq_khz,
            "freq_after_khz": after.freq_khz,
            "throttled": throttled_bits(self._root),
            "involuntary_switches": after.switches - before.switches,
            "runqueue_wait_s": waited,
            "cpu_s": after.cpu_s - before.cpu_s,
            "wall_s": (after.wall_ns - before.wall_ns) / 1e9,
            "utilisation": _utilisation(before.busy, after.busy),
        }


def _snapshot(root: Root) -> _Snapshot:
    return _Snapshot(
        temp_c=temperature_c(root),
        freq_khz=frequency_khz(root),
        # Of all threads; /proc/self/status has the main thread's alone.
        switches=resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
        waited_ns=_runqueue_wait_ns(),
        cpu_s=time.process_time(),
        wall_ns=time.perf_counter_ns(),
        busy=_busy_and_total(root),
    )


def _runqueue_wait_ns() -> Optional[int]:
    """Nanoseconds all threads of this process waited for a CPU, from their schedstat."""
    texts = [read_text(path) for path in Path("/proc/self/task").glob("*/schedstat")]
    waits = [int(text.split()[1]) for text in texts if text and len(text.split()) > 1]
    return sum(waits) if waits else None


def _busy_and_total(root: Root) -> Optional[Tuple[int, int]]:
    """Clock ticks of all CPUs together since boot: busy, all."""
    first = (root.read("proc/stat") or "").split("\n")[0].split()
    if len(first) < 5 or first[0] != "cpu" or not all(word.isdigit() for word in first[1:]):
        return None
    # user nice system idle iowait irq softirq steal; guest time is within user time.
    ticks = [int(word) for word in first[1:9]]
    idle = ticks[3] + (ticks[4] if len(ticks) > 4 else 0)
    return sum(ticks) - idle, sum(ticks)


def _utilisation(before: Optional[Tuple[int, int]], after: Optional[Tuple[int, int]]) -> Optional[float]:
    if before is None or after is None or after[1] <= before[1]:
        return None
    return min(max((after[0] - before[0]) / (after[1] - before[1]), 0.0), 1.0)
