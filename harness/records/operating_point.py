"""What a board was set to while it measured: power mode, governors, frequency limits, cores."""

from harness.records.base import Record
from harness.records.units import format_quantity

_APART = ("interrupts", "page cache")
"""Settings that change no clock."""


class ClockSetting(Record):
    """Of a group of cores, a memory controller, a GPU or an NPU: what governs its clock, and between which limits."""

    name: str
    """policy0, or the device's name."""
    cpus: str | None
    """Such as 0-3; None where it is not the clock of cores."""
    governor: str | None
    min_hz: int | None
    max_hz: int | None

    @property
    def words(self) -> str:
        """Such as "policy0 (CPUs 0-3) performance, 0.6 to 1.5 GHz"."""
        where = f"{self.name} (CPUs {self.cpus})" if self.cpus else self.name
        return f"{where} {', '.join(part for part in (self.governor, self.limits) if part) or 'unknown'}"

    @property
    def limits(self) -> str | None:
        """Such as "600 MHz to 1.5 GHz", or "1.5 GHz" where both are the same; None where neither is known."""
        if self.min_hz is not None and self.min_hz == self.max_hz:
            return format_quantity(self.min_hz, "Hz")
        low, high = (None if hz is None else format_quantity(hz, "Hz") for hz in (self.min_hz, self.max_hz))
        if low is None or high is None:
            return f"to {high}" if high else f"from {low}" if low else None
        return f"{low} to {high}"


class SettingReached(Record):
    """One setting that the profile asks for: what it was, what was wanted, what it is."""

    what: str
    """Such as "governor of policy0"."""
    wanted: str
    before: str | None
    reached: str | None
    problem: str | None
    """Why it is not what was wanted; None where it is."""
    denied: bool
    """Whether it is only this account that may not."""

    @property
    def changed(self) -> bool:
        """Whether it is another one than before."""
        return self.problem is None and self.before != self.reached

    @property
    def words(self) -> str:
        """Such as "governor of policy0 from ondemand to performance"."""
        if self.problem is not None:
            return f"{self.what} is {self.reached or 'unknown'}, not {self.wanted}: {self.problem}"
        if self.before is None or not self.changed:
            return f"{self.what} {self.reached}"
        return f"{self.what} from {self.before} to {self.reached}"


def fingerprint_at(fingerprint: str | None, point: "OperatingPoint | None") -> str | None:
    """A device's fingerprint, as it is for an entry that was measured at an operating point of its own."""
    return fingerprint if fingerprint is None or point is None else f"{fingerprint} at {point.words}"


class OperatingPoint(Record):
    """A board's operating point as it was reached, and each setting that was asked for it."""

    power_mode: str | None
    clocks: tuple[ClockSetting, ...]
    cpus: str | None
    """The cores that measuring processes ran on; None: all."""
    settings: tuple[SettingReached, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """What was set, a sentence each."""
        cores = [f"measuring on CPUs {self.cpus}"] if self.cpus else []
        return (*cores, *(setting.words for setting in self.settings if setting.changed))

    @property
    def refused(self) -> tuple[SettingReached, ...]:
        """What the board did not take."""
        return tuple(setting for setting in self.settings if setting.problem is not None)

    @property
    def set_apart(self) -> tuple[str, ...]:
        """What was set of power mode and clocks, governors of cores left out: facts have these."""
        return tuple(
            f"{setting.what} {setting.reached or 'unknown'}"
            for setting in self.settings
            if setting.what not in _APART and not setting.what.startswith("governor of policy")
        )

    @property
    def limits(self) -> str:
        """Between which frequencies each clock may run, and the cores that measured, in one line."""
        cores = [f"measuring on CPUs {self.cpus}"] if self.cpus else []
        limits = (f"{clock.name} {clock.limits}" for clock in self.clocks if clock.limits)
        return "; ".join([*limits, *cores]) or "none"

    @property
    def words(self) -> str:
        """All of it in one line."""
        cores = [f"measuring on CPUs {self.cpus}"] if self.cpus else []
        mode = [f"power mode {self.power_mode}"] if self.power_mode else []
        return "; ".join([*mode, *(clock.words for clock in self.clocks), *cores])
