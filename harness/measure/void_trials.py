"""What makes a trial void: a board that was not fit while it ran, or a block that was measured again.

``run_blocks`` decides what is measured again, and ``build_entry`` gives it the words for it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.board import throttled_between, throttled_causes
from harness.measure.fitness import FitnessRule
from harness.records.board import Trial, TrialTelemetry
from harness.records.conditions import Conditions
from harness.records.entry import Finding
from harness.records.status import Status

DIP_MS = 20
"""Two of the kernel's ticks at another clock: under a governor that holds the clock there are none."""
SWAPPED_PAGES = 64
"""A quarter of a megabyte; a page that was long in swap and is touched by chance is no reason."""
MEMORY_PRESSURE = 0.1
"""Share of the time in which some process waits for memory."""
STOLEN = 0.1
"""Cores' worth; a tick more or less, in a trial of a quarter of a second on four cores, is 0.04."""
OTHERS = 0.5
"""Cores' worth; services of an idle board take some hundredths, and ticks of so short a trial err by 0.2."""
OFF_CPU = 0.8
"""Share of the time in which the process could have run and did not."""
OFF_CPU_S = 0.05
CLOCK_CHANGE = 0.05
"""Under the performance governor a clock that moves further than this was moved by the firmware."""
MEASURED_AGAIN = "measured again: a trial of its block did not count"
CUT_OFF = "measured again: the link was lost amid its block"
TIMED = ("latency", "stages", "slices")
"""Kinds of trials that time something, and many of them."""


@dataclass(frozen=True)
class Void:
    """Why a trial does not count: the cause, the same words for all trials, and this trial's figures."""

    cause: str
    detail: str


def voids(trial: Trial, rule: FitnessRule) -> tuple[Void, ...]:
    """Every reason why the trial does not count; empty for a fit board and for one that says nothing.

    Check and memory trials always count: outputs and bytes do not depend on heat or clock.
    """
    telemetry = trial.telemetry
    if telemetry is None or trial.kind not in (*TIMED, "energy", "operators"):
        return ()
    found = (
        *_throttling(telemetry),
        *_heat(telemetry, rule.max_temp_c),
        *_clock(telemetry, rule),
        *_conditions(telemetry.conditions, telemetry, rule),
    )
    # One reason for each cause: readings at the ends and the kernel's count may both have seen it.
    return tuple({void.cause: void for void in reversed(found)}.values())[::-1]


def void_reason(trial: Trial, rule: FitnessRule) -> str | None:
    """Why the trial does not count, with its figures; None where it counts."""
    return ", ".join(void.detail for void in voids(trial, rule)) or None


def fitness_finding(trials: Sequence[Trial], rule: FitnessRule) -> Finding | None:
    """INVALID with the causes and how many timed trials they struck; None where all of them count."""
    trials = [trial for trial in trials if trial.kind in TIMED]
    causes = Counter(void.cause for trial in trials for void in voids(trial, rule))
    if not causes:
        return None
    struck = ", ".join(f"{cause} in {count} of {len(trials)} trials" for cause, count in causes.most_common())
    return Finding(
        gate="fitness",
        metric=None,
        status=Status.INVALID,
        reason=f"board not fit: {struck}; your change was not judged",
    )


def _throttling(telemetry: TrialTelemetry) -> list[Void]:
    """What holds at either end, and what the firmware's lasting bits say was so in between."""
    before = telemetry.conditions.throttled_before if telemetry.conditions is not None else None
    now = throttled_causes((telemetry.throttled or 0) | (before or 0))
    passing = [] if before is None else [w for w in throttled_between(before, telemetry.throttled) if w not in now]
    return [
        *(Void(word, word) for word in now),
        *(Void(word, f"{word} for a while within the trial") for word in passing),
    ]


def _heat(telemetry: TrialTelemetry, limit: float | None) -> list[Void]:
    known = [t for t in (telemetry.temp_before_c, telemetry.temp_after_c) if t is not None]
    if limit is None or not known or max(known) <= limit:
        return []
    return [Void(f"hotter than {limit:g} °C", f"{max(known):.1f} °C, over the limit of {limit:g} °C")]


def _clock(telemetry: TrialTelemetry, rule: FitnessRule) -> list[Void]:
    seen = [khz for khz in (telemetry.freq_before_khz, telemetry.freq_after_khz) if khz]
    if not rule.steady_clock or not seen:
        return []
    held = rule.clock_khz or seen[0]
    farthest = max(seen, key=lambda khz: abs(khz - held))
    if abs(farthest - held) <= CLOCK_CHANGE * held:
        return []
    return [Void("another frequency", f"clock went from {held / 1000:.0f} to {farthest / 1000:.0f} MHz")]


def _conditions(found: Conditions | None, telemetry: TrialTelemetry, rule: FitnessRule) -> Iterator[Void]:
    """What time_in_state, caps, cooling, other devices, power mode and others' work say; a board without them nothing.

    Each bound is one that a board in order never reaches. Where the governor moves the clock by the load, what is slow
    for a while is no fault: only what bounds the clock from outside is.
    """
    if found is None:
        return
    yield from _set_up(found, rule)
    yield from _held_down(found)
    yield from _dips(found, rule)
    yield from _device_dips(found, rule)
    if rule.alone:
        yield from _shortage(found)
        yield from _company(found)
    if rule.own_processors:
        yield from _waiting(telemetry)


