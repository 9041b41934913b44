"""What moves a board's clocks: governor, caps, turbo, power mode, heat, supply."""

from harness.board.doctor.check import (
    SUDO,
    Answer,
    Check,
    Examination,
    at_root,
    by_facts,
    by_state,
    fail,
    ok,
    on_board,
    wait_until_well,
    warn,
    write_files,
)
from harness.board.preflight import too_hot
from harness.records.board import BoardFacts
from harness.records.health import SystemState

HOT_C = 80.0
"""Where a profile has no limit: a Raspberry Pi lowers its clock from here on."""
CAP_SHARE = 0.98
_STEADY = "performance"
_COOLS_BY_CLOCK = ("cpufreq", "devfreq", "processor", "powerclamp")
_FAST_MODES = ("maxn", "performance")
_UNDER_VOLTAGE = 0
_THROTTLE_NAMES = {1: "the clock is capped", 2: "throttled", 3: "at the soft temperature limit"}
_SINCE_BOOT = 16


def _governor(found: Examination, state: SystemState) -> Answer:
    there = [policy for policy in state.policies if policy.governor]
    other = [policy for policy in there if policy.governor != _STEADY]
    if not there:
        return ok("the board lets nobody set its clock (no cpufreq)")
    if not other:
        return ok(f"{_STEADY} on all cores")
    said = ", ".join(f"{policy.governor} on {policy.name}" for policy in other)
    if found.profile.tuning.governor == _STEADY and found.untuned is None:
        return ok(f"{said}; a run sets {_STEADY} and puts it back")
    able = [policy for policy in other if _STEADY in policy.offered or not policy.offered]
    if not able:
        return warn(f"{said}; the kernel offers no governor {_STEADY}")
    paths = [at_root(state, f"sys/devices/system/cpu/cpufreq/{policy.name}/scaling_governor") for policy in able]
    return warn(said, on_board(found, write_files(_STEADY, paths)))


def _cap(found: Examination, state: SystemState) -> Answer:
    known = [policy for policy in state.policies if policy.max_khz and policy.hardware_max_khz]
    capped = [policy for policy in known if (policy.max_khz or 0) < CAP_SHARE * (policy.hardware_max_khz or 0)]
    if not known:
        return ok("no cap is known")
    if not capped:
        return ok(f"up to {max(policy.max_khz or 0 for policy in known) / 1e6:.3g} GHz")
    said = ", ".join(
        f"{policy.name} up to {(policy.max_khz or 0) / 1e6:.3g} of {(policy.hardware_max_khz or 0) / 1e6:.3g} GHz"
        for policy in capped
    )
    commands = [
        write_files(
            str(policy.hardware_max_khz),
            [at_root(state, f"sys/devices/system/cpu/cpufreq/{policy.name}/scaling_max_freq")],
        )
        for policy in capped
    ]
    return warn(said, on_board(found, "; ".join(commands)))


def _turbo(found: Examination, state: SystemState) -> Answer:
    if state.turbo is None:
        return ok("the board has none")
    if not state.turbo.on:
        return ok("off")
    fix = write_files(state.turbo.off_value, [at_root(state, state.turbo.file)])
    return warn("on", on_board(found, fix))


def _power_mode(found: Examination, state: SystemState) -> Answer:
    if state.power_mode is None:
        return ok("the board has none")
    modes = {mode.key: mode.name for mode in state.power_modes}
    name = modes.get(state.power_mode, state.power_mode)
    fastest = [key for key, one in modes.items() if one.casefold().startswith(_FAST_MODES)]
    if not fastest or state.power_mode in fastest:
        return ok(name)
    wanted = fastest[-1]
    if wanted.isdigit():
        fix = f"{SUDO}nvpmodel -m {wanted}"
    else:
        fix = write_files(wanted, [at_root(state, "sys/firmware/acpi/platform_profile")])
    return warn(f"{name}, where {modes[wanted]} is the fastest", on_board(found, fix))


def _device_clocks(found: Examination, state: SystemState) -> Answer:
    moving = [one for one in state.devices if one.max_hz and one.hz < one.max_hz and one.governor != _STEADY]
    if not state.devices:
        return ok("the board shows none")
    if not moving:
        return ok(", ".join(f"{one.name} at {one.hz / 1e6:.0f} MHz" for one in state.devices))
    said = ", ".join(
        f"{one.name} at {one.hz / 1e6:.0f} of {(one.max_hz or 0) / 1e6:.0f} MHz ({one.governor})" for one in moving
    )
    able = [at_root(state, f"sys/class/devfreq/{one.name}/governor") for one in moving if _STEADY in one.offered]
    return warn(said, on_board(found, write_files(_STEADY, able)) if able else None)


