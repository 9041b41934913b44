"""A plan on a simulated board to an entry."""

from collections import Counter

import numpy as np
import pytest

from harness.gates import judge, parse_limits
from harness.measure import execute, make_plan
from harness.measure.validate_trials import STUCK_READS
from harness.measure.void_trials import MEASURED_AGAIN
from harness.records.artifact import Inside
from harness.records.board import SensorFound, Trial
from harness.records.candidate import Candidate
from harness.records.device import Limits, Power
from harness.records.emulation import WITHHELD
from harness.records.entry import Entry
from harness.records.errors import ConnectionLostError
from harness.records.metrics import metrics_of
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import (
    ANSWERS,
    BoardState,
    SimulatedBoard,
    SimulatedModel,
    made_up_sha256,
    make_artifact,
    make_facts,
    make_golden,
    make_profile,
    make_runner,
    make_stages,
)

CHECKED = make_artifact(golden=make_golden())
STAGED = make_artifact(golden=make_golden(), stages=make_stages())
BASELINE = make_artifact("old", sha256=made_up_sha256("b"))
STAGES = [metric.name for metric in metrics_of("stages")]
QUICK = Settings(num_runs=20, min_secs=0.0)


def _execute(board, settings=QUICK, *, artifact=CHECKED, baseline=None, sensors=(), **heard):
    plan = make_plan(settings, artifact, make_runner(), baseline=baseline, sensors=sensors)
    return execute(
        board,
        plan,
        artifact,
        candidate=Candidate("model", "tflite", "/model.tflite"),
        test="test_model",
        baseline=baseline,
        now=board.now,
        sleep=board.sleep,
        **heard,
    )


def _value(entry, metric):
    return next(m for m in entry.measurements if m.metric == metric)


def test_a_good_model_on_a_fit_board_is_measured():
    entry = _execute(SimulatedBoard())
    assert (entry.status, entry.reason, entry.findings) == (Status.MEASURED, "10 trials", [])
    assert (entry.device, entry.test, entry.candidate) == ("simulated", "test_model", "model")
    assert (entry.runtime, entry.delegate, entry.num_threads) == ("litert 2.3.0", "xnnpack", 1)
    assert entry.artifact.sha256 == CHECKED.sha256
    assert entry.outputs.startswith("bit-equal")
    assert len(entry.trials) == 10
    assert _value(entry, "latency_p50").value == pytest.approx(0.004, rel=0.03)
    assert set(entry.seconds) == {"ship", "wait", "measure", "cool"}


def test_the_entry_survives_its_file():
    entry = _execute(SimulatedBoard())
    assert Entry.model_validate_json(entry.model_dump_json()) == entry


def test_the_same_seed_gives_the_same_entry():
    assert _execute(SimulatedBoard(seed=3)) == _execute(SimulatedBoard(seed=3))
    assert _execute(SimulatedBoard(seed=3)) != _execute(SimulatedBoard(seed=4))


def test_model_and_golden_files_are_shipped_before_the_first_block():
    board = SimulatedBoard()
    _execute(board)
    assert set(board.shipped) == {
        CHECKED.sha256, CHECKED.verification.golden.inputs_sha256, CHECKED.verification.golden.outputs_sha256,
    }  # fmt: skip


def test_p50_interval_holds_the_truth_as_often_as_it_says():
    model, hits, runs = SimulatedModel(latency_s=0.004, between_sd=0.03), 0, 150
    for seed in range(runs):
        p50 = _value(_execute(SimulatedBoard(model=model, seed=seed)), "latency_p50")
        hits += p50.ci_low <= 0.004 <= p50.ci_high
    assert hits / runs >= 0.95 - 3.5 * np.sqrt(0.95 * 0.05 / runs)


def test_every_trial_is_heard_and_progress_rises():
    trials, events = [], []
    _execute(SimulatedBoard(), on_trial=trials.append, on_event=events.append)
    assert Counter(t.kind for t in trials) == {"check": 1, "latency": 10, "memory": 2}
    done = [event.done for event in events]
    assert done == sorted(done)
    assert (events[-1].done, events[-1].total, events[-1].seconds_left) == (13, 13, 0.0)
    assert {event.device for event in events} == {"simulated"}


