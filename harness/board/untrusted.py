"""What a board says is not trusted: its text is made fit to be shown, its numbers lie in ranges or are nonsense."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from harness.records.artifact import TensorInfo
from harness.records.base import Record
from harness.records.board import (
    BoardFacts,
    OutputCheck,
    RawOutput,
    Slice,
    StageTimes,
    Trial,
    TrialLimit,
    TrialMemory,
    TrialTelemetry,
    Turns,
)
from harness.records.conditions import Conditions, CoolingState, DeviceState, PolicyClock
from harness.records.cross_check import VendorBenchmark
from harness.records.energy import EnergyReading, PowerRail
from harness.records.health import (
    BusyProcess,
    CoolingDevice,
    CpuPolicy,
    DeviceClock,
    DiskRoom,
    Footprint,
    Pressure,
    ServiceFootprint,
    SystemState,
)
from harness.records.memory import PARTS, MemoryParts
from harness.records.operating_point import ClockSetting
from harness.records.operators import OperatorTime, OperatorTimes, Placement
from harness.records.storage import TrialLoad
from harness.records.text import shorten

_R = TypeVar("_R", bound=Record)

LINE_CHARS = 300
TEXT_CHARS = 4096
"""As long as a path may be; nothing else a board says of itself comes near it."""
NONSENSE = "the board's answer makes no sense"
_DAY_S = 86_400.0
_DAY_NS = 86_400 * 10**9
_COUNT = (0, 2**31 - 1)
_MANY = (0, 10**15)
_BYTES = (0, 2**50)
_KHZ = (0, 10**8)
_HERTZ = (0, 10**11)
_HZ = (0, 10**12)
_CELSIUS = (-273.15, 1000.0)
_BITS = (0, 2**32 - 1)
_WATTS = (-1e9, 1e9)
"""A sensor of another unit is named as one, and no dead trial."""
_SECONDS = (-_DAY_S, _DAY_S)
_CORES = 4096
_NANOSECONDS = (-_DAY_NS, _DAY_NS)
"""Times may be negative here: that a clock ran backwards is for `harness.measure` to say in its own words."""
RANGES: Mapping[type[Record], Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        BoardFacts: {
            "cpu_count": (1, _CORES),
            "max_freq_khz": _KHZ,
            "memory_bytes": _BYTES,
            "memory_limit_bytes": (0, 2**60),
            "disk_free_bytes": (0, 2**60),
            "temp_c": _CELSIUS,
            "throttled": _BITS,
            "clock_caps_khz": _KHZ,
        },
        ClockSetting: {"min_hz": _HERTZ, "max_hz": _HERTZ},
        Trial: {
            "index": _COUNT,
            "block": _COUNT,
            "init_s": _SECONDS,
            "first_inference_s": _SECONDS,
            "batch": _COUNT,
            "samples_ns": _NANOSECONDS,
            "singles_ns": _NANOSECONDS,
            "clock_cost_ns": _NANOSECONDS,
            "n": _MANY,
        },
        TrialMemory: {
            "hwm_before_bytes": _BYTES,
            "hwm_bytes": _BYTES,
            "rss_bytes": _BYTES,
            "pss_bytes": _BYTES,
            "anonymous_bytes": _BYTES,
            "load_hwm_bytes": _BYTES,
            "run_hwm_bytes": _BYTES,
            "mean_rss_bytes": _BYTES,
        },
        TrialLimit: dict.fromkeys(("limit_bytes", "peak_bytes", "unreclaimable_bytes"), _BYTES),
        TrialLoad: {"load_s": _SECONDS, "read_s": _SECONDS, "read_bytes": _BYTES},
        MemoryParts: dict.fromkeys(("pss_bytes", *PARTS), _BYTES),
        TrialTelemetry: {
            "temp_before_c": _CELSIUS,
            "temp_after_c": _CELSIUS,
            "freq_before_khz": _KHZ,
            "freq_after_khz": _KHZ,
            "throttled": _BITS,
            "involuntary_switches": _MANY,
            "runqueue_wait_s": (0.0, _CORES * _DAY_S),
            "cpu_s": (-_DAY_S, _CORES * _DAY_S),
            "wall_s": _SECONDS,
            "utilisation": (-1e3, 1e3),
        },
        Conditions: {
            "caps_khz": _KHZ,
            "lowest_khz": _KHZ,
            "clock_reads": _COUNT,
            "throttled_before": _BITS,
            "cooling_moves": _MANY,
            "swapped_pages": _MANY,
            "memory_pressure": (0.0, 1.0),
            "steal": (0.0, 2.0 * _CORES),
            "others": (0.0, 2.0 * _CORES),
            "reading_s": (0.0, _DAY_S),
        },
        PolicyClock: {"khz": _KHZ, "ms": (0, 86_400_000)},
        DeviceState: {"hz_before": _HZ, "hz": _HZ, "lowest_hz": _HZ, "low_ms": (0, 86_400_000)},
        CoolingState: {"state": (0, 2**31)},
        EnergyReading: {
            "window_s": _SECONDS,
            "mean_w": _WATTS,
            "idle_w": _WATTS,
            "readings": _COUNT,
            "inferences": _MANY,
            "devices": _COUNT,
            "at_s": _SECONDS,
            "watts": _WATTS,
            "missed": _COUNT,
            "idle_s": _SECONDS,
            "idle_at_s": _SECONDS,
            "idle_watts": _WATTS,
            "ended_ago_s": _SECONDS,
            "idle_ended_ago_s": _SECONDS,
        },
        PowerRail: {"volts": (-1e3, 1e3), "shunt_uohm": (0, 10**12)},
        OutputCheck: {
            "samples": _COUNT,
            "nonfinite": _MANY,
            "top1_agree": _COUNT,
            "sqnr_db": (-1e4, 1e4),
            "max_error": (0.0, 1e30),
            "max_steps": (0, 2**32),
        },
        StageTimes: {
            "preprocess_ns": _NANOSECONDS,
            "inference_ns": _NANOSECONDS,
            "postprocess_ns": _NANOSECONDS,
            "end_to_end_ns": _NANOSECONDS,
        },
        Slice: {
            "order": _COUNT,
            "n": _COUNT,
            "sum_ns": _NANOSECONDS,
            "median_ns": _NANOSECONDS,
            "waiting_cpu_ns": _NANOSECONDS,
        },
        SystemState: {
            "uid": (0, 2**32 - 1),
            "time_s": (-1e11, 1e11),
            "cache_bytes": (0, 2**60),
            "cache_files": (0, 2**62),
            "memory_available_bytes": _BYTES,
            "swap_bytes": _BYTES,
            "swap_used_bytes": _BYTES,
            "steal": (0.0, 1.0),
        },
        DiskRoom: {
            "size_bytes": (0, 2**60),
            "free_bytes": (0, 2**60),
            "inodes": (0, 2**62),
            "inodes_free": (0, 2**62),
        },
        CpuPolicy: {"max_khz": _KHZ, "hardware_max_khz": _KHZ},
        DeviceClock: {"hz": _HZ, "max_hz": _HZ},
        Pressure: {"percent": (0.0, 100.0)},
        CoolingDevice: {"state": (-1, 2**31)},
        ServiceFootprint: {"processes": _COUNT, "memory_bytes": _BYTES, "wakeups_per_s": (0.0, 1e9)},
        Footprint: {
            "window_s": (0.0, _DAY_S),
            "memory_bytes": _BYTES,
            "memory_used_bytes": _BYTES,
            "kernel_memory_bytes": _BYTES,
            "processes": _COUNT,
            "wakeups_per_s": (0.0, 1e9),
            "interrupts_per_s": (0.0, 1e9),
            "switches_per_s": (0.0, 1e9),
            "busy": (0.0, 1.0),
            "idle_w": _WATTS,
        },
        BusyProcess: {"pid": (1, 2**31), "share": (0.0, _CORES)},
        VendorBenchmark: {
            **dict.fromkeys(("median_s", "avg_s", "min_s", "max_s", "p5_s", "p95_s"), (0.0, _DAY_S)),
            "num_runs": (1, 10**7),
            "warmup_runs": _COUNT,
        },
        Placement: {"delegated": _COUNT, "parts": _COUNT},
        OperatorTimes: {"inference_ns": _NANOSECONDS, "runs": _COUNT},
        OperatorTime: {"node": _COUNT, "ns": _NANOSECONDS},
        RawOutput: {"shape": (0, 2**31 - 1)},
        Turns: {"p50_ns": _NANOSECONDS, "mean_ns": _NANOSECONDS},
        TensorInfo: {
            "shape": (-1, 2**31 - 1),
            "scale": (-1e30, 1e30),
            "zero_point": (-(2**31), 2**31 - 1),
            "below": (0, 2**31),
        },
    }
)
"""By record and field: the least and the most. A field without a value is in range, and so is every part of a tuple."""


def one_line(text: str, limit: int = LINE_CHARS) -> str:
    """Foreign text fit for a message: printable, one line, single blanks, at most ``limit`` characters."""
    return shorten(printable(text), limit)


def printable(text: str) -> str:
    """The text with a blank for each character that steers terminals, breaks lines or cannot be encoded."""
    return "".join(char if char.isprintable() else " " for char in text)


def make_printable(record: _R) -> _R:
    """The record with all its texts printable and of bounded length; what they meant stays."""
    return type(record).model_validate(_make_printable(record.model_dump(mode="json")), strict=False)


def _make_printable(value: object) -> object:
    if isinstance(value, str):
        return printable(value)[:TEXT_CHARS]
    if isinstance(value, dict):
        return {key: _make_printable(item) for key, item in value.items()}
    return [_make_printable(item) for item in value] if isinstance(value, list) else value


def out_of_range(record: Record) -> Iterator[str]:
    """A few words for each number of a record, and of the records in it, that cannot be."""
    ranges = RANGES.get(type(record), {})
    for name in type(record).model_fields:
        value = getattr(record, name)
        parts = value if isinstance(value, tuple) else (value,)
        if name in ranges:
            numbers = [part for part in parts if part is not None]
            least, most = ranges[name]
            odd = [number for number in (min(numbers), max(numbers)) if not least <= number <= most] if numbers else []
            if odd:
                yield f"{name} of {odd[0]:.6g}, expected {least:.6g} to {most:.6g}"
        for part in parts:
            if isinstance(part, Record):
                yield from out_of_range(part)
