"""The script that has things happen to boards while trials run: its table, and a few of its runs."""

import subprocess
import sys
from pathlib import Path

import pytest
from board_events.board_events import AXES, Outcome, table
from support import needs

from harness.testing.scripted import BOARDS

SCRIPT = Path(__file__).parent / "board_events" / "board_events.py"


def test_there_are_at_least_twelve_axes_on_boards_that_exist() -> None:
    assert len({axis.name for axis in AXES}) >= 12
    assert {kind for axis in AXES for kind in axis.boards} == set(BOARDS)


def test_the_table_has_a_row_for_each_axis_and_the_reasons_that_were_given() -> None:
    found = table(
        [
            Outcome("clean", "rpi4", short=False, causes=(), right=True),
            Outcome("steal", "rpi4", short=True, causes=("steal",), right=True),
            Outcome("steal", "rpi5", short=False, causes=(), right=False),
        ]
    )
    assert found.splitlines() == [
        "| what happened | rpi4 | rpi5 | right | reasons |",
        "|---|---|---|---|---|",
        "| steal | 1 of 1 | 0 of 1 | 1 of 2 | steal 1 |",
        "| clean | 1 of 1 |  | 1 of 1 |  |",
    ]


@pytest.mark.board
def test_events_make_their_trials_void_and_a_clean_trial_counts() -> None:
    needs.need("sshd")
    needs.need_root()
    axes = [f"--axis={name}" for name in ("under-voltage", "dip of the clock", "governor changed by someone else")]
    words = ["--board=rpi4", "--events=3", "--clean=1", *axes]
    ended = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "3 of 3 events caught with the right reason" in ended.stdout
