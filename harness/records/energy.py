"""Energy with where it comes from: what a power source said in a window, how exact it is, and how that is shown."""

from typing import Literal

from pydantic import Field

from harness.records.base import Record

HOST_METER = "host-meter"
"""The sensor of a trial whose watts this host reads, by the profile's meter command."""


class PowerRail(Record):
    """A rail of a sensor: its label, and what tells the size of its steps where the driver says so."""

    label: str
    volts: float | None = None
    shunt_uohm: int | None = None


class EnergyReading(Record):
    """A source's account of a window of steady inference, and of an idle window before it.

    ``at_s`` are seconds from the window's beginning, ``watts`` what was read then; empty of a counter, which is read at
    both ends. ``missed`` reads failed and are left out.
    """

    sensor: str
    window_s: float
    mean_w: float
    idle_w: float | None
    readings: int
    inferences: int
    chip: str = ""
    devices: int = 1
    rails: tuple[PowerRail, ...] = ()
    at_s: tuple[float, ...] = ()
    watts: tuple[float, ...] = ()
    missed: int = 0
    idle_s: float = 0.0
    idle_at_s: tuple[float, ...] = ()
    idle_watts: tuple[float, ...] = ()
    ended_ago_s: float = 0.0
    """Seconds from the window's end until the trial was answered."""
    idle_ended_ago_s: float = 0.0


class SensorAccuracy(Record):
    """How far a source may be off at most: a share of the reading, and watts at any reading."""

    gain: float | None = Field(default=None, ge=0.0, le=1.0)
    """None: unknown."""
    offset_w: float = Field(default=0.0, ge=0.0, le=1e3)
    step_w: float = Field(default=0.0, ge=0.0, le=1e3)
    source: str = Field(default="", max_length=4096)
    """Where that is said."""


class PowerSource(Record):
    """Where joules and watts come from, and what their band is made of."""

    name: str
    """As profiles write it, or "model"."""
    kind: Literal["sensor", "counter", "model"]
    scope: str = ""
    """What of the board it does not see, in words."""
    windows: int = 0
    window_s: float | None = None
    """The shortest of them."""
    rate_hz: float | None = None
    """How often it was read."""
    updates_hz: float | None = None
    """How often its reading changed: at least so often it is made anew."""
    readings: int = 0
    missed: int = 0
    step_w: float = 0.0
    """The steps in which it reads."""
    accuracy: SensorAccuracy = SensorAccuracy()
    sampling: float | None = None
    """The share of the band that comes from reading now and then; None where it is not known apart."""
    band_says: str = ""
    """What the band holds and what it leaves out, in words."""
