"""What `harness doctor` goes by: a board's state, its link, what one check says."""

from typing import Literal

from harness.records.base import Record

CheckStatus = Literal["ok", "warn", "fail"]
"""fail: the board is not fit to measure. warn: figures suffer, and runs say so."""


class DiskRoom(Record):
    """The disk that holds the cache; inodes are None where its file system has no table of them."""

    size_bytes: int
    free_bytes: int
    inodes: int | None
    inodes_free: int | None


class CpuPolicy(Record):
    """The cores that share a clock."""

    name: str
    governor: str | None
    offered: tuple[str, ...]
    max_khz: int | None
    """What the clock is capped to."""
    hardware_max_khz: int | None
    writable: bool
    """Whether this account may set the governor."""


class Turbo(Record):
    """Clocks above the nominal one: the kernel's file, and what switches them off there."""

    file: str
    on: bool
    off_value: str


class DeviceClock(Record):
    """A memory controller, GPU or NPU whose clock the kernel moves (devfreq)."""

    name: str
    hz: int
    max_hz: int | None
    governor: str | None
    offered: tuple[str, ...]


class CoolingDevice(Record):
    """What the kernel cools by, and how far it does now; 0 is not at all."""

    name: str
    kind: str
    state: int


class BusyProcess(Record):
    """A process that took the CPUs while they were watched; ``share`` is of one core."""

    pid: int
    name: str
    account: str
    share: float
    unit: str | None
    """The systemd service it is part of."""


class PowerMode(Record):
    """A mode of nvpmodel or of the platform profile; ``key`` is what stands for it there."""

    key: str
    name: str


class Pressure(Record):
    """Per cent of the last ten seconds in which a process waited for something (PSI)."""

    resource: Literal["cpu", "memory", "io"]
    percent: float


class SystemState(Record):
    """How a board is right now; None where it does not say."""

    root: str
    """Under which /sys and /proc were read."""
    uid: int
    account: str
    group: str
    sudo: bool
    """Whether sudo is installed."""
    time_s: float
    """The board's clock of day, seconds since 1970, when it answered."""
    disk: DiskRoom | None
    cache_bytes: int
    """What models and runtimes of ours take on that disk."""
    cache_files: int
    memory_available_bytes: int | None
    swap_bytes: int | None
    swap_used_bytes: int | None
    swaps: tuple[str, ...]
    memory_limit_file: str | None
    """The file below the root that sets the least memory limit."""
    policies: tuple[CpuPolicy, ...]
    turbo: Turbo | None
    power_mode: str | None
    power_modes: tuple[PowerMode, ...]
    devices: tuple[DeviceClock, ...]
    cooling: tuple[CoolingDevice, ...]
    supply_alarm: bool | None
    busy: tuple[BusyProcess, ...]
    steal: float | None
    """Share of CPU time that the host of a virtual machine gave to others."""
    pressure: tuple[Pressure, ...]
    users: tuple[str, ...]
    """Other accounts that work at a terminal."""
    unreadable: tuple[str, ...]
    """Files of power sensors that this account may not read."""
    command_line: str | None


class ServiceFootprint(Record):
    """What a systemd service takes at rest; memory is PSS where the account may read it, else RSS."""

    name: str
    processes: int
    memory_bytes: int
    wakeups_per_s: float


class Footprint(Record):
    """What an operating system takes before any model runs; figures of a window stand once for each."""

    window_s: float
    memory_bytes: int | None
    memory_used_bytes: tuple[int, ...]
    """MemTotal less MemAvailable: without caches, which give way."""
    kernel_memory_bytes: int
    processes: int
    services: tuple[ServiceFootprint, ...]
    wakeups_per_s: tuple[float, ...]
    """How often a core left an idle state; empty where the kernel does not count it."""
    interrupts_per_s: tuple[float, ...]
    switches_per_s: tuple[float, ...]
    busy: tuple[float, ...]
    """Share of all cores' time."""
    sensor: str | None
    idle_w: tuple[float, ...]


class LinkFacts(Record):
    """An SSH connection to a board."""

    server: str
    """How the server calls itself."""
    cipher: str
    host_key: str
    """Kind and fingerprint."""
    no_delay: bool | None
    """Whether TCP sends small packets at once; None behind a ProxyCommand, whose socket is its own."""


class Spread(Record):
    """A few processes of one small model, timed on the board."""

    p50_s: float
    """Median over processes of each one's p50."""
    between: float
    """Largest p50 over the least, less 1."""
    p99_over_p50: float
    """Median over processes."""
    processes: int


class CheckResult(Record):
    """One line of `harness doctor`."""

    name: str
    status: CheckStatus
    said: str
    effect: str | None
    """What it does to numbers; None where all is well."""
    fix: str | None
    """The command that mends it, to be typed on the host; None where all is well or no command does."""
