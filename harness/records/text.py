"""Text that came from elsewhere, made fit to be shown: nothing in it steers a terminal, a log or a reader's eye."""

import json
import re
from typing import Final

_BREAKS: Final = re.compile(r"[\r\n\t\x0b\x0c\x85\u2028\u2029]+")
_CONTROLS: Final = "\x00-\x08\x0b-\x1f"
_UNSEEN: Final = (
    f"{_CONTROLS}\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
)
_INVISIBLE: Final = re.compile(f"[{_UNSEEN}]")
_UNSEEN_IN_JSON: Final = re.compile(f"[{_UNSEEN.removeprefix(_CONTROLS)}\x85\u2028\u2029]")
_REPLACEMENT: Final = "\ufffd"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_COMMAND: Final = re.compile(r"^(?=[^\S\n]*::)|##(?=\[)", re.M)


def visible(text: str) -> str:
    """Text in one line, without characters that steer terminals, reorder their neighbours or are no text at all."""
    return _INVISIBLE.sub(_REPLACEMENT, _BREAKS.sub(" ", text))


def visible_lines(text: str) -> str:
    """The same for text of several lines, which keep their breaks."""
    return "\n".join(map(visible, text.split("\n")))


def escaped_json(text: str) -> str:
    """A JSON document with such characters written as escapes: the same document, fit for a terminal."""
    return _UNSEEN_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def encoded(text: str) -> bytes:
    """Text as UTF-8; what stands for bytes of a file's name that are none becomes a replacement character."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(_REPLACEMENT, text).encode()


def without_commands(text: str) -> str:
    """Text for the log of a job on GitHub, none of whose lines is read as a workflow command."""
    return _COMMAND.sub(lambda found: "## " if found[0] else "| ", text)


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
