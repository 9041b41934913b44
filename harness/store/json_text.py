"""JSON for people and machines: objects indented, lists of plain values on one line, never NaN."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from pydantic_core import PydanticSerializationError

from harness.records.base import Record
from harness.records.text import encoded

JsonValue: TypeAlias = "None | bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | Record"
"""Records stand for what they dump, which is made when their turn comes."""


def json_text(value: JsonValue) -> str:
    """The same text for the same value each time: keys as given, floats by repr; ValueError for NaN."""
    return "".join(json_parts(value))


def json_line(record: Record) -> bytes:
    """A record as one line of JSON in UTF-8, also where it names a file whose name is none; ValueError for NaN."""
    try:
        return record.model_dump_json().encode()
    except PydanticSerializationError:
        return encoded(_plain(record.model_dump(mode="json")))


def json_parts(value: JsonValue, *, indent: int = 0) -> Iterator[str]:
    """The text in parts, so that of a large value nobody needs to hold all of it."""
    if isinstance(value, Record):
        value = value.model_dump(mode="json")
    if isinstance(value, dict) and value:
        named = ((f"{_plain(key)}: ", item) for key, item in value.items())
        yield from _block("{}", named, indent)
    elif isinstance(value, list) and any(isinstance(item, dict | list | Record) for item in value):
        yield from _block("[]", (("", item) for item in value), indent)
    else:
        yield _plain(value)


def _block(brackets: str, items: Iterable[tuple[str, JsonValue]], indent: int) -> Iterator[str]:
    inner = "\n" + " " * (indent + 1)
    start = brackets[0] + inner
    for name, item in items:
        yield start + name
        yield from json_parts(item, indent=indent + 1)
        start = f",{inner}"
    yield "\n" + " " * indent + brackets[1]


def _plain(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
