"""Is this the board the profile describes, and is it fit to measure now? Pure functions of profile and facts."""

import hashlib
import re
from collections.abc import Iterator

from harness.records.board import BoardFacts
from harness.records.device import DeviceProfile
from harness.records.operating_point import OperatingPoint

_THROTTLE_BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
"""Bits of ``vcgencmd get_throttled`` that hold now, by Raspberry Pi's documentation; since boot: 16 bits higher."""
_SINCE_BOOT = 16
_NOW = 0xF
_CPU = re.compile(
    r"(?:(?P<count>[0-9]{1,4})\s*x\s*)?(?P<name>.*?)\s*"
    r"(?:@\s*(?P<frequency>[0-9]{1,6}(?:\.[0-9]{1,6})?)\s*(?P<unit>[MG])Hz)?\s*"
)
"""One kind of cores. Names may hold an @ of their own, as Intel's do: the last one is the clock's."""
_AND = " + "
_BYTES = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(?P<unit>[kMGT]?)i?B")
_KHZ = {"M": 1e3, "G": 1e6}
_PREFIX = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
# A board sold with 4 GB shows 3.7-4.3e9 bytes: firmware and GPU keep a part, and G may mean 2**30.
_MEMORY_SHARE = (0.75, 1.1)
_FREQUENCY_SHARE = 0.02


def differences(profile: DeviceProfile, facts: BoardFacts) -> list[str]:
    """Where the board differs from the profile's [hardware], a sentence each; unknown facts differ from nothing."""
    hardware = profile.hardware
    found: list[str] = []
    if hardware.arch and hardware.arch != facts.arch:
        found.append(f"architecture is {facts.arch}, the profile says {hardware.arch}")
    if hardware.cpu:
        found.extend(_cpu_differences(hardware.cpu, facts))
    if hardware.memory and facts.memory_bytes is not None:
        found.extend(_memory_difference(hardware.memory, facts.memory_bytes))
    if hardware.storage and facts.storage and hardware.storage.casefold() != facts.storage.casefold():
        found.append(f"storage is {facts.storage}, the profile says {hardware.storage}")
    if hardware.emulated is False and facts.emulated is not None:
        found.append(f"the profile says that nothing emulates the board, the board: {facts.emulated}")
    return found


def _cpu_differences(wanted: str, facts: BoardFacts) -> Iterator[str]:
    parts = wanted.split(_AND)
    kinds = [match for part in parts if (match := _CPU.fullmatch(part.strip())) and any(match.groups())]
    if len(kinds) != len(parts):
        yield f'hardware.cpu "{wanted}" is not compared: expected e.g. "4x Cortex-A72 @ 1.5 GHz"'
        return
    counts = [int(kind["count"]) for kind in kinds if kind["count"]]
    if len(counts) == len(kinds) and sum(counts) != facts.cpu_count:
        yield f"the board has {facts.cpu_count} cores, the profile says {sum(counts)}"
    for kind in kinds:
        if kind["name"] and facts.cpu and kind["name"].casefold() not in facts.cpu.casefold():
            yield f"CPU is {facts.cpu}, the profile says {kind['name']}"
    clocks = [float(kind["frequency"]) * _KHZ[kind["unit"]] for kind in kinds if kind["frequency"]]
    if clocks and facts.max_freq_khz:
        khz = max(clocks)
        if abs(facts.max_freq_khz - khz) > _FREQUENCY_SHARE * khz:
            yield f"highest CPU frequency is {facts.max_freq_khz / 1e6:.3g} GHz, the profile says {khz / 1e6:.3g} GHz"


def _memory_difference(wanted: str, there: int) -> Iterator[str]:
    match = _BYTES.fullmatch(wanted)
    said = float(match["number"]) * _PREFIX[match["unit"]] if match else 0.0
    if not said:
        yield f'hardware.memory "{wanted}" is not compared: expected e.g. "4 GB"'
    elif not _MEMORY_SHARE[0] <= there / said <= _MEMORY_SHARE[1]:
        yield f"memory is {there / 1e9:.3g} GB, the profile says {wanted}"


def too_hot(profile: DeviceProfile, facts: BoardFacts) -> str | None:
    """A sentence where the board is above the profile's limit, else None."""
    limit = profile.limits.max_temp_c
    if limit is None or facts.temp_c is None or facts.temp_c <= limit:
        return None
    return f"the board is at {facts.temp_c:.1f} C, above the limit of {limit:g} C"


def throttled_causes(bits: int | None) -> list[str]:
    """What ``vcgencmd get_throttled`` says holds now, in words; nothing where it is 0 or unknown."""
    return [words for bit, words in _THROTTLE_BITS.items() if bits and bits >> bit & 1]


def throttled_between(before: int | None, after: int | None) -> list[str]:
    """What the firmware's lasting bits say came to be between two readings; nothing where either is unknown."""
    return [] if before is None or after is None else throttled_causes((after & ~before) >> _SINCE_BOOT)


def throttled_sentences(bits: int | None) -> list[str]:
    """The same with when: now, or at some time since the board was started."""
    since_boot = bits >> _SINCE_BOOT if bits else None
    return [
        *(f"{words} now" for words in throttled_causes(bits)),
        *(f"{words} since boot" for words in throttled_causes(since_boot)),
    ]


def throttled_now(bits: int | None) -> bool:
    """Whether any of the present-tense bits is set."""
    return bool(bits and bits & _NOW)


def fingerprint(facts: BoardFacts, point: OperatingPoint | None = None) -> str:
    """What must be the same before two results may be compared, readable, with a short hash in front.

    Of an operating point what was set beside governors, which facts tell: limits of clocks, power mode.
    """
    frequency = f"{facts.max_freq_khz / 1e6:.4g} GHz" if facts.max_freq_khz else "frequency unknown"
    parts = (
        facts.model or "unknown board",
        facts.cpu or f"{facts.cpu_count}x {facts.arch}",
        frequency,
        f"kernel {facts.kernel}",
        f"governor {facts.governor or 'unknown'}",
        *(point.set_apart if point is not None else ()),
    )
    # What only stands in for a board shares no history with one.
    text = ", ".join([*parts, *filter(None, [facts.simulated])])
    return f"{hashlib.sha256(text.encode()).hexdigest()[:8]} ({text})"