def test_wrong_outputs_fail_without_a_second_try():
    board = SimulatedBoard(model=SimulatedModel(outputs="wrong"))
    entry = _execute(board)
    assert entry.status is Status.FAIL
    assert entry.reason.startswith("wrong output on the board: top-1 agrees on 71 of 100")
    assert [f.gate for f in entry.findings] == ["outputs"]
    assert len(board.blocks) == 2


def test_outputs_of_a_stranger_are_shown_as_unchecked():
    entry = _execute(SimulatedBoard(), artifact=make_artifact())
    assert (entry.status, entry.outputs) == (
        Status.MEASURED, "outputs unchecked: no expected outputs were made",
    )  # fmt: skip


def test_a_check_that_dies_is_an_error_and_ends_the_measuring():
    board = SimulatedBoard(model=SimulatedModel(deaths={"check": "killed by SIGABRT"}))
    entry = _execute(board)
    assert entry.status is Status.ERROR
    assert entry.reason == "the model aborts the process: killed by SIGABRT; the next candidate runs"
    assert len(board.blocks) == 1


def test_a_model_that_always_dies_is_an_error_with_its_reason():
    board = SimulatedBoard(model=SimulatedModel(deaths=dict.fromkeys(("latency", "memory"), "no such op")))
    entry = _execute(board, artifact=make_artifact())
    assert entry.status is Status.ERROR
    assert entry.reason == "the model could not be measured: no such op; the next candidate runs"
    assert _value(entry, "latency_p50").reason == "every latency trial died: no such op"
    assert entry.trials == []


def test_one_death_among_many_is_told_and_the_others_are_measured():
    entry = _execute(SimulatedBoard(model=SimulatedModel(deaths={3: "killed by SIGSEGV"})))
    assert entry.status is Status.ERROR
    assert entry.reason == ("1 of 13 trials died (1 x latency: killed by SIGSEGV); figures come from those that lived")
    assert _value(entry, "latency_p50").n == 9


def test_a_lost_connection_is_passed_on():
    board = SimulatedBoard(lost=ConnectionLostError("gone"), lost_after=3)
    with pytest.raises(ConnectionLostError, match="gone"):
        _execute(board)


class _Liar(SimulatedBoard):
    """A board whose trials are changed on their way."""

    def __init__(self, **lies):
        super().__init__()
        self.lies = lies

    def run_block(self, block):
        for trial in super().run_block(block):
            yield trial.model_copy(update=self.lies) if trial.kind == "latency" else trial


def test_answers_for_another_arm_are_an_error():
    entry = _execute(_Liar(arm="baseline"))
    assert entry.status is Status.ERROR
    assert "expected block 0, arm 'candidate'" in entry.reason
    assert entry.measurements == []


def test_a_stuck_clock_is_an_error():
    entry = _execute(_Liar(samples_ns=(1000,) * STUCK_READS, n=STUCK_READS))
    assert entry.status is Status.ERROR
    assert "the clock is stuck" in entry.reason


def _states(*steps):
    return tuple(BoardState(**step) for step in steps)


FROM_THE_FIRST_TRIAL = {"from_s": 0.405}
"""When the board was looked at before, and was fit then."""


def test_a_board_that_is_throttled_from_the_first_trial_on_is_invalid():
    board = SimulatedBoard(states=_states({}, FROM_THE_FIRST_TRIAL | {"throttled": 1}))
    entry = _execute(board)
    assert entry.status is Status.INVALID
    assert entry.reason == "board not fit: under-voltage in 5 of 5 trials; your change was not judged"
    assert len(board.blocks) == 1
    assert [t.void for t in entry.trials] == ["under-voltage"] * 5
    assert entry.seconds["cool"] > 50.0


def test_a_board_that_is_throttled_again_was_tried_twice():
    states = _states({}, FROM_THE_FIRST_TRIAL | {"throttled": 1}, {"from_s": 3.0}, {"from_s": 6.4, "throttled": 1})
    board = SimulatedBoard(states=states)
    entry = _execute(board)
    assert entry.status is Status.INVALID
    assert entry.reason == "board not fit: under-voltage in 5 of 5 trials; your change was not judged"
    assert len(board.blocks) == 2
    assert [t.void for t in entry.trials] == ["under-voltage"] * 10
    assert _value(entry, "latency_p50").reason == "no latency trial counts"


