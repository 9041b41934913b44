"""The simulated board, as the protocol wants it."""

import statistics
import subprocess
import sys
from itertools import pairwise

import pytest

from harness.measure import make_plan, order_of
from harness.records.errors import ConnectionLostError, TrialError
from harness.records.settings import Settings
from harness.testing import (
    ANSWERS,
    OUTPUTS,
    BoardState,
    SimulatedBoard,
    SimulatedModel,
    make_artifact,
    make_golden,
    make_runner,
    make_stages,
)

ARTIFACT = make_artifact(golden=make_golden())


def _blocks(**settings):
    return order_of(make_plan(Settings(**{"min_secs": 0.0, **settings}), ARTIFACT, make_runner()))


def _run(board, blocks=None):
    golden = ARTIFACT.verification.golden
    for sha256 in (ARTIFACT.sha256, golden.inputs_sha256, golden.outputs_sha256):
        board.ship(ARTIFACT.local_path, sha256)
    return [trial for block in blocks or _blocks() for trial in board.run_block(block)]


def _medians(trials):
    return [statistics.median(t.samples_ns) / t.batch / 1e9 for t in trials if t.kind == "latency"]


def test_trials_answer_their_requests_in_order():
    specs = [spec for block in _blocks() for spec in block.trials]
    trials = _run(SimulatedBoard())
    assert [(t.index, t.arm, t.kind) for t in trials] == [(s.index, s.arm, s.kind) for s in specs]
    assert trials[0].check == OUTPUTS["equal"]


def test_facts_say_that_the_board_is_simulated():
    assert SimulatedBoard().facts.simulated


def test_a_seed_repeats_and_another_differs():
    assert _run(SimulatedBoard(seed=1)) == _run(SimulatedBoard(seed=1))
    assert _run(SimulatedBoard(seed=1)) != _run(SimulatedBoard(seed=2))


def test_latencies_are_spread_as_asked():
    blocks = _blocks(trials=60, num_runs=200, time_limit_s=600.0)
    medians = _medians(_run(SimulatedBoard(model=SimulatedModel(between_sd=0.1)), blocks))
    assert statistics.median(medians) == pytest.approx(0.004, rel=0.06)
    assert statistics.stdev(medians) / 0.004 == pytest.approx(0.1, rel=0.35)


def test_drift_slows_from_trial_to_trial():
    medians = _medians(_run(SimulatedBoard(model=SimulatedModel(between_sd=0.0, drift=0.05))))
    assert all(later > earlier for earlier, later in pairwise(medians))


def test_fast_models_are_batched_with_a_pass_of_single_reads():
    trial = _run(SimulatedBoard(model=SimulatedModel(latency_s=10e-6)))[1]
    assert trial.batch == 10
    assert len(trial.singles_ns) == 2000
    assert trial.n == trial.batch * len(trial.samples_ns)


def test_num_runs_min_secs_and_max_secs_are_kept():
    many = _run(SimulatedBoard(), _blocks(num_runs=300))[1]
    steady = _run(SimulatedBoard(), _blocks(num_runs=1, min_secs=1.0))[1]
    slow = _run(SimulatedBoard(model=SimulatedModel(latency_s=1.0)), _blocks(max_secs=3.0))[1]
    assert many.n == 300
    assert sum(steady.samples_ns) / 1e9 == pytest.approx(1.0, rel=0.1)
    assert slow.n in (2, 3)


def test_time_passes_with_the_work_and_with_sleep():
    board = SimulatedBoard()
    _run(board, _blocks(min_secs=1.0, trials=5))
    assert 5.0 < board.now() < 7.0
    before = board.now()
    board.sleep(2.5)
    assert board.now() == before + 2.5


def test_weather_changes_with_time():
    board = SimulatedBoard(states=(BoardState(), BoardState(from_s=0.5, temp_c=85.0, throttled=4, slowdown=2.0)))
    trials = [t for t in _run(board) if t.kind == "latency"]
    assert (trials[0].telemetry.throttled, trials[-1].telemetry.throttled) == (0, 4)
    assert trials[-1].telemetry.temp_after_c == 85.0
    assert _medians(trials)[-1] > 1.8 * _medians(trials)[0]


def test_deaths_by_index_and_by_kind():
    model = SimulatedModel(deaths={2: "killed by SIGSEGV", "memory": "out of memory"})
    died = {t.index: t.died for t in _run(SimulatedBoard(model=model)) if t.died}
    assert died == {2: "killed by SIGSEGV", 6: "out of memory", 12: "out of memory"}


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_outputs_by_word(outputs):
    assert _run(SimulatedBoard(model=SimulatedModel(outputs=outputs)))[0].check == OUTPUTS[outputs]


def test_outputs_of_ones_own():
    check = OUTPUTS["close"].model_copy(update={"top1_agree": 99})
    assert _run(SimulatedBoard(model=SimulatedModel(outputs=check)))[0].check == check


def test_a_file_that_was_not_shipped_is_missing():
    with pytest.raises(TrialError, match="ship it first"):
        list(SimulatedBoard().run_block(_blocks()[0]))


def test_nothing_is_sent_twice(tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes(b"12345")
    board = SimulatedBoard()
    board.ship(file, "a" * 64)
    board.ship(file, "a" * 64)
    assert board.bytes_sent == 5


def test_the_link_goes_away_after_so_many_trials():
    board = SimulatedBoard(lost=ConnectionLostError("gone"), lost_after=8)
    with pytest.raises(ConnectionLostError):
        _run(board)
    assert len(board.blocks) == 2


def test_every_member_of_the_boards_protocol_is_there():
    from harness.board import Board

    members = {name for name in vars(Board) if not name.startswith("_")}
    assert members
    assert members <= set(dir(SimulatedBoard()))


@pytest.mark.parametrize("heavy", ["numpy", "paramiko", "tensorflow"])
def test_importing_the_room_stays_light(heavy):
    code = f"import sys, harness.testing; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_stages_stand_around_the_inference_and_take_their_time():
    artifact = make_artifact(stages=make_stages())
    block = order_of(make_plan(Settings(trials=1, num_runs=10, min_secs=0.0), artifact, make_runner()))[0]
    board = SimulatedBoard(model=SimulatedModel(preprocess_s=3.0, postprocess_s=1.0, within_sd=0.0))
    for sha256 in (artifact.sha256, artifact.stages.sha256, artifact.stages.raw_sha256):
        board.ship(artifact.local_path, sha256)
    staged = next(trial for trial in board.run_block(block) if trial.kind == "stages")
    times = staged.stages
    assert (times.answers, staged.samples_ns, staged.n) == (ANSWERS, (), 10)
    assert set(times.preprocess_ns) == {3_000_000_000}
    runs = zip(times.preprocess_ns, times.inference_ns, times.postprocess_ns, times.end_to_end_ns, strict=True)
    assert all(sum(run[:3]) == run[3] for run in runs)
    assert board.now() > 40.0
    assert staged.telemetry.wall_s > 40.0


def test_a_stages_file_that_was_not_shipped_is_missing():
    artifact = make_artifact(stages=make_stages())
    block = order_of(make_plan(Settings(trials=1), artifact, make_runner()))[0]
    board = SimulatedBoard()
    board.ship(artifact.local_path, artifact.sha256)
    with pytest.raises(TrialError, match="file 333333333333 is not on the simulated board"):
        list(board.run_block(block))
