"""What a board says of itself."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional

from edge_agent import clock_state, oom, power, power_mode, runtimes, state, telemetry
from edge_agent.storage import disk_kind
from edge_agent.sysfs import Root, field, kilobytes, read_int, read_text

# MIDR part numbers of implementer 0x41, Arm; from the Linux kernel's cputype.h and util-linux' lscpu.
_ARM_PARTS = {
    "0xb76": "ARM1176",
    "0xc05": "Cortex-A5",
    "0xc07": "Cortex-A7",
    "0xc08": "Cortex-A8",
    "0xc09": "Cortex-A9",
    "0xc0f": "Cortex-A15",
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd0d": "Cortex-A77",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
    "0xd46": "Cortex-A510",
    "0xd47": "Cortex-A710",
}
_MODEL_FILES = (
    "proc/device-tree/model",
    "sys/firmware/devicetree/base/model",
    "sys/class/dmi/id/product_name",
)
_FIRMWARE_FILES = ("proc/device-tree/chosen/bootloader/version", "sys/class/dmi/id/bios_version")
_LABEL_FILE = "etc/edge-harness/simulated"
"""What a simulated board says that it is: one line, which stands wherever the board is named."""
_TIMING_OPTION = re.compile(
    r"(isolcpus|nohz|nohz_full|rcu_nocbs|irqaffinity|maxcpus|nr_cpus|mitigations|spectre_v2|nosmt|idle|preempt|cma|mem|"
    r"hugepages|hugepagesz|default_hugepagesz|transparent_hugepage|swapaccount|psi|threadirqs|skew_tick|"
    r"[a-z_]*pstate|cpufreq\.[a-z_]+|cpuidle\.[a-z_]+|[a-z_]*idle\.[a-z_]+|processor\.[a-z_]+)(=.*)?$"
)
_NO_DISKS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|mtdblock)\d*|ubiblock.*|mmcblk\d+(boot|rpmb).*")


def facts(root: Root, cache: Path) -> Dict[str, Any]:
    """The BoardFacts record; None where the board does not say."""
    telemetry.find_again()
    cpuinfo = root.read("proc/cpuinfo") or ""
    governors = _governors(root)
    return {
        "hostname": platform.node(),
        "model": next((text for text in map(root.read, _MODEL_FILES) if text), None),
        "arch": runtimes.machine(),
        "kernel": platform.release(),
        "os": _os_name(root),
        "libc": _libc(),
        "python": platform.python_version(),
        "cpu": _cpu(cpuinfo),
        "cpu_count": len(_processors(cpuinfo)) or os.cpu_count() or 1,
        "max_freq_khz": max(_frequencies(root), default=None),
        "governor": "+".join(sorted(set(governors))) or None,
        "governors": _available(root),
        "memory_bytes": kilobytes(root.read("proc/meminfo"), "MemTotal"),
        "memory_limit_bytes": oom.group_limit(root),
        "storage": _storage(root),
        "disk_free_bytes": _free(cache),
        "temp_c": telemetry.temperature_c(root),
        "throttled": telemetry.throttled_bits(root),
        "runtimes": runtimes.find_runtimes(cache),
        "sensors": power.find_sensors(root),
        "cache_dir": str(cache),
        "firmware": next((text for text in map(root.read, _FIRMWARE_FILES) if text), None),
        "power_mode": power_mode.mode_name(root),
        "device_clocks": clock_state.device_clocks(root),
        "huge_pages": state.chosen(root.read("sys/kernel/mm/transparent_hugepage/enabled")),
        "clock_caps_khz": telemetry.caps_khz(root),
        "firmware_settings": clock_state.firmware_settings(root),
        "clocks_locked": clock_state.clocks_locked(root),
        "kernel_options": _kernel_options(root),
        "swap": _swap(root),
        "simulated": root.read(_LABEL_FILE) or (None if root.real else "sysfs under a made-up root"),
        "emulated": _emulator(root),
    }


def _emulator(root: Root) -> Optional[str]:
    """By what QEMU is told that runs this processor in software; None where nothing is sure.

    QEMU's machine "virt" alone is not: under KVM the board's own processor runs it at full speed, and then calls
    itself arm,arm-v8 or, on two cores, by its name (QEMU's target/arm/kvm64.c and cpu64.c).
    """
    if root.read("proc/device-tree/compatible") != "linux,dummy-virt":
        return None
    core = root.read("proc/device-tree/cpus/cpu@0/compatible") or ""
    if not core.startswith("arm,cortex-") or core in ("arm,cortex-a53", "arm,cortex-a57"):
        return None
    return "QEMU's machine virt with a processor made up as %s" % core


def _kernel_options(root: Root) -> Optional[str]:
    """Of the kernel's command line what bears on clocks, cores and memory; None where there is no command line."""
    line = root.read("proc/cmdline")
    if line is None:
        return None
    return " ".join(word for word in line.split() if _TIMING_OPTION.match(word)) or "none"


def _swap(root: Root) -> Optional[str]:
    """What pages may go to, such as "zram 2.1 GB"; "none", or None where the board does not say."""
    table = root.read("proc/swaps")
    if table is None:
        return None
    areas = [line.split() for line in table.splitlines()[1:]]
    told = [
        "%s %.1f GB" % ("zram" if "zram" in words[0] else words[1], int(words[2]) * 1024 / 1e9)
        for words in areas
        if len(words) > 2 and words[2].isdigit()
    ]
    return ", ".join(sorted(told)) or "none"


def _os_name(root: Root) -> Optional[str]:
    for line in (root.read("etc/os-release") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip("\"'") or None
    return None


def _libc() -> Optional[str]:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or None
    except (ValueError, OSError):
        return None


def _processors(cpuinfo: str) -> List[str]:
    """One paragraph a processor."""
    return [text for text in re.split(r"\n\s*\n", cpuinfo) if field(text, "processor") is not None]


def _cpu(cpuinfo: str) -> Optional[str]:
    """Such as "4x Cortex-A72" or "4x Cortex-A76 + 4x Cortex-A55"."""
    names = Counter(filter(None, map(_cpu_name, _processors(cpuinfo))))
    return " + ".join("%dx %s" % (count, name) for name, count in names.most_common()) or None


def _cpu_name(processor: str) -> Optional[str]:
    part = field(processor, "CPU part")
    if part is not None and field(processor, "CPU implementer") == "0x41":
        return _ARM_PARTS.get(part, "Arm part " + part)
    return field(processor, "model name")


def _policies(root: Root) -> List[Path]:
    return root.glob("sys/devices/system/cpu/cpufreq/policy*")


def _governors(root: Root) -> List[str]:
    return [text for text in (read_text(policy / "scaling_governor") for policy in _policies(root)) if text]


def _available(root: Root) -> List[str]:
    texts = [read_text(policy / "scaling_available_governors") or "" for policy in _policies(root)]
    return sorted(set(" ".join(texts).split()))


def _frequencies(root: Root) -> List[int]:
    values = [read_int(policy / "cpuinfo_max_freq") for policy in _policies(root)]
    return [value for value in values if value is not None]


def _storage(root: Root) -> Optional[str]:
    """The kinds of disks, such as "microSD" or "NVMe + eMMC"."""
    disks = [disk for disk in root.glob("sys/block/*") if not _NO_DISKS.fullmatch(disk.name)]
    return " + ".join(sorted({disk_kind(disk) for disk in disks})) or None


def _free(cache: Path) -> Optional[int]:
    try:
        return shutil.disk_usage(str(cache)).free
    except OSError:
        return None
