"""Clocks with a governor, as cpufreq and devfreq have them: what they run at, and for how long they did."""

from harness.testing.scripted.kernel_files import KernelFiles
from harness.testing.scripted.kinds import Cluster, Device

BUSY_SHARE = 0.2
"""Of a CPU's time; above it a governor that follows the load asks for the highest clock."""
_MOST_DIGITS = 12
_TICKS = 100.0
"""Units of time_in_state in a second."""


class Clock:
    """One clock of a few operating points, with the time spent at each and the changes between them."""

    def __init__(self, points: tuple[int, ...], now: int) -> None:
        self.points = points
        self.now = now
        self.seconds = dict.fromkeys(points, 0.0)
        self.changes: dict[tuple[int, int], int] = {}

    def pass_time(self, seconds: float) -> None:
        """Spend time at the present clock."""
        self.seconds[self.now] += seconds

    def set(self, wanted: float) -> None:
        """Go to the highest operating point that is not above ``wanted``, or to the lowest of all."""
        point = max((one for one in self.points if one <= wanted), default=self.points[0])
        if point != self.now:
            self.changes[self.now, point] = self.changes.get((self.now, point), 0) + 1
            self.now = point

    def lower(self, steps: int) -> int:
        """The operating point that so many steps below the highest one are left at: a cooling device's states."""
        return self.points[max(len(self.points) - 1 - steps, 0)]


def wanted_clock(governor: str, points: tuple[int, ...], *, busy: float, userspace: int) -> int:
    """What a governor asks for; those that follow the load know two answers, for rest and for work."""
    if governor == "performance":
        return points[-1]
    if governor == "powersave":
        return points[0]
    if governor == "userspace":
        return userspace
    return points[-1] if busy > BUSY_SHARE else points[0]


class ClockFiles:
    """Files that processes of the board write and the kernel heeds: a governor, and whole numbers."""

    def __init__(self, files: KernelFiles, folder: str, values: dict[str, str], governors: tuple[str, ...]) -> None:
        self._files = files
        self._folder = folder
        self._values = values
        self._governors = governors
        for name, text in values.items():
            files.write(f"{folder}/{name}", text)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def number(self, name: str) -> int | None:
        """The value as a whole number; None where it is none."""
        return int(self._values[name]) if self._values[name].isdigit() else None

    def set(self, name: str, value: str) -> str:
        """Write a file as some process of the board would; what it held before."""
        before = self._values[name]
        self._files.put_back(f"{self._folder}/{name}", value)
        self.take()
        return before

    def take(self) -> None:
        """See what was written; what a kernel would refuse is undone."""
        for name, before in self._values.items():
            text = self._files.read(f"{self._folder}/{name}")
            # Empty is a file between its opening for writing and the write itself.
            if text in ("", before):
                continue
            if text in self._governors if "governor" in name else text.isdigit() and len(text) <= _MOST_DIGITS:
                self._values[name] = text
            else:
                self._files.put_back(f"{self._folder}/{name}", before)


class CpuPolicy:
    """A cpufreq policy and its files. Whoever may write them takes effect: governor, scaling_max_freq and so on."""

    def __init__(self, files: KernelFiles, cluster: Cluster, governors: tuple[str, ...]) -> None:
        self.cluster = cluster
        self.clock = Clock(cluster.khz, cluster.khz[0])
        self.cooling_state = 0
        self.dip_khz: int | None = None
        """What the script holds the clock down to."""
        self.folder = f"sys/devices/system/cpu/cpufreq/policy{cluster.cpus[0]}"
        self._files = files
        low, high = str(cluster.khz[0]), str(cluster.khz[-1])
        cpus = " ".join(map(str, cluster.cpus))
        fixed = {
            "affected_cpus": cpus,
            "related_cpus": cpus,
            "cpuinfo_min_freq": low,
            "cpuinfo_max_freq": high,
            "cpuinfo_transition_latency": "0",
            "scaling_available_frequencies": " ".join(map(str, cluster.khz)),
            "scaling_available_governors": " ".join(governors),
            "scaling_driver": cluster.driver,
        }
        for name, text in fixed.items():
            files.write(f"{self.folder}/{name}", text)
        values = {
            "scaling_governor": cluster.governor,
            "scaling_max_freq": high,
            "scaling_min_freq": low,
            "scaling_setspeed": "<unsupported>",
        }
        self.settings = ClockFiles(files, self.folder, values, governors)
        for cpu in cluster.cpus:
            files.link(f"sys/devices/system/cpu/cpu{cpu}/cpufreq", self.folder)

    def run(self, busy: float) -> None:
        """Take the clock that governor, limits, cooling and script leave."""
        settings, points = self.settings, self.clock.points
        high = min(settings.number("scaling_max_freq") or points[-1], self.clock.lower(self.cooling_state))
        low = settings.number("scaling_min_freq") or points[0]
        speed = settings.number("scaling_setspeed") or self.clock.now
        wanted = wanted_clock(settings["scaling_governor"], points, busy=busy, userspace=speed)
        wanted = min(max(wanted, low), high)
        self.clock.set(wanted if self.dip_khz is None else min(wanted, self.dip_khz))

    def show(self, firmware_khz: int | None) -> None:
        """Write the files that tell the clock; the firmware's own is only in cpuinfo_cur_freq."""
        clock = self.clock
        self._files.write(f"{self.folder}/scaling_cur_freq", str(clock.now))
        self._files.write(f"{self.folder}/cpuinfo_cur_freq", str(min(clock.now, firmware_khz or clock.now)))
        times = "\n".join(f"{khz} {int(clock.seconds[khz] * _TICKS)}" for khz in clock.points)
        self._files.write(f"{self.folder}/stats/time_in_state", times)
        self._files.write(f"{self.folder}/stats/total_trans", str(sum(clock.changes.values())))


