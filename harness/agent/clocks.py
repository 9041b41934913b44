"""Clocks that the kernel moves: of a group of cores (cpufreq), of a memory controller, a GPU, an NPU (devfreq)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Set

from edge_agent.sysfs import Root, read_int, read_text
from edge_agent.wire import AgentError

_POLICIES = "sys/devices/system/cpu/cpufreq/policy*"
_DEVICES = "sys/class/devfreq/*"
_NUMBER = re.compile(r"\d+")
_MOST_CPU = 4096
WORDS = ("big", "little")
"""Cores by what they can do: those of the greatest capacity that the kernel states, and of the least."""


class Clock(NamedTuple):
    """One of them: the keys of its settings, and what it offers; frequencies in the unit that its files have."""

    name: str
    governor: str
    low: str
    high: str
    governors: List[str]
    steps: List[int]
    """Ascending; empty where the kernel lists none."""
    least: Optional[int]
    most: Optional[int]
    unit_hz: int
    cpus: Optional[Set[int]]
    """None where it is not that of cores."""

    def nearest(self, hz: float) -> int:
        """The step within a hundredth of a frequency; raises AgentError "unfit" where there is none."""
        wanted = hz / self.unit_hz
        if self.steps:
            step = min(self.steps, key=lambda one: abs(one - wanted))
            if abs(step - wanted) <= wanted / 100:
                return step
        elif (self.least or 0) <= wanted <= (self.most or wanted):
            return round(wanted)
        raise AgentError(
            "unfit", "%s has no frequency %s, only %s" % (self.name, show_hz(hz), ", ".join(self._shown()))
        )

    def _shown(self) -> List[str]:
        known = self.steps or [one for one in (self.least, self.most) if one is not None]
        return [show_hz(one * self.unit_hz) for one in known]

    def show(self, text: Optional[str]) -> Optional[str]:
        """A frequency as its file has it, for eyes; the text itself where it is none."""
        return show_hz(int(text) * self.unit_hz) if text is not None and text.isdigit() else text


def show_hz(hz: float) -> str:
    """Such as 1.5 GHz."""
    return "%.4g GHz" % (hz / 1e9) if hz >= 1e9 else "%.4g MHz" % (hz / 1e6)


def policies(root: Root) -> List[Clock]:
    """Those of the cores, by number."""
    return sorted((_policy(root, path) for path in root.glob(_POLICIES)), key=lambda one: _numbers(one.name))


def devices(root: Root) -> List[Clock]:
    """Those of devices, by name."""
    return [_device(root, path) for path in root.glob(_DEVICES)]


def _policy(root: Root, path: Path) -> Clock:
    place = str(path.relative_to(root.path))
    steps = "%s %s" % (
        read_text(path / "scaling_available_frequencies") or "",
        read_text(path / "scaling_boost_frequencies") or "",
    )
    return Clock(
        name=path.name,
        governor=place + "/scaling_governor",
        low=place + "/scaling_min_freq",
        high=place + "/scaling_max_freq",
        governors=(read_text(path / "scaling_available_governors") or "").split(),
        steps=sorted(set(_numbers(steps))),
        least=read_int(path / "cpuinfo_min_freq"),
        most=read_int(path / "cpuinfo_max_freq"),
        unit_hz=1000,
        cpus=set(_numbers(read_text(path / "related_cpus") or path.name)),
    )


def _device(root: Root, path: Path) -> Clock:
    place = str(path.relative_to(root.path))
    steps = sorted(set(_numbers(read_text(path / "available_frequencies") or "")))
    return Clock(
        name=path.name,
        governor=place + "/governor",
        low=place + "/min_freq",
        high=place + "/max_freq",
        governors=(read_text(path / "available_governors") or "").split(),
        steps=steps,
        least=steps[0] if steps else read_int(path / "min_freq"),
        most=steps[-1] if steps else read_int(path / "max_freq"),
        unit_hz=1,
        cpus=None,
    )


def _numbers(text: str) -> List[int]:
    return [int(digits) for digits in _NUMBER.findall(text)]


def describe_clock(root: Root, clock: Clock) -> Dict[str, Any]:
    """The ClockSetting record: by what a clock is governed, and between which frequencies."""
    low, high = read_int(root.at(clock.low)), read_int(root.at(clock.high))
    return {
        "name": clock.name,
        "cpus": None if clock.cpus is None else show_cpus(clock.cpus),
        "governor": root.read(clock.governor),
        "min_hz": None if low is None else low * clock.unit_hz,
        "max_hz": None if high is None else high * clock.unit_hz,
    }


def capacities(root: Root) -> Dict[int, int]:
    """What each core can do, 1024 the most, where the kernel states it: it does for Arm's."""
    found = {}
    for path in root.glob("sys/devices/system/cpu/cpu[0-9]*"):
        capacity = read_int(path / "cpu_capacity")
        if capacity is not None:
            found[int(path.name[len("cpu") :])] = capacity
    return found


def cores(root: Root, word: str) -> Set[int]:
    """The cores that are big, or little; raises AgentError "unfit" where the kernel does not say."""
    found = capacities(root)
    if not found:
        raise AgentError(
            "unfit", "the kernel does not say which cores of this board are %s: name them, such as 4-7" % word
        )
    wanted = max(found.values()) if word == WORDS[0] else min(found.values())
    return {cpu for cpu, capacity in found.items() if capacity == wanted}


def parse_cpus(root: Root, text: str) -> Set[int]:
    """The cores of a list like "0-3,5", or of a word; raises AgentError "bad_request" for anything else."""
    if text in WORDS:
        return cores(root, text)
    found: Set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            found.update(range(int(first), min(int(last or first), _MOST_CPU) + 1))
    except ValueError as error:
        raise AgentError("bad_request", "%r is no list of CPUs like 0-3,5" % text) from error
    if not found:
        raise AgentError("bad_request", "%r names no CPU" % text)
    return found


def show_cpus(cpus: Set[int]) -> str:
    """Such as 0-3,5."""
    shown: List[str] = []
    for cpu in sorted(cpus):
        if cpu - 1 in cpus:
            shown[-1] = "%s-%d" % (shown[-1].partition("-")[0], cpu)
        else:
            shown.append(str(cpu))
    return ",".join(shown)
