"""What /proc says of a scripted board: its CPUs, memory, swap, pressure, and time that a hypervisor took.

Work is this machine's own: /proc/stat counts what its CPUs did. What disturbs is the script's alone.
"""

from pathlib import Path

from harness.testing.scripted.kernel_files import KernelFiles
from harness.testing.scripted.kinds import BoardKind

_PRESSURES = ("cpu", "memory", "io")
_SWAP_KB = 102_396
_PAGE_KB = 4
_TICKS = 100.0
_REAL_STAT = Path("/proc/stat")
_REAL_MEMORY = Path("/proc/meminfo")
_REAL_VMSTAT = Path("/proc/vmstat")
_MEMORY_SHARE = 0.85
"""The most of a board's memory that is free for a model once its system runs."""


class Machine:
    """The files of /proc. ``pass_time`` counts, ``show`` writes."""

    def __init__(self, files: KernelFiles, kind: BoardKind) -> None:
        self.steal = 0.0
        """The share of the CPUs' time that a hypervisor takes."""
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
        """This machine's /proc/stat with the board's number of CPUs: those that it lacks rest."""
        rest = _REAL_STAT.read_text().splitlines()[1:]
        real = [line.split() for line in rest if line.startswith("cpu")]
        cpus = [[int(word) for word in words[1:9]] for words in real][: self._kind.cpus]
        whole = sum(cpus[0])
        cpus += [[0, 0, 0, whole, 0, 0, 0, 0] for _ in range(self._kind.cpus - len(cpus))]
        stolen = int(self._stolen)
        for number, ticks in enumerate(cpus):
            part = stolen // len(cpus) + (number < stolen % len(cpus))
            # What this machine's own hypervisor takes is no part of the board: it rests meanwhile.
            ticks[3] += ticks[7] - part
            ticks[7] = part
        total = [sum(column) for column in zip(*cpus, strict=True)]
        lines = [("cpu ", total), *((f"cpu{number}", ticks) for number, ticks in enumerate(cpus))]
        others = [line for line in rest if not line.startswith(("cpu", "intr"))]
        return "\n".join([*(f"{name} {' '.join(map(str, ticks))} 0 0" for name, ticks in lines), *others])


class Load:
    """How busy the board's CPUs are: the busiest one, and the mean of all.

    It is what a stub runtime says where one works, else what this machine's own CPUs did lately.
    """

    def __init__(self) -> None:
        self.busiest = 0.0
        self.mean = 0.0
        self._before = _busy_and_all()

    def look(self, working: int | None, cpus: int) -> None:
        """Take the shares since the last look; ``working`` are the threads of a stub runtime, None without one."""
        if working is not None:
            self.busiest, self.mean = float(working > 0), min(working / cpus, 1.0)
            return
        now = _busy_and_all()
        spans = [(one[0] - old[0], one[1] - old[1]) for one, old in zip(now, self._before, strict=True)]
        if min((whole for _, whole in spans), default=0) < 5:
            return
        self._before = now
        self.busiest = max(busy / whole for busy, whole in spans)
        self.mean = sum(busy / whole for busy, whole in spans) / len(spans)


def _busy_and_all() -> list[tuple[int, int]]:
    """Of each CPU, the clock ticks since boot in which it worked, and all."""
    found = []
    for line in _REAL_STAT.read_text().splitlines()[1:]:
        if not line.startswith("cpu"):
            break
        ticks = [int(word) for word in line.split()[1:9]]
        found.append((sum(ticks) - ticks[3] - ticks[4] - ticks[7], sum(ticks)))
    return found


def _lines(text: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in text.splitlines() if line.endswith("kB")]
