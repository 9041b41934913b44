"""What a kind of board is made of: cores and their clocks, other clocks, sensors, rails, what firmware it has.

Units as the kernel's files have them: kHz for CPUs, Hz for devfreq, millivolts for rails.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cluster:
    """CPUs that share a clock: a cpufreq policy."""

    cpus: tuple[int, ...]
    part: str
    """The MIDR part number that /proc/cpuinfo shows, such as 0xd08."""
    khz: tuple[int, ...]
    """The operating points, rising."""
    capacity: int = 1024
    """cpu_capacity: the fastest core of a board has 1024."""
    governor: str = "ondemand"
    """What the board's own system sets at its start."""
    driver: str = "cpufreq-dt"


@dataclass(frozen=True)
class Device:
    """A devfreq device: a memory controller, a GPU, an NPU."""

    role: str
    """memory, gpu or npu: what a script calls it."""
    name: str
    hz: tuple[int, ...]
    governor: str
    governors: tuple[str, ...]
    path: str
    """Where the device lies below /sys/devices."""


@dataclass(frozen=True)
class Zone:
    """A thermal zone, and how warm it is while nothing happens."""

    kind: str
    celsius: float


@dataclass(frozen=True)
class Rail:
    """A supply that a sensor measures: watts at rest, and those that all cores add at their highest clock."""

    label: str
    millivolts: int
    idle_w: float
    busy_w: float


@dataclass(frozen=True)
class PowerMode:
    """An nvpmodel mode: the limits that it sets."""

    number: int
    name: str
    cpu_khz: int
    gpu_hz: int
    memory_hz: int


@dataclass(frozen=True)
class BoardKind:
    """All that is made up of one kind of board."""

    model: str
    """/proc/device-tree/model, as the board's device tree has it."""
    compatible: tuple[str, ...]
    clusters: tuple[Cluster, ...]
    memory_bytes: int
    storage: str
    """microSD or eMMC."""
    zones: tuple[Zone, ...]
    governors: tuple[str, ...]
    devices: tuple[Device, ...] = ()
    cooling: tuple[tuple[str, int], ...] = ()
    """Kind and highest state of cooling devices other than the clusters' own."""
    rails: tuple[Rail, ...] = ()
    """Of an INA3221 in hwmon, or of a Pi 5's power management chip."""
    rail_sensor: str | None = None
    """ina3221 or pmic."""
    power_modes: tuple[PowerMode, ...] = ()
    first_mode: int = 0
    firmware_path: str | None = None
    """Where a Raspberry Pi's firmware driver has get_throttled."""
    bootloader: str | None = None
    """The version that a Raspberry Pi's bootloader gives itself."""
    config: dict[str, str] = field(default_factory=dict)
    """What ``vcgencmd get_config`` answers."""
    emc_hz: tuple[int, ...] = ()
    """The operating points of a Jetson's memory clock, which its own processor sets; rising."""

    @property
    def cpus(self) -> int:
        """How many CPUs the board has."""
        return sum(len(cluster.cpus) for cluster in self.clusters)
