"""``harness doctor --footprint``: what an operating system takes before any model, alone or beside a stored one."""

import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from harness.board import open_board
from harness.board.events import FootprintEvent
from harness.profiles import load
from harness.records.base import Record, describe_problems
from harness.records.device import PowerModel
from harness.records.errors import UsageError
from harness.records.files import read_bytes
from harness.records.health import Footprint
from harness.records.text import escaped_json, visible
from harness.records.units import format_quantity

MOST_BYTES = 2**20
REST_SHARE = 0.1
"""Busier than this is no rest."""
_SERVICES = 5
"""As many of the largest are shown."""


class StoredFootprint(Record):
    """What ``--footprint --json`` prints, and ``--against`` reads."""

    device: str = Field(max_length=256)
    system: str = Field(max_length=4096)
    kernel: str = Field(max_length=4096)
    footprint: Footprint


@dataclass(frozen=True)
class Figure:
    """A figure of a footprint: its values, one a window or a single one, and how one is written."""

    title: str
    values: Callable[[Footprint], Sequence[float]]
    text: Callable[[float], str]


def _bytes(value: float) -> str:
    return format_quantity(value, "B")


def _rate(value: float) -> str:
    return f"{value:,.0f} /s"


FIGURES = (
    Figure("memory in use", lambda one: one.memory_used_bytes, _bytes),
    Figure("of it the kernel's own", lambda one: (one.kernel_memory_bytes,), _bytes),
    Figure("processes", lambda one: (one.processes,), lambda value: f"{value:.0f}"),
    Figure("services", lambda one: (len(one.services),), lambda value: f"{value:.0f}"),
    Figure("wake-ups of cores", lambda one: one.wakeups_per_s, _rate),
    Figure("interrupts", lambda one: one.interrupts_per_s, _rate),
    Figure("context switches", lambda one: one.switches_per_s, _rate),
    Figure("cores busy", lambda one: tuple(100 * share for share in one.busy), lambda value: f"{value:.1f} %"),
    Figure("power at rest", lambda one: one.idle_w, lambda value: f"{value:.3g} W"),
)


def show_footprint(name: str, *, devices_dir: Path | None, against: Path | None, as_json: bool) -> None:
    """Print what the board's operating system takes at rest; beside that of a file, where one is given."""
    other = None if against is None else _read(against)
    profile = load(name, devices_dir)
    with open_board(profile, tune=False) as board:
        facts = board.facts
        names = profile.power.sensors or [sensor.name for sensor in facts.sensors if sensor.readable]
        found = board.ask("footprint", FootprintEvent, sensors=list(names)).footprint
    here = StoredFootprint(device=name, system=facts.os or "unknown", kernel=facts.kernel, footprint=found)
    if as_json:
        told = here.model_dump(mode="json")
        if other is not None:
            told["against"] = other.model_dump(mode="json")
        sys.stdout.write(escaped_json(json.dumps(told, indent=2)) + "\n")
        return
    sys.stdout.write("\n".join(describe_footprint(here, other, profile.power.model)) + "\n")


def describe_footprint(here: StoredFootprint, other: StoredFootprint | None, model: PowerModel | None) -> Iterator[str]:
    """The lines for a terminal: one image, or two side by side; ``model`` is the profile's, for want of a sensor."""
    notes = list(_notes(here.footprint, model))
    return _alone(here, notes) if other is None else _beside(here, other, notes)


def _read(path: Path) -> StoredFootprint:
    try:
        found = json.loads(read_bytes(path, max_bytes=MOST_BYTES))
        if isinstance(found, dict):
            found.pop("against", None)
        return StoredFootprint.model_validate_json(json.dumps(found))
    except ValidationError as error:
        reason = describe_problems(error)
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error)
    raise UsageError(f"{path}: expected what harness doctor NAME --footprint --json prints: {visible(reason)}")


def _head(one: StoredFootprint) -> str:
    return visible(f"{one.device}: {one.system}, kernel {one.kernel}")


def _alone(here: StoredFootprint, notes: Sequence[str]) -> Iterator[str]:
    yield _head(here)
    yield from notes
    for figure in FIGURES:
        yield f"{figure.title:24}{_written(figure, here.footprint)}"
    yield from _services(here.footprint)


def _notes(one: Footprint, model: PowerModel | None) -> Iterator[str]:
    """How the figures came about, and what stands against them."""
    yield f"no model runs: medians of {len(one.interrupts_per_s)} windows of {one.window_s:g} s (least to largest)"
    if one.busy and statistics.median(one.busy) > REST_SHARE:
        yield f"not at rest: cores are {100 * statistics.median(one.busy):.0f} % busy; harness doctor names by what"
    if one.sensor is not None:
        yield f"power by {visible(one.sensor)}"
    elif model is None:
        yield "power: no sensor can be read"
    else:
        yield f"power: no sensor can be read; the profile's model has {model.idle_w:g} W at rest, whatever the image"


def _written(figure: Figure, one: Footprint) -> str:
    values = figure.values(one)
    if not values:
        return "not known"
    median = figure.text(statistics.median(values))
    least, most = figure.text(min(values)), figure.text(max(values))
    return median if least == most else f"{median} ({least} to {most})"


def _services(one: Footprint) -> Iterator[str]:
    for service in one.services[:_SERVICES]:
        yield f"  {visible(service.name)}: {_bytes(service.memory_bytes)}, {service.wakeups_per_s:.1f} wake-ups/s"
    if len(one.services) > _SERVICES:
        yield f"  and {len(one.services) - _SERVICES} smaller services (--json lists them)"


def _beside(here: StoredFootprint, other: StoredFootprint, notes: Sequence[str]) -> Iterator[str]:
    yield f"here:    {_head(here)}"
    yield f"against: {_head(other)}"
    yield from notes
    yield f"{'':24}{'here':>14}{'against':>14}   difference"
    for figure in FIGURES:
        yield _row(figure, figure.values(here.footprint), figure.values(other.footprint))
    mine, theirs = ({service.name for service in one.footprint.services} for one in (here, other))
    for title, names in (("only here", mine - theirs), ("only there", theirs - mine)):
        if names:
            yield f"services {title}: {visible(', '.join(sorted(names)))}"


def _row(figure: Figure, mine: Sequence[float], theirs: Sequence[float]) -> str:
    """A difference is one where the windows of the two do not overlap."""
    texts = [figure.text(statistics.median(values)) if values else "not known" for values in (mine, theirs)]
    told = ""
    if mine and theirs:
        apart = min(mine) > max(theirs) or max(mine) < min(theirs)
        change = statistics.median(mine) - statistics.median(theirs)
        same = "the same" if change == 0 else "within the windows' range"
        told = f"{'+' if change > 0 else '-'}{figure.text(abs(change))}" if apart else same
    return f"{figure.title:24}{texts[0]:>14}{texts[1]:>14}   {told}".rstrip()
