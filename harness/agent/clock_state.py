"""What a board's clocks are at and what holds them down: CPU policies, other devices, cooling, power mode, firmware."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from edge_agent import power_mode
from edge_agent.sysfs import Root, read_answer, read_int, read_text

POLICIES = "sys/devices/system/cpu/cpufreq/policy*"
DEVICES = "sys/class/devfreq/*"
COOLING = "sys/class/thermal/cooling_device*"
MEMORY_CLOCK = "sys/kernel/debug/bpmp/debug/clk/emc"
"""A Jetson's memory controller; its firmware moves it, and only root may read it."""
_TURBO = (
    ("sys/devices/system/cpu/cpufreq/boost", "1"),
    ("sys/devices/system/cpu/intel_pstate/no_turbo", "0"),
)
"""The two files that the kernel has for it, and what each holds while clocks may boost."""
_COOLS_BY_CLOCK = ("cpufreq", "devfreq", "processor", "powerclamp", "throttle")
_HOLDING = ("performance", "powersave", "userspace")
"""Governors under which no load moves a clock."""
_CONFIGS = ("boot/firmware/config.txt", "boot/config.txt")
_CLOCK_KEYS = ("arm_freq", "over_voltage", "over_voltage_delta", "sdram_freq", "gpu_freq", "arm_boost", "force_turbo")
_FIRMWARE_KEYS = ("arm_freq", "over_voltage", "sdram_freq", "gpu_freq", "force_turbo")
"""Those that vcgencmd is asked for, one call each; a file is read once for all."""
_PATIENCE_S = 5.0
_MOST_NAMED = 64


def read_clocks(root: Root) -> Dict[str, Any]:
    """What the SystemState record has of clocks, their devices, cooling and power mode."""
    return {
        "policies": [_policy(policy) for policy in root.glob(POLICIES)],
        "turbo": _turbo(root),
        "power_mode": power_mode.read_mode(root),
        "power_modes": power_mode.modes(root),
        "devices": [found for found in map(_device, root.glob(DEVICES)) if found is not None],
        "cooling": [found for found in map(_cooling, root.glob(COOLING)) if found],
    }


def _policy(policy: Path) -> Dict[str, Any]:
    return {
        "name": policy.name,
        "governor": read_text(policy / "scaling_governor"),
        "offered": (read_text(policy / "scaling_available_governors") or "").split(),
        "max_khz": read_int(policy / "scaling_max_freq"),
        "hardware_max_khz": read_int(policy / "cpuinfo_max_freq"),
        "writable": os.access(str(policy / "scaling_governor"), os.W_OK),
    }


def _turbo(root: Root) -> Optional[Dict[str, Any]]:
    for relative, boosts in _TURBO:
        text = root.read(relative)
        if text is not None:
            return {"file": "/" + relative, "on": text == boosts, "off_value": "0" if boosts == "1" else "1"}
    return None


def _device(device: Path) -> Optional[Dict[str, Any]]:
    """A device whose clock the kernel moves: a memory controller, a GPU, an NPU."""
    now, most = read_int(device / "cur_freq"), read_int(device / "max_freq")
    if now is None:
        return None
    return {
        "name": device.name,
        "hz": now,
        "max_hz": most,
        "governor": read_text(device / "governor"),
        "offered": (read_text(device / "available_governors") or "").split(),
    }


class DeviceClock(NamedTuple):
    """A device's clock, what bounds it, and whether nothing but a fault moves it."""

    name: str
    hz: int
    bounds: Optional[str]
    held: bool


def device_paths(root: Root) -> List[Path]:
    """Where each device's clock is told."""
    paths = [path for path in root.glob(DEVICES) if read_int(path / "cur_freq") is not None]
    memory = root.at(MEMORY_CLOCK)
    return paths[:_MOST_NAMED] + ([memory] if read_int(memory / "rate") is not None else [])


def clock_file(path: Path) -> Path:
    """The file with the clock that a device is at."""
    return path / ("rate" if path.name == "emc" else "cur_freq")


def read_device(path: Path) -> Optional[DeviceClock]:
    """The device's clock now; None where it does not tell any more."""
    return _read_memory_clock(path) if path.name == "emc" else _read_devfreq(path)


