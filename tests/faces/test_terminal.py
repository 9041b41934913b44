"""What an engineer sees on a terminal of 80 and of 120 columns: the live lines, the table, the conclusion, the end.

On a real pseudo-terminal; in a pipe nothing steers a terminal.
"""

import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from support.commands import HARNESS, outer_environment
from support.screen import Shown, run_on_terminal
from support.user_folder import QUICK, WITHOUT

if TYPE_CHECKING:
    from support.user_folder import Place

LIVE = re.compile(r"^(one|two): \w+, trial \d+ of \d+(, \d+ s left)?$")
ESCAPE = "\x1b"
SESSION = ("--trials=24", *QUICK[1:])


@pytest.fixture
def two_boards(place: "Place") -> "Place":
    """Two models, and two names for this machine."""
    place.benchmark('latency_p50="1 s", model_size="100 B"')
    shutil.copy(place.folder / "models" / "tiny.tflite", place.folder / "models" / "twin.tflite")
    for name in ("one", "two"):
        place.write(f"devices/{name}.toml", 'extends = "local"\n')
    return place


def on_terminal(place: "Place", *argv: str, columns: int, **env: str) -> Shown:
    environment = outer_environment() | place.homes() | {"TERM": "xterm-256color"} | env
    environment = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES", "CI")}
    return run_on_terminal(argv, place.folder, environment, columns=columns)


def pytest_on_terminal(place: "Place", *args: str, columns: int = 80, **env: str) -> Shown:
    words = ("-m", "pytest", *WITHOUT, *SESSION, "--device=one", *args)
    return on_terminal(place, sys.executable, *words, columns=columns, **env)


def live_lines(shown: Shown, columns: int) -> set[str]:
    """The devices whose live lines were seen, each no longer than the terminal and none at the end."""
    seen = {line: found[1] for screen in shown.screens for line in screen if (found := LIVE.match(line))}
    assert all(len(line) < columns for line in seen)
    assert not [line for line in shown.lines if LIVE.match(line)], "a live line stays on the screen"
    return set(seen.values())


def our_lines(shown: Shown, columns: int) -> tuple[str, ...]:
    """What stands behind all that pytest says, none of it longer than the terminal."""
    lines = shown.from_line("one (this machine, no edge board)")
    assert max(map(len, lines)) <= columns
    return lines


@pytest.mark.parametrize("columns", [80, 120])
def test_live_line_table_conclusion_and_end(two_boards: "Place", columns: int) -> None:
    shown = pytest_on_terminal(two_boards, columns=columns)
    assert shown.code == 1, shown.raw
    assert live_lines(shown, columns) == {"one"}
    lines = our_lines(shown, columns)
    text = "\n".join(lines)
    columns_shown = {"p50", "size limit", "size"} | ({"p90", "peak memory"} if columns == 120 else set())
    assert columns_shown <= set(re.split(r" {2,}", lines[1].strip()))
    assert re.search(r"^tiny +failed +[\d.]+ [nµm]s ±[\d.]+ % +█████ \d+ % ", text, re.MULTILINE)
    assert re.search(r"^FAIL model_size: \d+ B, \d+ % above limit 100 B\n {5}exact; marker of ", text, re.MULTILINE)
    assert "twin is identical to tiny: the same file" in text
    assert lines[-1].startswith("report: ") and lines[-1].endswith("/report.html")
    assert lines[-3].startswith("2 failed; exit code 1: ")
    assert "Outliers" not in shown.raw, "pytest-benchmark's table was not asked for"
    assert "= FAILURES =" not in shown.raw and "= short test summary info =" in shown.raw
    assert "\x1b[1;31mfailed" in shown.raw


@pytest.mark.parametrize("columns", [80, 120])
def test_with_workers_there_is_a_line_a_board(two_boards: "Place", columns: int) -> None:
    shown = pytest_on_terminal(two_boards, "--device=two", "-n2", columns=columns)
    assert shown.code == 1, shown.raw
    assert live_lines(shown, columns) == {"one", "two"}
    both = [{line.partition(": ")[0] for line in screen} >= {"one", "two"} for screen in shown.screens]
    assert any(both), "each board has its line at the same time"
    lines = our_lines(shown, columns)
    assert [line for line in lines if line.startswith("two (this machine, no edge board)")]
    assert lines[-4].startswith("4 failed; exit code 1: ")
    same = "twin is identical to tiny: the same file"
    assert sorted(lines[-3:-1]) == [f"one: {same}", f"two: {same}"]
    assert lines[-1].startswith("report: ")


def test_what_is_measured_from_a_command_looks_alike(two_boards: "Place") -> None:
    argv = (HARNESS, "run", "models/tiny.tflite", "models/twin.tflite", "--device=one", *QUICK)
    shown = on_terminal(two_boards, *argv, columns=80)
    assert shown.code == 0, shown.raw
    assert live_lines(shown, 80) == {"one"} and our_lines(shown, 80) == shown.lines
    assert "twin is identical to tiny: the same file" in shown.lines
    assert shown.lines[-1].startswith("report: ")
    assert "\x1b[1mone (this machine" in shown.raw


@pytest.mark.parametrize("program", ["pytest", "harness"])
def test_without_colour_where_somebody_wants_none(two_boards: "Place", program: str) -> None:
    if program == "pytest":
        shown = pytest_on_terminal(two_boards, "-k", "tiny", NO_COLOR="1")
    else:
        argv = (HARNESS, "run", "models/tiny.tflite", "--device=one", *QUICK)
        shown = on_terminal(two_boards, *argv, columns=80, NO_COLOR="1")
    assert not re.search(r"\x1b\[[\d;]*m", shown.raw)
    assert live_lines(shown, 80) == {"one"}, "it is no colour"


def test_in_a_pipe_nothing_steers_a_terminal(two_boards: "Place") -> None:
    told = two_boards.pytest("--device=one", "--device=two", "-n2", *SESSION, quick=False, broken=True)
    assert told.code == 1 and ESCAPE not in told.text and "trial " not in told.text
    assert told.out.splitlines()[-1].startswith("report: ")
    run = two_boards.harness("run", "models/tiny.tflite", "--device=one", *QUICK)
    assert run.code == 0 and ESCAPE not in run.text and "trial " not in run.text