class DevfreqDevice:
    """A devfreq device and its files; governor, min_freq and max_freq take effect."""

    def __init__(self, files: KernelFiles, device: Device) -> None:
        self.device = device
        self.clock = Clock(device.hz, device.hz[-1] if device.role == "memory" else device.hz[0])
        self.dip_hz: int | None = None
        """What the script holds the clock down to."""
        self.folder = f"sys/devices/{device.path}/{device.name}"
        self._files = files
        low, high = str(device.hz[0]), str(device.hz[-1])
        fixed = {
            "name": device.name,
            "available_frequencies": " ".join(map(str, device.hz)),
            "available_governors": " ".join(device.governors),
            "polling_interval": "50",
        }
        for name, text in fixed.items():
            files.write(f"{self.folder}/{name}", text)
        values = {"governor": device.governor, "max_freq": high, "min_freq": low}
        self.settings = ClockFiles(files, self.folder, values, device.governors)
        files.link(f"sys/class/devfreq/{device.name}", self.folder)

    def run(self, busy: float) -> None:
        """Take the clock that governor, limits and script leave."""
        settings, points = self.settings, self.clock.points
        # A memory controller serves whatever runs; GPU and NPU rest, as nothing here uses them.
        load = busy if self.device.role == "memory" else 0.0
        wanted = wanted_clock(settings["governor"], points, busy=load, userspace=self.clock.now)
        low, high = settings.number("min_freq") or points[0], settings.number("max_freq") or points[-1]
        wanted = min(max(wanted, low), high)
        self.clock.set(wanted if self.dip_hz is None else min(wanted, self.dip_hz))

    def show(self) -> None:
        """Write the files that tell the clock."""
        self._files.write(f"{self.folder}/cur_freq", str(self.clock.now))
        self._files.write(f"{self.folder}/target_freq", str(self.clock.now))
        self._files.write(f"{self.folder}/trans_stat", transition_table(self.clock))


EMC = "sys/kernel/debug/bpmp/debug/clk/emc"
_EMC_CAP = "sys/kernel/nvpmodel_clk_cap/emc"


class JetsonMemoryClock:
    """A Jetson's memory clock: no devfreq device, but in debugfs, where ``mrq_rate_locked`` holds it at its highest."""

    def __init__(self, files: KernelFiles, hz: tuple[int, ...]) -> None:
        self.clock = Clock(hz, hz[-1])
        self.dip_hz: int | None = None
        """What the script holds the clock down to."""
        self._files = files
        files.write(f"{EMC}/min_rate", str(hz[0]))
        files.write(f"{EMC}/mrq_rate_locked", "0")
        files.write(_EMC_CAP, str(hz[-1]))

    def set_cap(self, hz: object) -> int:
        """Write the cap, as nvpmodel does; what it was before."""
        before = int(self._files.read(_EMC_CAP))
        self._files.put_back(_EMC_CAP, str(hz))
        return before

    def run(self, busy: float) -> None:
        """Take the clock that lock, load, cap and script leave."""
        cap = int(self._files.read(_EMC_CAP))
        locked = self._files.read(f"{EMC}/mrq_rate_locked") == "1"
        wanted = cap if locked or busy > BUSY_SHARE else self.clock.points[1]
        self.clock.set(min(wanted, cap, self.dip_hz or cap))

    def show(self) -> None:
        """Write the files that tell the clock."""
        self._files.write(f"{EMC}/rate", str(self.clock.now))
        self._files.write(f"{EMC}/max_rate", self._files.read(_EMC_CAP))


def transition_table(clock: Clock) -> str:
    """Devfreq's trans_stat: the changes from each clock to each, and milliseconds at each."""
    heads = "".join(f"{hz:>11}" for hz in clock.points)
    lines = ["     From  :   To", f"           :{heads}   time(ms)"]
    for hz in clock.points:
        counts = "".join(f"{clock.changes.get((hz, other), 0):>11}" for other in clock.points)
        lines.append(f"{'*' if hz == clock.now else ' '}{hz:>10}:{counts}{round(clock.seconds[hz] * 1000):>11}")
    return "\n".join([*lines, f"Total transition : {sum(clock.changes.values())}"])
