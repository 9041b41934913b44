"""The profile of a new board, from what a probe found: as short as what it extends allows."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records.board import BoardFacts
from harness.records.device import Connection, DeviceProfile, Power, PowerModel
from harness.records.errors import ProfileError
from harness.records.files import read_text, replace_file
from harness.records.text import visible

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_WORD_CHARS = 200
_NOMINAL_GIB = (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
_GIB = 2**30
_CLOCK = re.compile(r"@ ([\d.]+) GHz")
_CLOCK_SHARE = 0.02
"""Clocks nearer to each other than this are one clock, rounded differently."""

_BLANK = DeviceProfile(name="", lineage=())

Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Suggestion:
    """A profile's TOML text, what it extends, and sentences on what the board or the profile still lacks."""

    text: str
    extends: str | None
    missing: tuple[str, ...]


def suggest_profile(
    name: str, connection: Connection, *, facts: BoardFacts, known: Mapping[str, DeviceProfile]
) -> Suggestion:
    """A profile for the board ``name``, reached by ``connection``, that says of itself what ``facts`` hold.

    It extends the one of ``known`` whose hardware.model stands in the board's model string; the processor's name alone
    decides nothing, since boards of the same cores differ in clock, cooling and power.
    Raises ProfileError for a name that cannot be a file's.
    """
    check_name(name)
    facts = _shortened(facts)
    parent = _nearest_profile(facts, known)
    tables = {
        "connection": _connection(connection, parent),
        "hardware": _hardware(facts, parent),
        **_tables(facts, parent),
    }
    head = {"description": _description(name, facts)} | ({"extends": parent.name} if parent else {})
    missing = tuple(_missing(name, facts, parent))
    return Suggestion(_toml(head, tables), parent.name if parent else None, missing)


def _shortened(facts: BoardFacts) -> BoardFacts:
    """The facts with the board's own words as a profile takes them: one line of reasonable length each."""
    words = {key: getattr(facts, key) for key in ("model", "hostname", "arch", "cpu", "storage")}
    return facts.model_copy(
        update={key: visible(word)[:_WORD_CHARS].strip() for key, word in words.items() if word is not None}
    )


def write_profile(path: Path, text: str) -> Path:
    """The file at ``path`` with ``text``, its folder made if need be; ProfileError rather than overwrite one."""
    check_name(path.stem)
    if path.exists():
        raise ProfileError(f"{path}: exists already: choose another name, or delete it first")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def accept_hardware(path: Path, facts: BoardFacts, keys: Iterable[str]) -> Path:
    """Have the profile at ``path`` say of these keys of [hardware] what the board says; the rest stays as it is.

    ProfileError where the file cannot be read or written.
    """
    found = _hardware(_shortened(facts), None)
    return _update_table(path, "hardware", {key: found[key] for key in keys if key in found})


def write_power_model(path: Path, model: PowerModel) -> Path:
    """Have the profile at ``path`` say this model in [power]; comments and the rest stay as they are.

    ProfileError where the file cannot be read or written.
    """
    import tomlkit

    inline = tomlkit.inline_table()
    inline.update(model.model_dump(mode="json"))
    return _update_table(path, "power", {"model": inline})


def _update_table(path: Path, name: str, values: Mapping[str, object]) -> Path:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(read_text(path))
        table = document.setdefault(name, tomlkit.table())
        table.update(values)
        replace_file(path, tomlkit.dumps(document).encode())
    except (OSError, ValueError, TOMLKitError) as error:
        raise ProfileError(f"{path}: its [{name}] cannot be changed: {error}") from error
    return path


def check_name(name: str) -> None:
    """ProfileError unless ``name`` can be a device's: letters, digits, dots, dashes and underscores."""
    if not _NAME.fullmatch(name):
        raise ProfileError(f'"{name}" cannot be a device\'s name: expected letters, digits, ".", "-" and "_"')


def _nearest_profile(facts: BoardFacts, known: Mapping[str, DeviceProfile]) -> DeviceProfile | None:
    """The profile of this kind of board: the longest matching model; of equals the one that extends the least."""
    model = (facts.model or "").casefold()
    fitting = [
        profile
        for profile in known.values()
        if profile.hardware.model
        and profile.hardware.model.casefold() in model
        and profile.hardware.arch in (None, facts.arch)
    ]
    return max(fitting, key=lambda kind: (len(kind.hardware.model or ""), -len(kind.lineage)), default=None)


def _description(name: str, facts: BoardFacts) -> str:
    return f"{facts.model or facts.cpu or facts.arch} ({facts.hostname or name})"