def test_a_hot_board_is_waited_for_and_measured_again():
    board = SimulatedBoard(
        profile=make_profile(limits=Limits(max_temp_c=75.0)),
        states=_states({}, FROM_THE_FIRST_TRIAL | {"temp_c": 80.0, "slowdown": 3.0}, {"from_s": 12.0, "temp_c": 60.0}),
    )
    heard: list[Trial] = []
    entry = _execute(board, on_trial=heard.append)
    assert entry.status is Status.MEASURED
    assert entry.seconds["cool"] >= 10.0
    voids = [t.void for t in entry.trials if t.void]
    assert len(voids) == 5
    assert all("over the limit of 75 °C" in void for void in voids)
    assert _value(entry, "latency_p50").n == 10
    assert _value(entry, "latency_p50").value == pytest.approx(0.004, rel=0.03)
    assert len({t.index for t in heard}) == len(heard)


def test_good_trials_of_a_block_that_is_measured_again_say_so():
    board = SimulatedBoard(states=_states({}, {"from_s": 0.8, "throttled": 4}, {"from_s": 2.0}))
    entry = _execute(board)
    assert entry.status is Status.MEASURED
    assert {t.void for t in entry.trials} >= {None, "throttled", MEASURED_AGAIN}
    # In the order in which they were measured: the block that did not count stands before the one in its place.
    assert [t.void is None for t in entry.trials] == [False] * 5 + [True] * 10


def test_a_board_that_stays_hot_is_given_up_at_the_time_limit():
    board = SimulatedBoard(
        profile=make_profile(limits=Limits(max_temp_c=75.0)),
        states=_states({}, FROM_THE_FIRST_TRIAL | {"temp_c": 90.0}),
    )
    entry = _execute(board)
    assert entry.status is Status.INVALID
    assert "hotter than 75 °C in 5 of 5 trials" in entry.reason
    assert board.now() <= QUICK.time_limit_s


def test_a_clock_that_drops_for_good_is_invalid_though_steady_afterwards():
    board = SimulatedBoard(states=_states({}, {"from_s": 0.45, "freq_khz": 600_000}))
    entry = _execute(board)
    assert entry.status is Status.INVALID
    assert entry.reason.startswith("board not fit: another frequency in 5 of 5 trials")
    assert {t.void for t in entry.trials} == {"clock went from 1500 to 600 MHz"}


def test_a_clock_that_dips_costs_its_block_a_second_try():
    board = SimulatedBoard(states=_states({}, {"from_s": 0.45, "freq_khz": 600_000}, {"from_s": 2.0}))
    entry = _execute(board)
    assert entry.status is Status.MEASURED
    assert len(entry.trials) == 15


def test_slow_models_stop_at_the_time_limit_with_whole_blocks():
    board = SimulatedBoard(model=SimulatedModel(latency_s=2.0))
    entry = _execute(board, Settings())
    assert entry.reason == "5 of 10 trials within the time limit of 60 s"
    assert len(entry.trials) == 5


def test_one_block_is_measured_however_short_the_time():
    entry = _execute(SimulatedBoard(model=SimulatedModel(latency_s=0.5)), Settings(time_limit_s=0.1))
    assert len(entry.trials) == 5


def test_a_sensor_gives_energy_at_the_end():
    board = SimulatedBoard(
        profile=make_profile(power=Power(sensors=["rapl"])),
        facts=make_facts(sensors=(SensorFound(name="rapl", readable=True),)),
        sensors={"rapl": (5.0, 2.0)},
    )
    entry = _execute(board, sensors=("rapl",))
    joules = _value(entry, "energy_per_inference")
    (window,) = [told for told in entry.figures if told.kind == "energy"]
    assert joules.value == pytest.approx(window.values["energy_per_inference"])
    assert joules.value == pytest.approx(5.0 * _value(entry, "latency_mean").value, rel=0.02)
    assert _value(entry, "power_idle").value == 2.0
    assert joules.idle_share == pytest.approx(0.4)
    assert [t.kind for t in board.blocks[-1].trials] == ["energy"]
    assert len(entry.trials) == 10