def _read_devfreq(path: Path) -> Optional[DeviceClock]:
    hz, most, least = (read_int(path / name) for name in ("cur_freq", "max_freq", "min_freq"))
    if hz is None:
        return None
    governor = read_text(path / "governor")
    bounds = "%s to %.0f MHz, %s" % (path.name, most / 1e6, governor or "no governor") if most else None
    held = governor in _HOLDING or (most is not None and most == least)
    return DeviceClock(path.name, hz, bounds, held)


def _read_memory_clock(path: Path) -> Optional[DeviceClock]:
    hz, most, locked = (read_int(path / name) for name in ("rate", "max_rate", "mrq_rate_locked"))
    if hz is None:
        return None
    told = {None: "whether it is locked is not known", 0: "not locked", 1: "locked"}.get(locked, "locked")
    bounds = "emc to %.0f MHz, %s" % (most / 1e6, told) if most else None
    return DeviceClock("emc", hz, bounds, bool(locked))


def times_of_device(table: Optional[str]) -> Dict[int, int]:
    """Of a devfreq trans_stat: a row for each clock, "*" before the one of now, milliseconds in the last column."""
    found = {}
    for line in (table or "").splitlines():
        head, colon, rest = line.partition(":")
        clock, words = head.strip().lstrip("*").strip(), rest.split()
        if colon and clock.isdigit() and words and words[-1].isdigit():
            found[int(clock)] = int(words[-1])
    return found


def times_of_policy(table: Optional[str]) -> Dict[int, int]:
    """Of a cpufreq time_in_state: milliseconds since boot at each clock, in kHz; the kernel counts in 10 ms."""
    rows = [line.split() for line in (table or "").splitlines()]
    return {
        int(words[0]): 10 * int(words[1])
        for words in rows
        if len(words) == 2 and words[0].isdigit() and words[1].isdigit()
    }


def device_clocks(root: Root) -> List[str]:
    """What each device's clock may rise to, and who decides: what must be the same for figures to compare."""
    found = [read_device(path) for path in device_paths(root)]
    return [one.bounds for one in found if one is not None and one.bounds is not None]


def clocks_locked(root: Root) -> Optional[bool]:
    """Whether all clocks of a Jetson stand at one value, as jetson_clocks makes them; None for other boards."""
    if "nvidia,tegra" not in (root.read("proc/device-tree/compatible") or "") and not root.has_program("nvpmodel"):
        return None
    ends = [
        (read_int(policy / "scaling_min_freq"), read_int(policy / "scaling_max_freq")) for policy in root.glob(POLICIES)
    ]
    if not ends or any(end is None for pair in ends for end in pair):
        return None
    devices = [read_device(path) for path in device_paths(root)]
    return all(low == high for low, high in ends) and all(one.held for one in devices if one is not None)


def firmware_settings(root: Root) -> Optional[str]:
    """What a Raspberry Pi's firmware was told of clocks and voltages: "arm_freq=2000, over_voltage=6".

    As vcgencmd says it holds, else as config.txt has it; None on other boards, and where neither is told.
    """
    if root.has_program("vcgencmd"):
        answers = [read_answer(["vcgencmd", "get_config", key], _PATIENCE_S) for key in _FIRMWARE_KEYS]
        told = [answer.strip() for answer in answers if answer and "=" in answer]
        if told:
            return ", ".join(told)
    text = next((text for text in map(root.read, _CONFIGS) if text is not None), None)
    if text is None:
        return None
    pairs = [line.partition("#")[0].partition("=") for line in text.splitlines()]
    told = ["%s=%s" % (key.strip(), value.strip()) for key, _, value in pairs if key.strip() in _CLOCK_KEYS]
    return ", ".join(told) or "as shipped"


def _cooling(device: Path) -> Optional[Dict[str, Any]]:
    now = read_int(device / "cur_state")
    if now is None:
        return None
    return {"name": device.name, "kind": read_text(device / "type") or "", "state": now}


def cooling_paths(root: Root) -> List[Path]:
    """Those that cool by holding a clock down; a fan does not."""
    return [
        path
        for path in root.glob(COOLING)
        if any(word in (read_text(path / "type") or "").lower() for word in _COOLS_BY_CLOCK)
    ]


def supply_alarm(root: Root) -> Optional[bool]:
    """Whether the supply is below its limit now, as the driver of a Raspberry Pi's firmware says."""
    for device in root.glob("sys/class/hwmon/hwmon*"):
        if read_text(device / "name") == "rpi_volt":
            alarm = read_int(device / "in0_lcrit_alarm")
            return None if alarm is None else bool(alarm)
    return None