def _connection(connection: Connection, parent: DeviceProfile | None) -> dict[str, Any]:
    """What differs from the parent's; the host always, since two boards of a kind differ in it first."""
    mine, theirs = connection.model_dump(exclude_none=True), (parent or _BLANK).connection.model_dump()
    return {key: value for key, value in mine.items() if key == "host" or value != theirs[key]}


def _hardware(facts: BoardFacts, parent: DeviceProfile | None) -> dict[str, Any]:
    expected = (parent or _BLANK).hardware.model_dump()
    found = {
        "model": facts.model if parent is None else None,
        "arch": facts.arch,
        "cpu": _cpu(facts, expected["cpu"]),
        "memory": _nominal(facts.memory_bytes),
        "storage": facts.storage,
        "emulated": True if facts.emulated is not None else None,
    }
    return {key: value for key, value in found.items() if value is not None and not _alike(value, expected[key])}


def _cpu(facts: BoardFacts, expected: str | None) -> str | None:
    """Processors and highest clock, where nothing is expected or the clock is another: boards of one name differ."""
    if facts.cpu is None:
        return None
    clock_ghz = (facts.max_freq_khz or 0) / 1e6
    several_kinds = "+" in facts.cpu  # each with a clock of its own, of which only the highest is known
    found = f"{facts.cpu} @ {clock_ghz:.3g} GHz" if clock_ghz and not several_kinds else facts.cpu
    stated = _CLOCK.search(expected or "")
    if expected is None or stated is None:
        return found if expected is None else None
    differs = clock_ghz and abs(clock_ghz - float(stated[1])) > _CLOCK_SHARE * clock_ghz
    return found if differs and not several_kinds else None


def _alike(found: str | bool, expected: str | bool | None) -> bool:
    if isinstance(found, str) and isinstance(expected, str):
        return found.casefold() == expected.casefold()
    return found == expected


def _nominal(memory_bytes: int | None) -> str | None:
    """The size on the box: the kernel keeps a part of it, so the next usual size upwards."""
    if memory_bytes is None:
        return None
    size = next((size for size in _NOMINAL_GIB if size * _GIB >= memory_bytes), round(memory_bytes / _GIB))
    return f"{size} GB" if size >= 1 else f"{size * 1024:.0f} MB"


def _tables(facts: BoardFacts, parent: DeviceProfile | None) -> Tables:
    """Sensors the board has and the parent does not name; for a board of no known kind, the governor too."""
    tables: Tables = {}
    if parent is None and "performance" in facts.governors:
        tables["tuning"] = {"governor": "performance"}
    readable = [sensor.name for sensor in facts.sensors if sensor.readable]
    if set(readable) - set((parent or _BLANK).power.sensors):
        tables["power"] = {"sensors": readable}
    return tables


def _missing(name: str, facts: BoardFacts, parent: DeviceProfile | None) -> Iterator[str]:
    if facts.emulated is not None:
        yield f"an emulator runs it ({facts.emulated}): outputs are checked there, its speed says nothing"
    elif parent is None:
        kind = facts.model or facts.cpu or facts.arch
        yield f"no known profile fits {kind}: limits.max_temp_c and a power model are for you to add"
    if not facts.runtimes:
        yield f"no runtime on the board: run `harness provision {name}`"
    if facts.emulated is not None:
        return
    yield from _missing_power(facts, (parent or _BLANK).power)
    if facts.temp_c is None:
        yield "the board does not say its temperature: a trial on a hot board cannot be told from a cool one"
    if facts.throttled:
        yield f"the board reports throttling (bits {facts.throttled:#x}): check its supply and its cooling"


def _missing_power(facts: BoardFacts, known: Power) -> Iterator[str]:
    unreadable = [sensor for sensor in facts.sensors if not sensor.readable]
    for sensor in unreadable:
        yield f"power sensor {sensor.name} cannot be read: {sensor.reason or 'no reason given'}"
    if any(sensor.readable for sensor in facts.sensors):
        return
    if known.model is not None:
        yield f"no readable power sensor: energy comes from the model of {known.model.source}"
    else:
        yield "no power source: energy_per_inference will be empty until power.sensors or power.model is there"


def _toml(head: Mapping[str, Any], tables: Tables) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in head.items()]
    for table, entries in tables.items():
        if entries:
            lines += [f"[{table}]", *(f"{key} = {_value(value)}" for key, value in entries.items())]
    return "\n".join(lines) + "\n"


def _value(value: str | bool | int | list[str]) -> str:
    """JSON's texts, numbers, truths and lists are TOML's too, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
