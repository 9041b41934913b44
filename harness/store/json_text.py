"""JSON for people and machines: objects indented, lists of plain values on one line, never NaN."""

import json

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


def json_text(value: JsonValue, *, indent: int = 0) -> str:
    """The same text for the same value each time: keys as given, floats by repr; ValueError for NaN."""
    if isinstance(value, dict) and value:
        items = [f"{_plain(key)}: {json_text(item, indent=indent + 1)}" for key, item in value.items()]
        return _block("{}", items, indent)
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return _block("[]", [json_text(item, indent=indent + 1) for item in value], indent)
    return _plain(value)


def _block(brackets: str, items: list[str], indent: int) -> str:
    inner = "\n" + " " * (indent + 1)
    return brackets[0] + inner + f",{inner}".join(items) + "\n" + " " * indent + brackets[1]


def _plain(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
