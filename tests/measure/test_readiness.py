"""A board that is hot or busy is waited for, with a limit, and then refused."""

from dataclasses import dataclass

import pytest

from harness.measure import execute, make_plan
from harness.measure.fitness import FitnessRule
from harness.measure.readiness import STEP_S, wait_until_fit
from harness.records.candidate import Candidate
from harness.records.conditions import Conditions
from harness.records.device import Limits
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import BoardState, SimulatedBoard, make_artifact, make_golden, make_profile, make_runner

HOT, COOL = BoardState(temp_c=80.0), BoardState(temp_c=50.0)
QUICK = Settings(num_runs=20, min_secs=0.0)
MODEL = make_artifact(golden=make_golden())


def _hot_until(seconds, *, max_wait_s=120.0):
    limits = Limits(max_temp_c=70.0, max_wait_s=max_wait_s)
    profile = make_profile().model_copy(update={"limits": limits})
    return SimulatedBoard(profile=profile, states=(HOT, BoardState(from_s=seconds, temp_c=COOL.temp_c)))


def _executed(board):
    heard = []
    plan = make_plan(QUICK, MODEL, make_runner())
    candidate = Candidate("model", "tflite", "/model.tflite")
    entry = execute(board, plan, MODEL, candidate=candidate, now=board.now, sleep=board.sleep, on_event=heard.append)
    return entry, [event.what for event in heard]


def test_a_hot_board_is_waited_for_and_then_measured():
    board = _hot_until(42.0)
    entry, said = _executed(board)
    assert entry.status is Status.MEASURED
    assert 42.0 <= entry.seconds["wait"] <= 42.0 + 2 * STEP_S
    assert {trial.void for trial in entry.trials} == {None}
    assert "model: waiting for the board: 80.0 °C, over the limit of 70 °C" in said


def test_after_the_limit_it_is_refused_and_nothing_is_measured():
    board = _hot_until(1000.0, max_wait_s=60.0)
    entry, _ = _executed(board)
    assert entry.status is Status.INVALID
    assert entry.reason == (
        "board not fit: 80.0 °C, over the limit of 70 °C, after waiting 60 s; nothing was measured and your change "
        "was not judged"
    )
    assert (board.blocks, entry.trials, entry.measurements) == ([], [], [])
    assert [finding.gate for finding in entry.findings] == ["fitness"]


def test_a_fit_board_is_not_waited_for():
    board = SimulatedBoard(states=(COOL,))
    entry, said = _executed(board)
    assert entry.seconds["wait"] == pytest.approx(0.4)
    assert not any("waiting" in what for what in said)


def test_no_wait_at_all_may_be_asked_for():
    assert _executed(_hot_until(1000.0, max_wait_s=0.0))[0].status is Status.INVALID


@dataclass
class Busy(SimulatedBoard):
    """A board on which others work until a moment."""

    until_s: float = 0.0

    def watch(self, seconds):
        others = 1.5 if self.clock_s < self.until_s else 0.02
        found = super().watch(seconds)
        return found.model_copy(update={"conditions": Conditions(others=others)})


def test_quiet_is_waited_for_where_the_board_is_there_for_measuring():
    heard = []
    board = Busy(until_s=20.0)
    alone = FitnessRule(max_temp_c=None, steady_clock=False, alone=True)
    wait = {"most_s": 60.0, "on_wait": heard.append, "sleep": board.sleep}
    assert wait_until_fit(board, alone, **wait) == ""
    assert board.clock_s >= 20.0
    assert set(heard) == {"other processes took 1.50 cores' time"}
    shared = FitnessRule(max_temp_c=None, steady_clock=False, alone=False)
    board = Busy(until_s=20.0)
    assert wait_until_fit(board, shared, **wait | {"sleep": board.sleep}) == ""
    assert board.clock_s == 0.0
