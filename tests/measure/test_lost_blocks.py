"""Blocks amid which the link was lost: measured again whole, under other indices, beside the time limit."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from harness.measure import execute, make_plan
from harness.measure.void_trials import CUT_OFF
from harness.records.candidate import Candidate
from harness.records.errors import BlockLostError
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import (
    SimulatedBoard,
    made_up_sha256,
    make_artifact,
    make_golden,
    make_runner,
)

CHECKED = make_artifact(golden=make_golden())
BASELINE = make_artifact("old", sha256=made_up_sha256("b"))
QUICK = Settings(num_runs=20, min_secs=0.0)
AWAY_S = 100.0


@dataclass
class Flaky(SimulatedBoard):
    """A board whose link is lost amid some of the blocks it is asked for."""

    losses: dict[int, int] = field(default_factory=dict)
    """How many trials come before, by the block's place in the order they are asked for."""
    asked: int = 0

    def run_block(self, block):
        after = self.losses.get(self.asked)
        self.asked += 1
        for number, trial in enumerate(super().run_block(block)):
            if number == after:
                self.clock_s += AWAY_S
                raise BlockLostError("simulated: the link is gone")
            yield trial


def executed(board, settings=QUICK, **more):
    heard = []
    entry = execute(
        board,
        make_plan(settings, CHECKED, make_runner(), baseline=more.get("baseline")),
        CHECKED,
        candidate=Candidate("model", "tflite", "/model.tflite"),
        now=board.now,
        sleep=board.sleep,
        on_trial=heard.append,
        **more,
    )
    return entry, heard


@pytest.mark.parametrize("asked", [0, 1])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_block_that_was_cut_off_is_measured_again(asked, after):
    board = Flaky(losses={asked: after})
    entry, heard = executed(board)
    good, _ = executed(SimulatedBoard())
    assert entry.status is Status.MEASURED
    assert [t.n for t in entry.trials if t.void is None] == [t.n for t in good.trials if t.void is None]
    assert {t.void for t in entry.trials} <= {None, CUT_OFF}
    assert max(Counter(trial.index for trial in heard).values()) == 1, "no trial twice"
    assert entry.outputs.startswith("bit-equal")
    assert entry.seconds["reconnect"] >= AWAY_S


def test_no_block_is_of_two_links():
    board = Flaky(losses={1: 0})
    entry, _ = executed(board, baseline=BASELINE)
    counted = Counter((t.block, t.arm) for t in entry.trials if t.void is None)
    assert set(counted.values()) == {2}, "ABBA, whole"
    cut_off = {t.block for t in entry.trials if t.void == CUT_OFF}
    assert cut_off
    assert cut_off.isdisjoint(block for block, _ in counted)


def test_the_time_away_is_no_part_of_the_time_limit():
    entry, _ = executed(Flaky(losses={1: 0}), Settings(num_runs=20, min_secs=0.0, time_limit_s=60.0))
    assert entry.reason == "10 trials"


def test_a_block_that_takes_the_board_away_again_and_again_is_an_error():
    board = Flaky(losses={0: 1, 1: 1, 2: 1})
    entry, _ = executed(board)
    assert entry.status is Status.ERROR
    assert entry.reason.startswith("the link to the board was lost 3 times amid one block")
    assert board.asked == 3