def test_a_sensor_that_cannot_be_read_costs_the_energy_alone():
    board = SimulatedBoard(profile=make_profile(power=Power(sensors=["rapl"])))
    entry = _execute(board, sensors=("rapl",))
    assert entry.status is Status.MEASURED
    assert _value(entry, "energy_per_inference").reason == (
        "no power source: sensor not read: sensor rapl is not on the board"
    )


def test_two_arms_are_interleaved_and_both_summarised():
    board = SimulatedBoard(models={BASELINE.sha256: SimulatedModel(latency_s=0.002)})
    entry = _execute(board, baseline=BASELINE)
    assert Counter(t.arm for t in entry.trials) == {"candidate": 10, "baseline": 10}
    assert _value(entry, "latency_p50").value == pytest.approx(0.004, rel=0.03)
    assert BASELINE.sha256 in board.shipped


def test_a_dying_baseline_leaves_the_candidate_measured_and_nothing_to_compare():
    dying = SimulatedModel(deaths={"latency": "killed by SIGABRT", "memory": "killed by SIGABRT"})
    entry = _execute(SimulatedBoard(models={BASELINE.sha256: dying}), baseline=BASELINE)
    assert entry.status is Status.INVALID
    assert entry.reason.startswith("baseline: the model aborts the process")
    assert _value(entry, "latency_p50").value is not None


def test_a_wrong_baseline_is_not_the_candidates_failure():
    wrong = make_artifact("old", sha256=made_up_sha256("b"), golden=make_golden())
    board = SimulatedBoard(models={wrong.sha256: SimulatedModel(outputs="wrong")})
    entry = _execute(board, baseline=wrong)
    assert entry.status is Status.INVALID
    assert entry.reason.startswith("baseline: wrong output on the board")
    assert entry.outputs.startswith("bit-equal")


def test_fast_models_are_summarised_by_inferences():
    entry = _execute(SimulatedBoard(model=SimulatedModel(latency_s=5e-6)), Settings(min_secs=0.01))
    trial = entry.trials[0]
    assert trial.batch == 20
    assert sum(trial.histogram.counts) == trial.n
    assert set(trial.quantiles) == {"p50", "p90", "p99"}


def test_a_trial_with_few_reads_has_no_p99():
    assert set(_execute(SimulatedBoard()).trials[0].quantiles) == {"p50", "p90"}


def test_stages_are_shipped_timed_and_answered_for():
    board = SimulatedBoard(model=SimulatedModel(preprocess_s=0.006, postprocess_s=0.001))
    trials = []
    entry = _execute(board, artifact=STAGED, on_trial=trials.append)
    assert (entry.status, entry.reason) == (Status.MEASURED, "10 trials")
    assert {STAGED.stages.sha256, STAGED.stages.raw_sha256} <= set(board.shipped)
    assert Counter(t.kind for t in trials) == {"check": 1, "latency": 10, "stages": 10, "memory": 2}
    found = {name: _value(entry, name) for name in STAGES}
    assert found["preprocess"].value == pytest.approx(0.006)
    assert found["inference"].value == pytest.approx(0.004, rel=0.03)
    assert found["end_to_end"].value == pytest.approx(0.011, rel=0.02)
    assert {m.n for m in found.values()} == {10}
    assert found["end_to_end"].ci_low < found["end_to_end"].ci_high
    assert entry.answers == ANSWERS
    assert entry.outputs.endswith("; answers as on the host for 2 of 2 samples")
    assert len(entry.trials) == 10
    assert Entry.model_validate_json(entry.model_dump_json()) == entry


def test_an_entry_without_stages_says_nothing_of_them():
    entry = _execute(SimulatedBoard())
    assert not {m.metric for m in entry.measurements} & set(STAGES)
    assert (entry.answers, "answers" in entry.outputs) == ((), False)


def test_a_budget_on_stages_that_are_not_there_is_not_judged():
    limits = parse_limits({"end_to_end": "20 ms"}, origin="the marker")
    judged = judge(_execute(SimulatedBoard()), limits, settings=QUICK)
    assert judged.status is Status.INVALID
    assert judged.reason == "end_to_end: not judged: not measured: no pre- or post-processing was given"
    assert judged.findings[-1].detail == "the marker end_to_end"


