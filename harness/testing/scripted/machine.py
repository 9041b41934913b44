"""What /proc says of a scripted board: its CPUs, memory, swap, pressure, and time that a hypervisor took.

/proc/stat counts the work of the board's own processes, as their control group does. What disturbs is the script's.
"""

import os
import time
from pathlib import Path

from harness.testing.scripted.kernel_files import KernelFiles
from harness.testing.scripted.kinds import BoardKind

_PRESSURES = ("cpu", "memory", "io")
_SWAP_KB = 102_396
_PAGE_KB = 4
_TICKS = 100.0
_UPTIME_TICKS = 360_000
"""The board is an hour old when it is made."""
_LOOK_S = 0.03
_REAL_MEMORY = Path("/proc/meminfo")
_REAL_VMSTAT = Path("/proc/vmstat")
_MEMORY_SHARE = 0.85
"""The most of a board's memory that is free for a model once its system runs."""


class Machine:
    """The files of /proc. ``pass_time`` counts, ``show`` writes."""

    def __init__(self, files: KernelFiles, kind: BoardKind, usage: "CpuUsage") -> None:
        self.steal = 0.0
        """The share of the CPUs' time that a hypervisor takes."""
        self.busy_cores = 0.0
        """What other processes take: cores' worth of time."""
        self.pressure = dict.fromkeys(_PRESSURES, 0.0)
        """The share of time in which some process waits for a resource."""
        self.swap_used_kb = 0
        self.swapped_pages = 0.0
        """Read back from swap since boot."""
        self.swap_pages_per_s = 0.0
        self._files = files
        self._kind = kind
        self._stalled = dict.fromkeys(_PRESSURES, 0.0)
        self._stolen = 0.0
        self._usage = usage
        self._elapsed = 0.0
        self._others_s = 0.0
        self._fixed()
        self._vmstat = _REAL_VMSTAT.read_text()

    def _fixed(self) -> None:
        kind, write = self._kind, self._files.write
        paragraphs = [
            f"processor\t: {cpu}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
            f"CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {cluster.part}\n"
            "CPU revision\t: 3\n"
            for cluster in kind.clusters
            for cpu in cluster.cpus
        ]
        write("proc/cpuinfo", "\n".join([*paragraphs, f"Model\t\t: {kind.model}"]))
        write("proc/cmdline", "console=ttyS0,115200 root=/dev/mmcblk0p2 rootfstype=ext4 rootwait")
        write("proc/loadavg", "0.08 0.03 0.01 1/142 1023")
        for folder in ("proc/device-tree", "sys/firmware/devicetree/base"):
            write(f"{folder}/model", kind.model + "\0")
            write(f"{folder}/compatible", "".join(name + "\0" for name in kind.compatible))
            if kind.bootloader is not None:
                write(f"{folder}/chosen/bootloader/version", kind.bootloader)
        for cluster in kind.clusters:
            for cpu in cluster.cpus:
                write(f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity", str(cluster.capacity))
                write(f"sys/devices/system/cpu/cpu{cpu}/online", "1")
        for name in ("online", "present", "possible"):
            write(f"sys/devices/system/cpu/{name}", f"0-{kind.cpus - 1}")
        write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never")
        write("sys/block/mmcblk0/device/type", "SD" if kind.storage == "microSD" else "MMC")
        write("sys/block/mmcblk0/queue/rotational", "0")

    def pass_time(self, seconds: float) -> None:
        """Count what the script has happen meanwhile."""
        self._elapsed += seconds
        self._others_s += self.busy_cores * seconds
        self._stolen += self.steal * seconds * self._kind.cpus * _TICKS
        self.swapped_pages += self.swap_pages_per_s * seconds
        for name, share in self.pressure.items():
            self._stalled[name] += share * seconds

    def show(self) -> None:
        """Write what counts at every moment."""
        self._files.write("proc/stat", self._stat())

    def show_memory(self) -> None:
        """Write what needs no more than ten looks in a second."""
        total = self._kind.memory_bytes // 1024
        real = {key: int(rest.split()[0]) for key, _, rest in _lines(_REAL_MEMORY.read_text())}
        available = min(real["MemAvailable"], int(_MEMORY_SHARE * total))
        swap = _SWAP_KB if self.swap_used_kb or self.swap_pages_per_s else 0
        changed = {
            "MemTotal": total,
            "MemAvailable": available,
            "MemFree": min(real["MemFree"], available),
            "SwapTotal": swap,
            "SwapFree": max(swap - self.swap_used_kb, 0),
        }
        whole = {**{key: min(value, total) for key, value in real.items()}, **changed}
        self._files.write("proc/meminfo", "\n".join(f"{key + ':':<16}{value:>10} kB" for key, value in whole.items()))
        area = f"\n/var/swap                               file\t\t{swap}\t{self.swap_used_kb}\t-2" if swap else ""
        self._files.write("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority" + area)
        swaps = {"pswpin": int(self.swapped_pages), "pswpout": self.swap_used_kb // _PAGE_KB}
        kept = [line for line in self._vmstat.splitlines() if line.split()[0] not in swaps]
        self._files.write("proc/vmstat", "\n".join([*kept, *(f"{key} {value}" for key, value in swaps.items())]))
        for name, share in self.pressure.items():
            some = f"avg10={100 * share:.2f} avg60={100 * share:.2f} avg300=0.00"
            total_us = int(self._stalled[name] * 1e6)
            text = f"some {some} total={total_us}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0"
            self._files.write(f"proc/pressure/{name}", text)

    def _stat(self) -> str:
        """The board's CPUs: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice."""
        count = self._kind.cpus
        whole, used, stolen = (
            int(self._elapsed * _TICKS),
            int((self._usage.seconds() + self._others_s) * _TICKS),
            int(self._stolen),
        )
        lines = []
        for cpu in range(count):
            worked, lost = (ticks // count + (cpu < ticks % count) for ticks in (used, stolen))
            lines.append([worked, 0, 0, max(_UPTIME_TICKS + whole - worked - lost, 0), 0, 0, 0, lost, 0, 0])
        total = [sum(column) for column in zip(*lines, strict=True)]
        named = [("cpu ", total), *((f"cpu{cpu}", ticks) for cpu, ticks in enumerate(lines))]
        return "\n".join(
            [*(f"{name} {' '.join(map(str, ticks))}" for name, ticks in named), "ctxt 0", "processes 1023"]
        )


class CpuUsage:
    """Seconds that the board's processes worked on all CPUs, by their control group, or by this process without one."""

    def __init__(self, file: Path | None) -> None:
        self._descriptor = None if file is None else os.open(file, os.O_RDONLY)

    def seconds(self) -> float:
        """Since the group was made."""
        if self._descriptor is None:
            return time.process_time()
        text = os.pread(self._descriptor, 4096, 0).decode()
        # cgroup v1 tells nanoseconds alone, v2 microseconds beside other counts.
        return int(text) / 1e9 if text.strip().isdigit() else int(text.split()[1]) / 1e6


class Load:
    """How busy the board's CPUs are: the busiest one, and the mean of all.

    It is what a stub runtime says where one works, else what the board's processes did lately.
    """

    def __init__(self, usage: CpuUsage, cpus: int) -> None:
        self.busiest = 0.0
        self.mean = 0.0
        self._usage = usage
        self._cpus = cpus
        self._before = (time.monotonic(), usage.seconds())

    def look(self, working: int | None) -> None:
        """Take the shares since the last look; ``working`` are the threads of a stub runtime, None without one."""
        if working is not None:
            self.busiest, self.mean = float(working > 0), min(working / self._cpus, 1.0)
            return
        now = (time.monotonic(), self._usage.seconds())
        passed, worked = (later - earlier for later, earlier in zip(now, self._before, strict=True))
        if passed < _LOOK_S:
            return
        self._before = now
        self.busiest, self.mean = min(worked / passed, 1.0), min(worked / passed / self._cpus, 1.0)


def _lines(text: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in text.splitlines() if line.endswith("kB")]
