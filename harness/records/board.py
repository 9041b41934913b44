"""What the board says of itself, and what a trial brought back."""

from typing import Final, Literal

from harness.records.artifact import TensorInfo
from harness.records.base import Record
from harness.records.conditions import Conditions
from harness.records.cross_check import VendorBenchmark
from harness.records.energy import EnergyReading
from harness.records.memory import MemoryParts
from harness.records.metrics import TrialKind
from harness.records.operators import OperatorTimes, Placement
from harness.records.plan import RunnerSpec
from harness.records.storage import TrialLoad


class RuntimeFound(Record):
    """An interpreter package found on the board."""

    package: Literal["litert", "tflite", "system"]
    version: str
    python: str
    site: str | None
    numpy: str | None


class SensorFound(Record):
    """A power sensor the agent can read: its name as profiles write it, and what it measures."""

    name: str
    readable: bool
    reason: str | None = None


class BoardFacts(Record):
    """What a probe read; None where the board does not say."""

    hostname: str
    model: str | None
    arch: str
    kernel: str
    os: str | None
    libc: str | None
    python: str
    cpu: str | None
    cpu_count: int
    max_freq_khz: int | None
    governor: str | None
    governors: tuple[str, ...]
    memory_bytes: int | None
    storage: str | None
    disk_free_bytes: int | None
    temp_c: float | None
    throttled: int | None
    """``vcgencmd get_throttled``'s bits."""
    runtimes: tuple[RuntimeFound, ...]
    sensors: tuple[SensorFound, ...]
    cache_dir: str
    simulated: str | None = None
    """Why these are no real board's facts, e.g. "sysfs under a made-up root"; None for a real board."""
    emulated: str | None = None
    """By what it is told that an emulator runs the board; None where nothing says so."""
    memory_limit_bytes: int | None = None
    """The least limit of the memory cgroups that measuring runs in; None where there is none."""
    firmware: str | None = None
    """The version that the bootloader or the BIOS gives itself."""
    power_mode: str | None = None
    """A Jetson's nvpmodel or a PC's platform profile, by its name."""
    device_clocks: tuple[str, ...] = ()
    """What memory controllers, GPUs and NPUs may be clocked to, and by which governor."""
    huge_pages: str | None = None
    """always, madvise or never."""
    clock_caps_khz: tuple[int, ...] = ()
    """What the clock of every cpufreq policy may rise to."""
    firmware_settings: str | None = None
    """What a Raspberry Pi's firmware was told of clocks and voltages."""
    clocks_locked: bool | None = None
    """Whether all clocks of a Jetson are locked, as jetson_clocks does; None for other boards."""
    kernel_options: str | None = None
    """Of the kernel's command line what bears on clocks, cores and memory."""
    swap: str | None = None
    """What pages may go to, such as "zram 2.1 GB"."""


class TrialMemory(Record):
    """VmHWM and smaps parts, in bytes; ``before`` is read after imports and before the model is loaded."""

    hwm_before_bytes: int
    hwm_bytes: int
    """Of the process' whole life, imports among it."""
    rss_bytes: int
    pss_bytes: int | None = None
    anonymous_bytes: int | None = None
    load_hwm_bytes: int | None = None
    """From ``before`` until the tensors are allocated; None where the kernel does not begin its mark anew."""
    run_hwm_bytes: int | None = None
    """From then until inferences have run."""
    mean_rss_bytes: float | None = None
    """The mean of what is resident after each of some inferences."""
    parts: MemoryParts | None = None
    parts_reason: str | None = None
    """Why the parts are not known."""


NO_FIT: Final = "does not fit in "
"""How the agent begins the reason why a process was killed for its memory limit."""
RLIMIT: Final = "RLIMIT_DATA"
"""What limits where no memory cgroup can be made; it counts what a process reserves."""


class TrialLimit(Record):
    """The memory limit that a trial's process was under, and what its cgroup says it took; in bytes."""

    by: str
    """cgroup v1 | cgroup v2 | RLIMIT_DATA"""
    limit_bytes: int
    peak_bytes: int | None = None
    """All that was charged at the most, pages of files among it, which the kernel takes back where it must."""
    unreclaimable_bytes: int | None = None
    """The most of what it could not take back, of a memory trial, looked at every 2 ms."""
    refused: str | None = None
    """Why there is no cgroup."""


