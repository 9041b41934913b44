"""What the operating system takes before any model runs: memory, wake-ups, services, watts at rest."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from edge_agent import power
from edge_agent.sysfs import Root, field, kilobytes, read_int, read_text

WINDOWS = 3
WINDOW_S = 4.0
_INTERVAL_S = 0.1
_KERNEL = ("Slab", "KernelStack", "PageTables", "Percpu")
_UNIT = re.compile(r"/([^/\n]+\.service)")
_MOST_SERVICES = 200


class _Counters(NamedTuple):
    interrupts: int
    switches: int
    idle_exits: Optional[int]
    busy: Tuple[int, int]


def read_footprint(root: Root, names: List[str]) -> Dict[str, Any]:
    """The Footprint record, over a few windows at rest; power by the first of these sensors that can be read."""
    sensor = _open(root, names)
    before = _services(root)
    windows = [_window(root, sensor) for _ in range(WINDOWS)]
    memory = root.read("proc/meminfo")
    return {
        "window_s": WINDOW_S,
        "memory_bytes": kilobytes(memory, "MemTotal"),
        "kernel_memory_bytes": sum(kilobytes(memory, key) or 0 for key in _KERNEL),
        "sensor": None if sensor is None else sensor.name,
        "processes": sum(service.processes for service in before.values()),
        "services": _describe(before, _services(root)),
        **{key: [window[key] for window in windows if window[key] is not None] for key in windows[0]},
    }


def _open(root: Root, names: List[str]) -> Optional[power.Sensor]:
    for name in names:
        try:
            return power.open_sensor(root, name)
        except power.SensorError:
            continue
    return None


def _window(root: Root, sensor: Optional[power.Sensor]) -> Dict[str, Optional[float]]:
    """What happened in one window, by field of the record."""
    before, begun = _counters(root), time.monotonic()
    watts = _rest(sensor)
    after, seconds = _counters(root), time.monotonic() - begun
    memory = root.read("proc/meminfo")
    total, free = kilobytes(memory, "MemTotal"), kilobytes(memory, "MemAvailable")
    exits = None
    if before.idle_exits is not None and after.idle_exits is not None:
        exits = (after.idle_exits - before.idle_exits) / seconds
    passed = after.busy[1] - before.busy[1]
    return {
        "memory_used_bytes": None if total is None or free is None else total - free,
        "interrupts_per_s": (after.interrupts - before.interrupts) / seconds,
        "switches_per_s": (after.switches - before.switches) / seconds,
        "wakeups_per_s": exits,
        "busy": (after.busy[0] - before.busy[0]) / passed if passed > 0 else None,
        "idle_w": watts,
    }


def _rest(sensor: Optional[power.Sensor]) -> Optional[float]:
    """Let a window pass; the mean power meanwhile, None where there is no sensor or it failed."""
    if sensor is None:
        time.sleep(WINDOW_S)
        return None
    begun = time.monotonic()
    try:
        if isinstance(sensor, power.EnergyCounter):
            start = sensor.read()
            time.sleep(WINDOW_S)
            return sensor.joules(start, sensor.read()) / (time.monotonic() - begun)
        readings = []
        while time.monotonic() - begun < WINDOW_S:
            readings.append(sensor.watts())
            time.sleep(_INTERVAL_S)
        return sum(readings) / len(readings)
    except power.SensorError:
        time.sleep(max(0.0, WINDOW_S - (time.monotonic() - begun)))
        return None


def _counters(root: Root) -> _Counters:
    """The kernel's counts since boot."""
    lines = (root.read("proc/stat") or "").splitlines()
    first = {words[0]: words[1:] for words in map(str.split, lines) if len(words) > 1}
    ticks = [int(word) for word in first.get("cpu", [])[:8] if word.isdigit()]
    exits = [read_int(path) for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/cpuidle/state*/usage")]
    return _Counters(
        interrupts=_first_number(first.get("intr")),
        switches=_first_number(first.get("ctxt")),
        idle_exits=sum(number for number in exits if number is not None) if exits else None,
        busy=(sum(ticks) - sum(ticks[3:5]), sum(ticks)),
    )


def _first_number(words: Optional[List[str]]) -> int:
    return int(words[0]) if words and words[0].isdigit() else 0


class _Service(NamedTuple):
    processes: int
    memory_bytes: int
    switches: int
    at_s: float


def _services(root: Root) -> Dict[str, _Service]:
    """What runs by systemd service; "" for all that is in none. This process and its own are left out."""
    found: Dict[str, _Service] = {}
    for folder in root.glob("proc/[0-9]*"):
        status = read_text(folder / "status")
        resident = kilobytes(status, "VmRSS")
        if resident is None or int(folder.name) == os.getpid():
            continue  # a thread of the kernel has no memory of its own
        unit = _UNIT.search(read_text(folder / "cgroup") or "")
        name = unit.group(1) if unit is not None else ""
        memory = kilobytes(read_text(folder / "smaps_rollup"), "Pss")
        before = found.get(name, _Service(0, 0, 0, 0.0))
        found[name] = _Service(
            before.processes + 1,
            before.memory_bytes + (resident if memory is None else memory),
            before.switches + _switches(folder),
            time.monotonic(),
        )
    return found


def _switches(folder: Path) -> int:
    """How often the threads of a process went to sleep so far: as often they were woken."""
    texts = [field(read_text(path), "voluntary_ctxt_switches") for path in folder.glob("task/*/status")]
    return sum(int(text) for text in texts if text and text.isdigit())


def _describe(before: Dict[str, _Service], after: Dict[str, _Service]) -> List[Dict[str, Any]]:
    """The ServiceFootprint records, the largest first."""
    largest = sorted((name for name in after if name in before and name), key=lambda name: -after[name].memory_bytes)
    return [
        {
            "name": name,
            "processes": after[name].processes,
            "memory_bytes": after[name].memory_bytes,
            "wakeups_per_s": max(after[name].switches - before[name].switches, 0)
            / max(after[name].at_s - before[name].at_s, 1e-3),
        }
        for name in largest[:_MOST_SERVICES]
    ]
