"""The state of a board while a trial ran: clocks, caps, cooling, power mode, and what others took from it."""

from typing import Annotated

from pydantic import Field

from harness.records.base import Record

_FEW = Field(max_length=256)
"""More policies, clocks or devices than any board has are no answer."""


class PolicyClock(Record):
    """How long the cores that share a clock ran at which one, by the kernel's count."""

    name: str
    """Such as policy0."""
    khz: Annotated[tuple[int, ...], _FEW]
    """The clocks that it ran at, the one of most time first."""
    ms: Annotated[tuple[int, ...], _FEW]
    """Milliseconds at each; the kernel counts in steps of 10 ms."""


class DeviceState(Record):
    """A memory controller, GPU or NPU over a span: its clock at both ends, and what bounds it."""

    name: str
    hz_before: int
    hz: int
    """At the span's end."""
    bounds: str | None
    """As `BoardFacts.device_clocks` has it: "dmc to 2112 MHz, performance"; None where no bound is known."""
    held: bool
    """Whether nothing but a fault moves it: a governor that holds it, or bounds that are one clock."""
    lowest_hz: int | None = None
    """The lowest clock that it spent time at, where its driver counts (trans_stat)."""
    low_ms: int = 0
    """Milliseconds at clocks other than the one of most time."""


class CoolingState(Record):
    """What the kernel holds a clock down by, and how far at most at the span's ends."""

    kind: str
    state: int


class Conditions(Record):
    """What was read of a board around a span. None and empty: the board does not say, and nothing is taken for well."""

    governor: str | None = None
    """Of all policies, as `BoardFacts.governor` has it."""
    caps_khz: Annotated[tuple[int, ...], _FEW] = ()
    """scaling_max_freq of every policy, in the kernel's order."""
    clocks: Annotated[tuple[PolicyClock, ...], _FEW] = ()
    """Of the policies that the trial could run on; empty where the kernel keeps no time_in_state."""
    lowest_khz: int | None = None
    """Without time_in_state: the lowest clock among those read between inferences, and at both ends."""
    clock_reads: int = 0
    """How many those are."""
    throttled_before: int | None = None
    """A Raspberry Pi's firmware bits at the span's begin."""
    supply_alarm: bool | None = None
    """Whether the supply was below its limit at either end, where its driver tells."""
    cooling: Annotated[tuple[CoolingState, ...], _FEW] = ()
    """Those that act by a clock, and did."""
    cooling_moves: int | None = None
    """How often such a one went to another state meanwhile, where the kernel counts."""
    devices: Annotated[tuple[DeviceState, ...], _FEW] = ()
    power_mode: str | None = None
    swapped_pages: int | None = None
    """Pages that went to swap or came from it."""
    memory_pressure: float | None = None
    """Share of the span in which some process waited for memory."""
    steal: float | None = None
    """Cores' worth of time that a hypervisor gave to other machines."""
    others: float | None = None
    """Cores' worth of time that other processes took."""
    reading_s: float = 0.0
    """What reading all this took, at both ends together, without waiting for a processor."""


class WarmUp(Record):
    """Whether latency had a trend over the first trials."""

    trials: int
    """How many the test looked at."""
    tau: float | None = None
    """Kendall's, of the trials' medians with their order."""
    p: float | None = None
    """Two-sided, exact."""
    change: float | None = None
    """By what share latency moved from the first to the last of them, by the median slope."""
    steady: bool | None = None
    """None where too few trials tell."""
    sentence: str
