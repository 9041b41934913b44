"""Answers that cannot be are told, never believed."""

import pytest

from harness.measure import make_plan, order_of
from harness.measure.validate_trials import NO_ANSWER, STUCK_READS, validate_trials
from harness.records.board import StageTimes, TrialLimit
from harness.records.energy import EnergyReading
from harness.records.errors import TrialError
from harness.records.settings import Settings
from harness.records.storage import TrialLoad
from harness.testing import (
    SimulatedBoard,
    make_artifact,
    make_memory,
    make_runner,
    make_stages,
    make_telemetry,
    make_trial,
)

BLOCK = order_of(make_plan(Settings(trials=1), make_artifact(), make_runner()))[0]
MEMORY = make_trial(1, kind="memory", samples_ns=(), n=2, memory=make_memory())


def _first(trial):
    return next(iter(validate_trials(BLOCK, [trial, MEMORY])))


def test_what_makes_sense_passes_unchanged():
    trials = [make_trial(), MEMORY]
    assert list(validate_trials(BLOCK, trials)) == trials


READ = EnergyReading(
    sensor="hwmon:x", window_s=10.0, mean_w=3.0, idle_w=1.0, readings=2, inferences=5, at_s=(0.1, 0.2), watts=(3.0, 3.1)
)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"samples_ns": ()}, "no samples"),
        ({"samples_ns": (0, 4_000_000)}, "samples of 0 ns"),
        ({"samples_ns": (4_000_000, -5)}, "samples of -5 ns"),
        ({"samples_ns": (4_000_000,) * STUCK_READS, "n": STUCK_READS}, "the clock is stuck"),
        ({"singles_ns": (-1,)}, "single reads of -1 ns"),
        ({"batch": 0}, "batch 0"),
        ({"n": 1}, "1 inferences in 10 clock reads"),
        ({"init_s": -0.1}, "init time -0.1 s"),
        ({"first_inference_s": 0.0}, "first inference 0.0 s"),
        ({"memory": make_memory(hwm_bytes=1)}, "VmHWM 1 B"),
        ({"memory": make_memory(hwm_before_bytes=-1)}, "VmHWM"),
        ({"memory": make_memory(load_hwm_bytes=2**40)}, "less than that of loading"),
        ({"limit": TrialLimit(by="cgroup v1", limit_bytes=5)}, "a memory limit of 5 B where 0 B were asked for"),
        ({"load": TrialLoad(cold=False, load_s=0.0)}, "0.0 s of loading"),
        ({"load": TrialLoad(cold=False)}, "timed and not cold, or neither"),
        ({"load": TrialLoad(cold=False, load_s=1.0, not_cold="it is warm")}, "timed and not cold, or neither"),
        ({"telemetry": make_telemetry(wall_s=-1.0)}, "-1.0 s of wall clock"),
        ({"telemetry": make_telemetry(utilisation=1.2)}, "utilisation 1.2"),
        (
            {"energy": EnergyReading(sensor="rapl", window_s=-1.0, mean_w=3.0, idle_w=1.0, readings=9, inferences=5)},
            "9 readings over -1.0 s",
        ),
        ({"energy": READ.model_copy(update={"at_s": (0.1,)})}, "2 and 0 readings, or not as many times"),
        ({"energy": READ.model_copy(update={"at_s": (0.2, 0.1)})}, "readings out of their order"),
    ],
)
def test_nonsense_becomes_a_death_with_its_reason(changes, told):
    found = _first(make_trial(**changes))
    assert told in found.died
    assert "makes no sense" in found.died
    assert found.samples_ns == ()


def test_a_memory_trial_without_figures_is_nonsense():
    trials = list(validate_trials(BLOCK, [make_trial(), MEMORY.model_copy(update={"memory": None})]))
    assert "without memory figures" in trials[1].died


def test_a_death_is_passed_on_as_it_is():
    assert _first(make_trial(died="killed by SIGABRT", samples_ns=())).died == "killed by SIGABRT"


@pytest.mark.parametrize("changes", [{"arm": "baseline"}, {"block": 3}, {"kind": "energy"}])
def test_an_answer_for_something_else_is_an_error(changes):
    with pytest.raises(TrialError, match="expected block 0"):
        list(validate_trials(BLOCK, [make_trial(**changes)]))