@pytest.mark.parametrize(("limit", "status"), [("20 ms", Status.PASS), ("5 ms", Status.FAIL)])
def test_a_budget_on_stages_is_judged(limit, status):
    limits = parse_limits({"end_to_end": limit}, origin="the marker")
    assert judge(_execute(SimulatedBoard(), artifact=STAGED), limits, settings=QUICK).status is status


def test_another_answer_on_the_board_fails():
    entry = _execute(SimulatedBoard(model=SimulatedModel(answers=('"cat"', '"cow"'))), artifact=STAGED)
    assert entry.status is Status.FAIL
    assert entry.reason == 'postprocess says "cow" on the board, "dog" on the host for sample 1'


def test_stages_that_die_are_an_error_beside_the_models_own_figures():
    died = "my_stages.py, line 3: preprocess raised ValueError: no BMP"
    board = SimulatedBoard(model=SimulatedModel(deaths={"stages": died}))
    entry = _execute(board, artifact=STAGED)
    assert entry.status is Status.ERROR
    assert entry.reason == f"pre- and post-processing could not be measured: {died}"
    assert _value(entry, "latency_p50").n == 5
    assert _value(entry, "end_to_end").reason == f"every stages trial died: {died}"
    assert len(board.blocks) == 1


def test_one_stages_trial_that_dies_is_told():
    entry = _execute(SimulatedBoard(model=SimulatedModel(deaths={8: "killed by SIGSEGV"})), artifact=STAGED)
    assert entry.reason == "1 of 23 trials died (1 x stages: killed by SIGSEGV); figures come from those that lived"
    assert _value(entry, "end_to_end").n == 9


def test_stages_measured_on_a_throttled_board_do_not_count():
    entry = _execute(SimulatedBoard(states=_states({}, FROM_THE_FIRST_TRIAL | {"throttled": 1})), artifact=STAGED)
    assert entry.status is Status.INVALID
    assert entry.reason == "board not fit: under-voltage in 10 of 10 trials; your change was not judged"
    assert _value(entry, "end_to_end").reason == "no stages trial counts"


def test_a_baselines_other_answers_are_not_the_candidates_failure():
    old = make_artifact("old", sha256=made_up_sha256("b"), stages=make_stages())
    board = SimulatedBoard(models={old.sha256: SimulatedModel(answers=('"cow"', '"cow"'))})
    entry = _execute(board, artifact=STAGED, baseline=old)
    assert entry.status is Status.INVALID
    assert entry.reason.startswith('baseline: postprocess says "cow" on the board')


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"memory_bytes": 256_000_000}, "the board has 256 MB"),
        ({"memory_limit_bytes": 300_000_000}, "its cgroup allows 300 MB"),
    ],
)
def test_tensors_that_cannot_fit_the_boards_memory_are_never_sent(facts, told):
    board = SimulatedBoard(facts=make_facts(**facts))
    inside = Inside(operators=(), parameters=0, macs=0, weight_bytes=0, activation_bytes=400_000_000)
    entry = _execute(board, artifact=make_artifact(inside=inside))
    assert entry.status is Status.ERROR
    assert entry.reason == (
        "out of memory before it began: the candidate's tensors take 400 MB at one time, as its file declares, "
        f"and {told}"
    )
    assert not board.shipped
    assert _execute(SimulatedBoard(), artifact=make_artifact(inside=inside)).status is Status.MEASURED


def test_of_an_emulated_board_outputs_and_memory_are_told_and_no_speed():
    board = SimulatedBoard(facts=make_facts(emulated="a made-up processor"))
    entry = _execute(board, artifact=STAGED, baseline=BASELINE)

    assert "bit-equal" in entry.outputs
    known = {one.metric for one in entry.measurements if one.value is not None}
    assert known == {"peak_memory", "model_memory", "model_size"}
    assert {one.reason for one in entry.measurements if one.metric.startswith("latency")} == {WITHHELD}
    assert (entry.trials, entry.figures) == ([], [])
    assert entry.baseline is not None
    assert {ratio.metric for ratio in entry.baseline.ratios} <= {"peak_memory", "model_memory"}
