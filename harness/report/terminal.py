"""What a terminal shows at the end of a run: tables, each broken limit in a line, what is to be known, conclusions."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from harness.records.entry import Entry
from harness.records.results import Outcome, Results
from harness.records.status import Status
from harness.records.text import visible
from harness.report.conclusions import conclusions_beside_exit
from harness.report.labels import (
    device_title,
    entry_name,
    exit_meaning,
    failed_tests,
    tally,
    to_explain,
    uncompared_outputs,
    verdict_lines,
    waived_limits,
    worst_first,
)
from harness.report.terminal_table import STATUS_STYLES, entry_table

MOST_ROWS = 50
"""Of a device: nobody reads hundreds of rows in a terminal."""
MOST_VERDICTS = 20
"""Entries whose broken limits are told; the worst are the first, and the report has all."""
MOST_CONCLUSIONS = 8
_QUIET: Final = "dim"
_GREEN: Final = 0
_LEAST_WIDTH: Final = 20
_UNIT: Final = re.compile(r"(?<=\d) (?=(?:%|pt|/s|[nµmkMGT]?[sBJW])(?!\w))")
_HARD_SPACE: Final = "\u00a0"


@dataclass(frozen=True)
class _Line:
    """Text for a terminal, not yet wrapped; ``mark`` is its first word in the colour of a status."""

    text: str
    style: str = ""
    indent: int = 0
    hang: int = 2
    mark: str = ""
    mark_style: str = ""


def table(results: Results, width: int = 80, *, colour: bool = False) -> str:
    """What is waived, a table a device, what did not hold, notes, what the exit code means, a conclusion a group.

    No line is wider than ``width`` columns; without ``colour`` it is plain text.
    """
    width = max(width, _LEAST_WIDTH)
    waivers = [_Line(sentence, mark="WAIVED:", mark_style="yellow") for sentence in waived_limits(results)]
    by_device = groupby(sorted(results.entries, key=lambda entry: entry.device), key=lambda entry: entry.device)
    parts = [_prose(waivers, width, colour=colour)]
    parts += [_block(results, device, list(entries), width, colour=colour) for device, entries in by_device]
    parts.append(_prose([*_against_baseline(results)], width, colour=colour))
    parts.append(_prose([*_verdicts(results)], width, colour=colour))
    parts.append(_prose([*_notes(results)], width, colour=colour))
    parts.append(_prose([*_closing(results)], width, colour=colour))
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(results: Results, device: str, entries: list[Entry], width: int, *, colour: bool) -> str:
    record = results.devices.get(device)
    model = record.facts.model if record and record.facts else None
    heading = device_title(device, results.devices) + (f": {model}" if model else "")
    shown = entries if len(entries) <= MOST_ROWS else worst_first(entries)[:MOST_ROWS]
    left = f"the {MOST_ROWS} of {len(entries)} entries that fared worst; all of them stand in the report"
    below = [left] if len(shown) < len(entries) else []
    made = entry_table(shown, width)
    below += ["; ".join(made.legend)] if made.legend else []
    rows = _render(made.table, width, colour=colour)
    return "\n".join(
        [
            _prose([_Line(heading, "bold")], width, colour=colour),
            rows,
            *([_prose([_Line(text, _QUIET) for text in below], width, colour=colour)] if below else []),
        ]
    )


def _against_baseline(results: Results) -> Iterator[_Line]:
    """What the baselines are, each once, and how both arms were measured."""
    bases = [entry.baseline for entry in results.entries if entry.baseline is not None]
    compared = [base for base in bases if base.ratios or base.state == "identical"]
    for sentence in dict.fromkeys(base.sentence for base in compared if base.state != "identical"):
        yield _Line(f"baseline: {sentence}", _QUIET)
    for way in dict.fromkeys(base.measured_by for base in compared if base.measured_by):
        yield _Line(way, _QUIET, indent=2)


def _verdicts(results: Results) -> Iterator[_Line]:
    """Below the name of each entry that did not hold a line for each limit, and what stands behind it; failed tests."""
    read = to_explain(results)
    for entry in read[:MOST_VERDICTS]:
        yield _Line(f"{entry_name(entry)} on {entry.device}", "bold")
        for line in verdict_lines(entry):
            mark = line.status.value
            yield _Line(line.reason, mark=mark, mark_style=STATUS_STYLES[line.status], hang=len(mark) + 1)
            if line.detail:
                yield _Line(line.detail, _QUIET, indent=len(mark) + 1, hang=len(mark) + 1)
    if len(read) > MOST_VERDICTS:
        yield _Line(f"and {len(read) - MOST_VERDICTS} more entries that did not hold: see the report")
    for note in failed_tests(results):
        yield _Line(f"{note.test}: {note.sentence}", mark="FAILED", mark_style=STATUS_STYLES[Status.FAIL])


def _notes(results: Results) -> Iterator[_Line]:
    outcome = results.run.outcome or Outcome()
    loud = [*outcome.unreached, *outcome.refused]
    yield from (_Line(sentence, mark="ERROR", mark_style=STATUS_STYLES[Status.ERROR]) for sentence in loud)
    yield from (_Line(sentence, "yellow") for sentence in uncompared_outputs(results))
    yield from (_Line(f"{entry_name(one)}: {one.cross_check.sentence}") for one in results.entries if one.cross_check)
    yield from (_Line(f"note: {note}", _QUIET) for note in results.run.notes if note not in loud)
    if results.run.gate:
        yield _Line(results.run.gate.sentence, _QUIET)
    for record in results.devices.values():
        if record.selftests:
            yield _Line(record.selftests.sentence, _QUIET)


def _closing(results: Results) -> Iterator[_Line]:
    """The tally with the exit code, and a conclusion for each group, the last on the screen."""
    good = results.run.exit_code == _GREEN
    yield _Line(f"{tally(results)}; {exit_meaning(results)}", "bold green" if good else "bold red")
    found = conclusions_beside_exit(results)
    for one in found[:MOST_CONCLUSIONS]:
        named = len({(other.device, other.candidate) for other in found if other.device}) > 1
        where = ", ".join(part for part in (one.candidate, one.device) if part) if named and one.device else ""
        yield _Line(f"{where}: {one.text}" if where else one.text)
    if len(found) > MOST_CONCLUSIONS:
        yield _Line(f"and {len(found) - MOST_CONCLUSIONS} more conclusions: see the report", _QUIET)


def _prose(lines: Sequence[_Line], width: int, *, colour: bool) -> str:
    from rich.console import Group
    from rich.text import Text

    made = []
    for line in lines:
        whole = visible(f"{line.mark} {line.text}" if line.mark else line.text)
        for at, part in enumerate(wrap_columns(whole, width - line.indent, hang=line.hang if not line.indent else 0)):
            text = Text(" " * line.indent + part, style=line.style)
            if line.mark and at == 0:
                text.stylize(line.mark_style, line.indent, line.indent + len(line.mark))
            made.append(text)
    return _render(Group(*made), width, colour=colour) if made else ""


def wrap_columns(text: str, width: int, *, hang: int = 0) -> list[str]:
    """The text in lines of at most so many columns, further lines indented; wide characters take two.

    A number stays with its unit.
    """
    from rich.cells import cell_len, chop_cells

    hang = min(hang, width // 2)
    lines, room = [""], width
    words = _UNIT.sub(_HARD_SPACE, " ".join(text.split())).split(" ")
    for word in (word.replace(_HARD_SPACE, " ") for word in words):
        pieces = chop_cells(word, width - hang) if cell_len(word) > width - hang else [word]
        for piece in pieces:
            blank = 1 if lines[-1].strip() else 0
            if blank + cell_len(piece) > room:
                lines.append(" " * hang)
                room, blank = width - hang, 0
            lines[-1] += " " * blank + piece
            room -= blank + cell_len(piece)
    return lines


def _render(what: object, width: int, *, colour: bool) -> str:
    from rich.console import Console

    page = io.StringIO()
    system: Literal["standard"] | None = "standard" if colour else None
    console = Console(
        file=page,
        width=width,
        color_system=system,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        legacy_windows=False,
    )
    console.print(what)
    return "\n".join(line.rstrip() for line in page.getvalue().rstrip("\n").splitlines())
