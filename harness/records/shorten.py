"""Long texts of others made fit for a message: the beginning and the end, since a cause often stands last."""

from typing import Final

MESSAGE_CHARS: Final = 300
_BETWEEN: Final = " ... "


def shorten(text: str, limit: int = MESSAGE_CHARS) -> str:
    """The text on one line with single blanks, at most ``limit`` characters; what is left out is its middle."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    kept = limit - len(_BETWEEN)
    head = kept // 2
    return line[:head].rstrip() + _BETWEEN + line[len(line) - (kept - head) :].lstrip()