def _set_up(found: Conditions, rule: FitnessRule) -> Iterator[Void]:
    """What somebody set otherwise since the board was opened."""
    if rule.governor and found.governor and found.governor != rule.governor:
        yield Void("governor changed", f"governor changed from {rule.governor} to {found.governor}")
    if len(found.caps_khz) == len(rule.caps_khz):
        for cap, opened in zip(found.caps_khz, rule.caps_khz, strict=True):
            if abs(cap - opened) > CLOCK_CHANGE * opened:
                yield Void("clock capped", f"clock capped to {_mhz(cap)}, was {_mhz(opened)} when the board was opened")
                break
    if rule.power_mode and found.power_mode and found.power_mode != rule.power_mode:
        yield Void("power mode changed", f"power mode changed from {rule.power_mode} to {found.power_mode}")
    opened_bounds = {text.partition(" to ")[0]: text for text in rule.device_bounds}
    for device in found.devices:
        opened_bound = opened_bounds.get(device.name)
        if device.bounds and opened_bound and device.bounds != opened_bound:
            yield Void("device clock capped", f"{device.bounds}, was {opened_bound} when the board was opened")


def _held_down(found: Conditions) -> Iterator[Void]:
    if found.supply_alarm:
        yield Void("under-voltage", "under-voltage, by the supply's alarm")
    acting = ", ".join(f"{one.kind} at {one.state}" for one in found.cooling)
    if acting:
        yield Void("held down by cooling", f"clock held down by cooling: {acting}")
    elif found.cooling_moves:
        yield Void("held down by cooling", f"cooling moved {found.cooling_moves} times within the trial")


def _dips(found: Conditions, rule: FitnessRule) -> Iterator[Void]:
    """Time at another clock than the one that is held; the reading at both ends is judged by `_clock`."""
    if not rule.steady_clock:
        return
    held = dict(rule.policies_khz)
    for policy in found.clocks:
        khz = held.get(policy.name, policy.khz[0] if policy.khz else 0)
        spent = zip(policy.khz, policy.ms, strict=True)
        away = [(clock, ms) for clock, ms in spent if abs(clock - khz) > CLOCK_CHANGE * khz]
        if sum(ms for _, ms in away) >= DIP_MS:
            clock, _ = max(away, key=lambda pair: abs(pair[0] - khz))
            told = f"{sum(ms for _, ms in away)} of {sum(policy.ms)} ms"
            yield Void("another frequency", f"{policy.name} at {_mhz(clock)} for {told}, held at {_mhz(khz)}")
    reference = rule.clock_khz
    if reference and found.lowest_khz and reference - found.lowest_khz > CLOCK_CHANGE * reference:
        read = f"one of {found.clock_reads} readings"
        yield Void("another frequency", f"clock at {_mhz(found.lowest_khz)} in {read}, held at {_mhz(reference)}")


def _device_dips(found: Conditions, rule: FitnessRule) -> Iterator[Void]:
    reference = dict(rule.devices_hz)
    for device in found.devices:
        if not device.held:
            continue
        hz = reference.get(device.name, device.hz_before)
        low = device.lowest_hz if device.low_ms >= DIP_MS else None
        farthest = max((one for one in (device.hz_before, device.hz, low) if one), key=lambda one: abs(one - hz))
        if abs(farthest - hz) > CLOCK_CHANGE * hz:
            yield Void("another device clock", f"{device.name} went from {hz / 1e6:.0f} to {farthest / 1e6:.0f} MHz")


def _shortage(found: Conditions) -> Iterator[Void]:
    if found.swapped_pages is not None and found.swapped_pages >= SWAPPED_PAGES:
        yield Void("swapping", f"{found.swapped_pages} pages went to swap or came from it")
    if found.memory_pressure is not None and found.memory_pressure >= MEMORY_PRESSURE:
        share = f"{100 * found.memory_pressure:.0f} %"
        yield Void("memory pressure", f"processes waited for memory in {share} of the time")


def _company(found: Conditions) -> Iterator[Void]:
    """What a hypervisor and other processes took."""
    if found.steal is not None and found.steal >= STOLEN:
        yield Void("steal", f"the hypervisor gave {found.steal:.2f} cores' time to others")
    if found.others is not None and found.others >= OTHERS:
        yield Void("other processes", f"other processes took {found.others:.2f} cores' time")


def _waiting(telemetry: TrialTelemetry) -> Iterator[Void]:
    waited = telemetry.runqueue_wait_s
    if waited is not None and waited >= OFF_CPU * (waited + telemetry.cpu_s) and waited >= OFF_CPU_S:
        share = 100 * waited / (waited + telemetry.cpu_s)
        yield Void("kept from the processor", f"waited for a processor in {share:.0f} % of its time")


def _mhz(khz: int) -> str:
    return f"{khz / 1000:.0f} MHz"