def _temperature(found: Examination, facts: BoardFacts) -> Answer:
    if facts.temp_c is None:
        return ok("the board shows none")
    hot = too_hot(found.profile, facts)
    if hot is not None:
        return fail(f"{hot}: give it a fan, or let it cool", wait_until_well(found))
    limit = found.profile.limits.max_temp_c
    if limit is None and facts.temp_c > HOT_C:
        return warn(f"{facts.temp_c:.1f} C, and the profile has no limits.max_temp_c: give it a fan")
    return ok(f"{facts.temp_c:.1f} C{f', limit {limit:g} C' if limit is not None else ''}")


def _throttling(found: Examination, facts: BoardFacts) -> Answer:
    bits = facts.throttled
    if bits is None:
        return ok("the firmware tells nothing of it")
    now = [words for bit, words in _THROTTLE_NAMES.items() if bits >> bit & 1]
    ever = [words for bit, words in _THROTTLE_NAMES.items() if bits >> bit >> _SINCE_BOOT & 1]
    if now:
        return fail(f"{', '.join(now)} now: give it a fan or a better supply")
    if ever:
        return warn(f"{', '.join(ever)} at some time since boot", on_board(found, f"{SUDO}reboot"))
    return ok("none since boot")


def _supply(found: Examination, state: SystemState) -> Answer:
    bits = found.facts.throttled if found.facts else None
    if state.supply_alarm or (bits is not None and bits >> _UNDER_VOLTAGE & 1):
        return fail("under-voltage now: use the board's own supply and a short, thick cable")
    if bits is not None and bits >> _SINCE_BOOT & 1:
        return warn(
            "under-voltage at some time since boot: use the board's own supply", on_board(found, f"{SUDO}reboot")
        )
    known = bits is not None or state.supply_alarm is not None
    return ok("no under-voltage since boot" if known else "the board does not measure it")


def _cooling(found: Examination, state: SystemState) -> Answer:
    del found
    acting = [
        one for one in state.cooling if one.state > 0 and any(word in one.kind.casefold() for word in _COOLS_BY_CLOCK)
    ]
    if acting:
        return warn(f"the kernel holds clocks down: {', '.join(f'{one.kind} at {one.state}' for one in acting)}")
    return ok("no clock is held down" if state.cooling else "the board shows none")


CLOCK_CHECKS = (
    Check(
        "governor",
        "the CPU governor of every policy",
        "the clock follows the load: latencies up to several times as long, and their spread with them",
        by_state(_governor),
    ),
    Check(
        "frequency cap",
        "scaling_max_freq against cpuinfo_max_freq",
        "latencies grow as the clock is capped, and do not compare with other boards of the kind",
        by_state(_cap),
    ),
    Check(
        "turbo",
        "boost, or no_turbo",
        "the first trials run faster than the later ones, by as much as the clock boosts",
        by_state(_turbo),
    ),
    Check(
        "power mode",
        "nvpmodel, or the platform profile",
        "clocks and cores are capped: other figures than in another mode",
        by_state(_power_mode),
    ),
    Check(
        "memory and accelerator clocks",
        "devfreq clocks and their governors",
        "on a Jetson the memory clock alone moves the median by 11 to 48 %",
        by_state(_device_clocks),
    ),
    Check(
        "temperature",
        "the hottest CPU zone against limits.max_temp_c, or 80 C",
        "a hot board lowers its clock: trials are void, or slower as a run goes on",
        by_facts(_temperature),
    ),
    Check(
        "throttling",
        "a Raspberry Pi's firmware bits, now and since boot",
        "trials under it are void; a Pi 4 without cooling loses up to 90 % of its throughput",
        by_facts(_throttling),
    ),
    Check(
        "supply voltage",
        "the firmware's under-voltage bits, and its hwmon alarm",
        "a weak supply halves the clock: latencies twice as long; trials under it are void",
        by_state(_supply),
    ),
    Check(
        "cooling",
        "cooling devices that act by the clock",
        "latencies grow while it acts, in dips too short for two readings to see",
        by_state(_cooling),
    ),
)
