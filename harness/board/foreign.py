"""Text that a board sent, made fit to be shown: the board and what it says are not trusted."""

from typing import TypeVar

from harness.records.base import Record
from harness.records.shorten import shorten

_R = TypeVar("_R", bound=Record)

LINE_CHARS = 300
TEXT_CHARS = 4096
"""As long as a path may be; nothing else a board says of itself comes near it."""


def one_line(text: str, limit: int = LINE_CHARS) -> str:
    """Foreign text fit for a message: printable, one line, single blanks, at most ``limit`` characters."""
    return shorten(printable(text), limit)


def printable(text: str) -> str:
    """The text with a blank for each character that steers terminals, breaks lines or cannot be encoded."""
    return "".join(char if char.isprintable() else " " for char in text)


def shown(record: _R) -> _R:
    """The record with all its texts printable and of bounded length; what they meant stays."""
    return type(record).model_validate(_shown(record.model_dump(mode="json")), strict=False)


def _shown(value: object) -> object:
    if isinstance(value, str):
        return printable(value)[:TEXT_CHARS]
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value
