"""What happens on a board and when: events, and the TOML files that hold them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records.errors import UsageError
from harness.records.toml_file import read_toml
from harness.records.units import parse_duration

_TIMES = ("at", "for", "every")


@dataclass(frozen=True)
class Event:
    """What happens on a board, seconds after its script was begun.

    It is undone after ``lasting_s``, and comes again every ``every_s``, if these are given.
    """

    at_s: float
    changes: Mapping[str, Any]
    lasting_s: float | None = None
    every_s: float | None = None


def load_script(path: Path) -> list[Event]:
    """The events of a TOML file: [[event]] with at, for, every, and what changes. Raises UsageError."""
    tables = read_toml(path, error=UsageError)
    events = tables.pop("event", [])
    if tables or not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise UsageError(f"{path}: expected nothing but [[event]] tables")
    return [_event(table, f"{path}, event {number}") for number, table in enumerate(events, start=1)]


def _event(table: dict[str, Any], where: str) -> Event:
    changes = {name: value for name, value in table.items() if name not in _TIMES}
    if "at" not in table or not changes:
        raise UsageError(f'{where}: expected at = "2 s" and what changes, such as temp_c = 80.0')
    at_s, lasting_s, every_s = (None if key not in table else _seconds(table[key], f"{where}, {key}") for key in _TIMES)
    if every_s is not None and every_s <= (lasting_s or 0.0):
        raise UsageError(f"{where}: every has to be longer than 0 and than for")
    return Event(at_s or 0.0, changes, lasting_s, every_s)


def _seconds(value: object, where: str) -> float:
    try:
        if not isinstance(value, str | int | float):
            raise ValueError(f"{value!r:.60} is no duration")
        seconds = parse_duration(value)
        if seconds < 0:
            raise ValueError(f"{value} is before the beginning")
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error
    return seconds
