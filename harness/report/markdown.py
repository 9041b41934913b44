"""Text that Markdown shows as it is, and lines that fit where there is a limit."""

import re
from collections.abc import Sequence

from harness.records.entry import Entry
from harness.records.results import DeviceRecord
from harness.records.text import visible
from harness.report.labels import device_title, entry_name

LONGEST = 600
"""Characters of one untrusted text; what is longer stands whole in the report."""
_LONGEST_READ = 2_400
"""Characters of it that are looked at: a line break is one more than it shows."""
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|~#!&"})
_LINK = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=www)\.")
_MENTION = re.compile(r"@(?=\w)")
_NO_SPACE = "&#8203;"
"""A space of no width, the only thing that keeps GitHub from telling a person that they were named."""
_HARD_SPACE = "\u00a0"


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no link, no mention; at most LONGEST characters of it."""
    shown = visible(text[:_LONGEST_READ])
    shown = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
    return _MENTION.sub(f"@{_NO_SPACE}", _LINK.sub(r"\\\g<0>", shown.translate(_SPECIAL)))


def escape_within(text: str, most: int) -> str:
    """Escaped text of at most ``most`` characters, its end left out where it must be."""
    kept = visible(text[:_LONGEST_READ])[: most + 1]
    shown = escape(kept)
    while len(shown) > most:
        kept = kept[: min(len(kept) - 1, len(kept) * most // len(shown))].rstrip()
        shown = f"{escape(kept)}…"
    return shown


def name_entry(entry: Entry, devices: dict[str, DeviceRecord]) -> str:
    """An entry's device with its label, candidate and recipe, escaped."""
    return f"{escape(device_title(entry.device, devices))}, {escape(entry_name(entry))}"


def keep_together(text: str) -> str:
    """Escaped text that is not broken at its spaces, so that a number keeps its unit."""
    return escape(text).replace(" ", _HARD_SPACE)


def stack_lines(*texts: str) -> str:
    """A cell of several lines, those left out that are empty."""
    return "<br>".join(text for text in texts if text)


def title_entry(entry: Entry, devices: dict[str, DeviceRecord]) -> str:
    """A cell that names an entry: its device with its label above its candidate and recipe."""
    return stack_lines(escape(device_title(entry.device, devices)), escape(entry_name(entry)))


def row(cells: Sequence[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def sentence(text: str) -> str:
    """Text as a sentence: a capital first, a full stop last."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def fit_lines(lines: Sequence[str], room: int) -> list[str]:
    """The first of the lines that take at most ``room`` characters with their line breaks."""
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def count(number: int, noun: str) -> str:
    """``1 entry``, ``2 entries``."""
    plural = noun if number == 1 else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {plural}"
