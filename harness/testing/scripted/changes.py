"""What a script may have happen on a board, by name. docs/scripted-boards.md has the list for readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harness.records.errors import UsageError

if TYPE_CHECKING:
    from harness.testing.scripted.clocks import ClockFiles, DevfreqDevice
    from harness.testing.scripted.simulation import Simulation

FIRMWARE_BITS = {"under_voltage": 0, "frequency_capped": 1, "throttled": 2, "soft_temperature_limit": 3}
"""What a script calls the bits of ``vcgencmd get_throttled``."""
_SINCE_BOOT = 16
_HUGE_PAGES = "sys/kernel/mm/transparent_hugepage/enabled"
_HUGE_PAGE_WORDS = ("always", "madvise", "never")

Change = Callable[[Any], Any]
"""Takes the new value and gives the one that was there, which undoes the change when it is set again."""


def changes_of(simulation: Simulation) -> dict[str, Change]:
    """The changes that this board knows."""
    known = {**_every_board(simulation), **_devices(simulation)}
    if simulation.kind.firmware_path is None:
        known["cooling"] = lambda state: _cool(simulation, int(state))
    else:
        known.update(_firmware(simulation))
    for name in simulation.cooling:
        known[name.replace("-", "_")] = _item(simulation.cooling, name, int)
    for label in simulation.rails.labels:
        known[f"{label}_w"] = _item(simulation.rails.fixed, label, float)
    if simulation.kind.power_modes:
        known["power_mode"] = lambda name: _power_mode(simulation, name)
    return known


def _every_board(simulation: Simulation) -> dict[str, Change]:
    machine = simulation.machine
    settings = [policy.settings for policy in simulation.policies]
    return {
        "temp_c": lambda celsius: _warm(simulation, celsius),
        "governor": lambda name: _write_all(settings, "scaling_governor", name),
        "cpu_max_khz": lambda khz: _write_all(settings, "scaling_max_freq", khz),
        "cpu_min_khz": lambda khz: _write_all(settings, "scaling_min_freq", khz),
        "cpu_dip_khz": lambda khz: _dip(simulation, khz),
        "swap_used_kb": _attribute(machine, "swap_used_kb"),
        "swap_pages_per_s": _attribute(machine, "swap_pages_per_s"),
        "steal": _attribute(machine, "steal"),
        "busy_cores": _attribute(machine, "busy_cores"),
        "huge_pages": lambda word: _huge_pages(simulation, word),
        **{f"{name}_pressure": _item(machine.pressure, name, float) for name in machine.pressure},
    }


def _devices(simulation: Simulation) -> dict[str, Change]:
    """Caps and dips of the memory's, the GPU's and the NPU's clock."""
    known: dict[str, Change] = {}
    for device in simulation.devices:
        known.update(_device(device))
    if simulation.emc is not None:
        known["memory_dip_hz"] = _attribute(simulation.emc, "dip_hz")
        known["memory_max_hz"] = simulation.emc.set_cap
    return known


def _device(device: DevfreqDevice) -> dict[str, Change]:
    role, settings = device.device.role, [device.settings]
    return {
        f"{role}_dip_hz": _attribute(device, "dip_hz"),
        f"{role}_max_hz": lambda hz: _write_all(settings, "max_freq", hz),
        f"{role}_governor": lambda name: _write_all(settings, "governor", name),
    }


def _firmware(simulation: Simulation) -> dict[str, Change]:
    known: dict[str, Change] = {"firmware_khz": _attribute(simulation, "firmware_khz")}
    for name, bit in FIRMWARE_BITS.items():
        known[name] = _bit(simulation, bit)
    return known


def _attribute(owner: object, name: str) -> Change:
    def change(value: object) -> object:
        before: object = getattr(owner, name)
        setattr(owner, name, value)
        return before

    return change


def _item(values: dict[str, Any], name: str, kind: Callable[[Any], Any]) -> Change:
    """None takes the value away."""

    def change(value: object) -> object:
        before = values.pop(name, None)
        if value is not None:
            values[name] = kind(value)
        return before

    return change


def _bit(simulation: Simulation, bit: int) -> Change:
    """A bit of the firmware, and for ever after the one that says it was so since boot."""

    def change(on: object) -> bool:
        before = bool(simulation.throttled >> bit & 1)
        if on:
            simulation.throttled |= 1 << bit | 1 << (bit + _SINCE_BOOT)
        else:
            simulation.throttled &= ~(1 << bit)
        return before

    return change


def _write_all(settings: list[ClockFiles], name: str, value: object) -> list[str]:
    """Write one file of every policy, as another process of the board would; a list has a value for each."""
    values = value if isinstance(value, list) else [value] * len(settings)
    return [one.set(name, str(new)) for one, new in zip(settings, values, strict=True)]


def _dip(simulation: Simulation, khz: int | None) -> int | None:
    """Hold all CPUs' clocks down, and nothing else; None lets go."""
    before = simulation.policies[0].dip_khz
    for policy in simulation.policies:
        policy.dip_khz = khz
    return before


def _warm(simulation: Simulation, celsius: float) -> float:
    before = next(iter(simulation.temps.values()))
    for zone in simulation.temps:
        simulation.temps[zone] += float(celsius) - before
    return before


def _cool(simulation: Simulation, state: int) -> int:
    """The CPUs' cooling devices: so many operating points below the highest."""
    before = simulation.policies[0].cooling_state
    for policy in simulation.policies:
        policy.cooling_state = state
    return before


def _huge_pages(simulation: Simulation, word: str) -> str:
    if word not in _HUGE_PAGE_WORDS:
        raise UsageError(f"huge_pages = {word!r}: expected {', '.join(_HUGE_PAGE_WORDS)}")
    text = simulation.files.read(_HUGE_PAGES)
    before = next(one for one in _HUGE_PAGE_WORDS if f"[{one}]" in text)
    told = " ".join(f"[{one}]" if one == word else one for one in _HUGE_PAGE_WORDS)
    simulation.files.put_back(_HUGE_PAGES, told)
    return before


def _power_mode(simulation: Simulation, name: str) -> str:
    """What ``nvpmodel -m`` does."""
    modes = {mode.name: mode.number for mode in simulation.kind.power_modes}
    if name not in modes:
        raise UsageError(f"power_mode = {name!r}: this board has {', '.join(modes)}")
    before = simulation.mode_name
    simulation.set_mode(modes[name])
    return before