def test_an_answer_that_came_twice_is_an_error():
    with pytest.raises(TrialError, match="not asked for or came twice"):
        list(validate_trials(BLOCK, [make_trial(), make_trial()]))


def test_missing_answers_are_deaths():
    trials = list(validate_trials(BLOCK, [make_trial()]))
    assert [(t.index, t.kind, t.died) for t in trials[1:]] == [(1, "memory", NO_ANSWER)]


def test_what_the_simulated_board_answers_makes_sense():
    board = SimulatedBoard()
    board.ship(make_artifact().local_path, make_artifact().sha256)
    assert [trial.died for trial in validate_trials(BLOCK, board.run_block(BLOCK))] == [None, None]


STAGED = order_of(make_plan(Settings(trials=1), make_artifact(stages=make_stages()), make_runner()))[0]
TIMES = {
    "preprocess_ns": (5, 6),
    "inference_ns": (7, 8),
    "postprocess_ns": (0, 1),
    "end_to_end_ns": (12, 15),
    "answers": ('"cat"',),
}


def _stages(**changes):
    times = StageTimes.model_validate(TIMES | changes)
    staged = make_trial(1, kind="stages", samples_ns=(), stages=times)
    return list(validate_trials(STAGED, [make_trial(), staged, MEMORY.model_copy(update={"index": 2})]))[1]


def test_an_answer_may_nest_a_hundred_lists():
    assert _stages(answers=("[" * 100 + "]" * 100,)).died is None
    assert _stages(answers=("[" * 101 + "]" * 101,)).died is not None


def test_stages_that_make_sense_pass_unchanged():
    assert _stages().stages == StageTimes.model_validate(TIMES)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"preprocess_ns": (5,)}, "1, 2, 2, 2 runs of the stages and the whole"),
        ({name: () for name in TIMES if name.endswith("_ns")}, "0, 0, 0, 0 runs"),
        ({"inference_ns": (7, -8)}, "stages that take longer than the whole"),
        ({"end_to_end_ns": (12, 14)}, "stages that take longer than the whole"),
        ({"answers": ("cat",)}, "an answer that is no JSON text"),
        ({"answers": ("NaN",)}, "an answer that is no JSON text"),
        ({"answers": ("1\n",)}, "an answer that is no JSON text"),
        ({"answers": ('"\u202e"',)}, "an answer that is no JSON text"),
        ({"answers": ('"\x1b[31m"',)}, "an answer that is no JSON text"),
        ({"answers": ("[" * 9000 + "]" * 9000,)}, "an answer that is no JSON text"),
        ({"answers": ("[" * 4000 + "]" * 4000,)}, "an answer that is no JSON text"),
        ({"answers": ('{"a":[' * 50 + "[1]" + "]}" * 50,)}, "an answer that is no JSON text"),
        ({"answers": ('"' + "x" * 10_000 + '"',)}, "an answer that is no JSON text, or too much of it"),
        ({"answers": ("1",) * 1001}, "an answer that is no JSON text, or too much of it"),
    ],
)
def test_nonsense_in_stages_becomes_a_death_with_its_reason(changes, told):
    found = _stages(**changes)
    assert found.died.startswith("the board's answer makes no sense: ")
    assert told in found.died
    assert found.stages is None


def test_a_stages_trial_without_times_is_nonsense():
    bare = make_trial(1, kind="stages", samples_ns=())
    found = list(validate_trials(STAGED, [make_trial(), bare, MEMORY.model_copy(update={"index": 2})]))[1]
    assert found.died == "the board's answer makes no sense: a stages trial without stages"


def test_a_load_trial_without_a_load_or_with_the_other_one_is_nonsense():
    block = order_of(make_plan(Settings(trials=1), make_artifact(), make_runner(), load_pairs=1))[-1]
    assert [(spec.kind, spec.cold) for spec in block.trials] == [("load", True), ("load", False)]
    cold, warm = (
        make_trial(
            spec.index, block=block.index, kind="load", samples_ns=(), n=1, load=TrialLoad(cold=True, load_s=1.0)
        )
        for spec in block.trials
    )
    right = warm.model_copy(update={"load": TrialLoad(cold=False, load_s=1.0)})
    assert [one.died for one in validate_trials(block, [cold, right])] == [None, None]
    other = list(validate_trials(block, [cold.model_copy(update={"load": None}), warm]))
    assert "a load trial without a load" in other[0].died
    assert "a cold load where a warm one was asked for" in other[1].died
