"""Processors' time: what a process took and was kept from, and what others took from a board meanwhile."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from edge_agent.sysfs import Root, read_attribute, read_text

Ticks = Tuple[int, int, int]
"""Clock ticks of all CPUs together since boot: busy with work of this machine, stolen from it, all."""
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def read_ticks(root: Root) -> Optional[Ticks]:
    """What the kernel has counted so far; None where it does not tell."""
    first = (root.read("proc/stat") or "").split("\n", 1)[0].split()
    if len(first) < 5 or first[0] != "cpu" or not all(word.isdigit() for word in first[1:]):
        return None
    # user nice system idle iowait irq softirq steal; guest time is within user time.
    ticks = [int(word) for word in first[1:9]]
    idle = ticks[3] + (ticks[4] if len(ticks) > 4 else 0)
    stolen = ticks[7] if len(ticks) > 7 else 0
    return sum(ticks) - idle - stolen, stolen, sum(ticks)


def utilisation(before: Optional[Ticks], after: Optional[Ticks]) -> Optional[float]:
    """Of all CPUs, 0 to 1; None where the counts stand still."""
    if before is None or after is None or after[2] <= before[2]:
        return None
    idle = (after[2] - after[1] - after[0]) - (before[2] - before[1] - before[0])
    return min(max(1.0 - idle / (after[2] - before[2]), 0.0), 1.0)


def taken_by_others(
    before: Optional[Ticks],
    after: Optional[Ticks],
    wall_s: float,
    cpu_s: Optional[float],
) -> Dict[str, Optional[float]]:
    """Cores' worth of time that a hypervisor and that other processes took; not known where the counts stand still."""
    if before is None or after is None or after[2] <= before[2] or wall_s <= 0.0:
        return {"steal": None, "others": None}
    busy_s, stolen_s = ((later - earlier) * _TICK_S for earlier, later in zip(before[:2], after[:2]))
    others = None if cpu_s is None else max((busy_s - cpu_s) / wall_s, 0.0)
    return {"steal": max(stolen_s / wall_s, 0.0), "others": others}


class ProcessSpan:
    """What this process took, and was kept from, between begin and ``end()``."""

    def __init__(self) -> None:
        self._switches = _switches()
        self._waited_ns = _runqueue_wait_ns()
        self._cpu_s = time.process_time()
        self._wall_ns = time.perf_counter_ns()

    def end(self) -> Dict[str, Any]:
        """The part of the TrialTelemetry record that is about the process."""
        wall_s, cpu_s = (time.perf_counter_ns() - self._wall_ns) / 1e9, time.process_time() - self._cpu_s
        waited_ns = rise(self._waited_ns, _runqueue_wait_ns())
        return {
            "involuntary_switches": _switches() - self._switches,
            "runqueue_wait_s": None if waited_ns is None else waited_ns / 1e9,
            "cpu_s": cpu_s,
            "wall_s": wall_s,
        }


def working_ns() -> int:
    """A clock that stands still while this thread waits for a processor: what is read costs no more on a busy board."""
    words = (read_attribute("/proc/thread-self/schedstat") or "").split()
    return time.perf_counter_ns() - (int(words[1]) if len(words) > 1 else 0)


def _switches() -> int:
    """Of all threads; /proc/self/status has the main thread's alone."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _runqueue_wait_ns() -> Optional[int]:
    """Nanoseconds all threads of this process waited for a CPU, from their schedstat."""
    texts = [read_text(path) for path in Path("/proc/self/task").glob("*/schedstat")]
    waits = [int(text.split()[1]) for text in texts if text and len(text.split()) > 1]
    return sum(waits) if waits else None


def rise(before: Optional[int], after: Optional[int]) -> Optional[int]:
    """By how much a count rose; None where one end is not known."""
    return None if before is None or after is None else max(after - before, 0)