class TrialTelemetry(Record):
    """What surrounded the measured span."""

    temp_before_c: float | None
    temp_after_c: float | None
    freq_before_khz: int | None
    freq_after_khz: int | None
    throttled: int | None
    involuntary_switches: int
    runqueue_wait_s: float | None
    cpu_s: float
    wall_s: float
    utilisation: float | None
    """Utilisation of all cores over the measured span, 0..1, from /proc/stat."""
    conditions: Conditions | None = None
    """The rest of the board's state; None in runs of an earlier harness, and where a trial was asked not to read it."""


class TwoSpeeds(Record):
    """A board that ran at two speeds: seconds of an inference at either, and the time's share at the slower one."""

    fast_s: float
    slow_s: float
    slow_share: float

    @property
    def factor(self) -> float:
        """How much longer an inference takes at the slower one."""
        return self.slow_s / self.fast_s


class OutputCheck(Record):
    """How the board's outputs compare with the expected ones, over all samples and outputs."""

    samples: int
    bit_equal: bool
    nonfinite: int
    top1_agree: int | None
    """Samples with the same top-1 on the first output; None when that output has one value."""
    sqnr_db: float | None
    """10 log10(signal power / error power), worst output; None when bit-equal."""
    max_error: float
    """Largest absolute error over the expected outputs' range, worst output."""
    max_steps: int | None = None
    """Largest error in steps of the outputs' quantisation, worst output; None where an output is not quantised."""


class StageTimes(Record):
    """Nanoseconds of each stage, one for each run from raw sample to answer, and the answers themselves.

    ``end_to_end_ns`` is timed over the whole, not summed. ``answers`` are JSON texts, one for each raw sample.
    """

    preprocess_ns: tuple[int, ...]
    inference_ns: tuple[int, ...]
    postprocess_ns: tuple[int, ...]
    end_to_end_ns: tuple[int, ...]
    answers: tuple[str, ...]


class Slice(Record):
    """One turn of an arm, in which the other waited."""

    order: int
    """Its place among the slices of both arms."""
    n: int
    """Inferences that count."""
    sum_ns: int
    median_ns: float
    """Of an inference."""
    after: str | None
    """The arm whose slice came before; None for the first."""
    waiting_cpu_ns: int | None
    """CPU time that the waiting arm took meanwhile; None where the kernel does not tell."""


NO_TURNS: Final = "the arms cannot take turns: "
"""How the agent begins the reason why two arms of a block have to be measured by whole trials."""


class Turns(Record):
    """What a process that took turns with another arm's measured: over all its retained inferences, and by slices."""

    p50_ns: float
    mean_ns: float
    slices: tuple[Slice, ...]


class RawOutput(Record):
    """One output for several samples: its type, its shape with the samples first, its bytes deflated, as base64."""

    dtype: str
    shape: tuple[int, ...]
    data: str


class Trial(Record):
    """What one measuring process brought back. ``died`` is a reason instead of numbers."""

    index: int
    block: int
    arm: str
    kind: TrialKind
    died: str | None = None
    init_s: float | None = None
    first_inference_s: float | None = None
    batch: int = 1
    """Inferences per clock read in ``samples_ns``."""
    samples_ns: tuple[int, ...] = ()
    """One per clock read: elapsed nanoseconds of ``batch`` inferences."""
    singles_ns: tuple[int, ...] = ()
    """Single-read samples, where ``batch`` > 1."""
    clock_cost_ns: int | None = None
    n: int = 0
    """Inferences in the measured span."""
    memory: TrialMemory | None = None
    limit: TrialLimit | None = None
    load: TrialLoad | None = None
    telemetry: TrialTelemetry | None = None
    energy: EnergyReading | None = None
    check: OutputCheck | None = None
    check_builtin: OutputCheck | None = None
    """The same outputs against those of the host's built-in kernels, where they differ from XNNPACK's."""
    stages: StageTimes | None = None
    turns: Turns | None = None
    operators: OperatorTimes | None = None
    placement: Placement | None = None
    vendor: VendorBenchmark | None = None
    raw_outputs: tuple[RawOutput, ...] = ()
    """Of kind "test_set": what the model gave, output by output."""
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()


class BlockDone(Record):
    """The end of a block: what ran it."""

    block: int
    runner: RunnerSpec
    parent_start_s: float
