"""Plans and the order of their trials."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure import DEFAULT_TRIALS, expected_extent, make_plan, most_blocks, order_of
from harness.measure.block_order import has_outer_places, needed_blocks, parts_of, repeat_block
from harness.measure.planning import PROCESS_S
from harness.records.device import Meter
from harness.records.energy import HOST_METER
from harness.records.errors import UsageError
from harness.records.limit_test import LimitTest
from harness.records.plan import MeterCommand
from harness.records.settings import Settings
from harness.testing import made_up_sha256, make_artifact, make_golden, make_runner, make_stages

CANDIDATE = make_artifact(golden=make_golden())
STAGED = make_artifact(golden=make_golden(), stages=make_stages(path="/home/me/my_stages.py"))
BASELINE = make_artifact("old", sha256=made_up_sha256("b"))

settings_of = st.builds(
    Settings,
    trials=st.none() | st.integers(1, 40),
    time_limit_s=st.floats(1, 600),
    num_runs=st.integers(1, 500),
    min_secs=st.floats(0, 5),
    max_secs=st.floats(5, 60),
    seed=st.integers(0, 2**31),
)
plans = st.builds(
    lambda settings, artifact, baseline, sensors: make_plan(
        settings, artifact, make_runner(), baseline=baseline, sensors=sensors
    ),
    settings_of,
    st.sampled_from([CANDIDATE, STAGED]),
    st.none() | st.just(BASELINE),
    st.sampled_from([(), ("rapl",), ("hwmon:ina226", "rapl")]),
)


def _trials(plan):
    return [trial for block in order_of(plan) for trial in block.trials]


@given(plans)
def test_every_arm_gets_the_planned_number_of_trials(plan):
    counted = Counter(trial.arm for trial in _trials(plan) if trial.kind == "latency")
    assert counted == {arm.name: plan.trials for arm in plan.arms}


@given(plans)
def test_an_arm_with_stages_gets_as_many_stages_trials_and_another_none(plan):
    counted = Counter(trial.arm for trial in _trials(plan) if trial.kind == "stages")
    assert counted == {arm.name: plan.trials for arm in plan.arms if arm.stages_sha256}


@given(plans)
def test_stages_come_after_latency_and_before_memory(plan):
    for block in order_of(plan):
        kinds = [trial.kind for trial in block.trials]
        assert kinds == sorted(kinds, key=["check", "latency", "stages", "memory", "energy"].index)


@given(plans)
def test_indices_are_unique_and_rise(plan):
    assert [trial.index for trial in _trials(plan)] == list(range(len(_trials(plan))))
    assert [block.index for block in order_of(plan)] == list(range(len(order_of(plan))))


@given(plans)
def test_interleaved_arms_stand_at_balanced_places_of_every_block(plan):
    for block in order_of(plan):
        latency = [trial.arm for trial in block.trials if trial.kind == "latency"]
        places = {arm.name: [i for i, name in enumerate(latency) if name == arm.name] for arm in plan.arms}
        assert len({(len(p), sum(p)) for p in places.values()}) == 1


@given(plans)
def test_a_block_checks_first_and_reads_memory_last(plan):
    for block in order_of(plan):
        kinds = [trial.kind for trial in block.trials]
        if "energy" in kinds:
            assert set(kinds) == {"energy"}
            continue
        assert [t.arm for t in block.trials if t.kind == "memory"] == [
            arm.name for arm in (plan.arms if block.index % 2 == 0 else plan.arms[::-1])
        ]
        assert kinds[-1] == "memory"
        assert ("check" in kinds) == (block.index == 0)
        assert "check" not in kinds[kinds.index("latency") :]


@given(plans)
def test_trials_have_room_before_their_deadline(plan):
    for trial in _trials(plan):
        assert trial.min_secs <= trial.max_secs < trial.deadline_s


@given(plans)
def test_the_order_is_a_function_of_the_plan(plan):
    assert order_of(plan) == order_of(plan)


def test_ten_trials_in_two_blocks_by_default():
    plan = make_plan(Settings(), CANDIDATE, make_runner())
    assert plan.trials == DEFAULT_TRIALS == 10
    assert [[t.kind for t in block.trials] for block in order_of(plan)] == [
        ["check", *["latency"] * 5, "memory"],
        [*["latency"] * 5, "memory"],
    ]


def _outer(seed, *, trials=64):
    plan = make_plan(Settings(trials=trials, seed=seed), CANDIDATE, make_runner(), baseline=BASELINE)
    blocks = ["".join(t.arm[0] for t in block.trials if t.kind == "latency") for block in order_of(plan)]
    assert set(blocks) == {"cbbc", "bccb"}
    return [block == "cbbc" for block in blocks]


def test_each_pair_of_blocks_has_both_orientations_in_an_order_that_the_seed_draws():
    drawn = [_outer(seed) for seed in range(8)]
    assert all(first != second for outer in drawn for first, second in zip(outer[::2], outer[1::2], strict=True))
    firsts = [outer[::2] for outer in drawn]
    assert all(0 < sum(first) < len(first) for first in firsts) and len({tuple(first) for first in firsts}) == 8
    assert 0.35 < sum(map(sum, firsts)) / sum(map(len, firsts)) < 0.65
    assert _outer(3) == drawn[3]


def test_blocks_end_with_memory_of_both_arms():
    plan = make_plan(Settings(trials=3), CANDIDATE, make_runner(), baseline=BASELINE)
    first, second = order_of(plan)
    memory = [[t.arm[0] for t in block.trials if t.kind == "memory"] for block in (first, second)]
    assert memory == [["c", "b"], ["b", "c"]]


def _asked(metric="latency_p50", *, relative=True):
    return LimitTest(
        metric=metric, better="lower", limit=0.02, relative=relative, alpha=0.001, miss=0.05, most_blocks=130
    )


def test_questions_go_on_with_the_kinds_of_trials_that_they_are_about():
    whole = Settings(design="trials")
    plan = make_plan(whole, CANDIDATE, make_runner(), baseline=BASELINE, questions=(_asked(),))
    blocks = order_of(plan)
    assert len(blocks) == plan.most_blocks == 130 and plan.balanced
    assert {t.kind for t in blocks[4].trials} == {"latency", "memory"}
    assert {t.kind for t in blocks[5].trials} == {"latency"}


def test_a_single_arm_with_questions_has_whole_blocks_of_four():
    plan = make_plan(Settings(), CANDIDATE, make_runner(), questions=(_asked("peak_memory", relative=False),))
    blocks = order_of(plan)
    assert [t.kind for t in blocks[2].trials] == [*["latency"] * 4, "memory"]
    assert [t.kind for t in blocks[3].trials] == ["memory"]


def test_trials_that_were_asked_for_are_the_most_there_will_be():
    plan = make_plan(Settings(trials=30), CANDIDATE, make_runner(), baseline=BASELINE, questions=(_asked(),))
    assert plan.most_blocks == 15 and len(order_of(plan)) == 15


def test_lengths_that_were_asked_for_stay():
    plan = make_plan(
        Settings(min_secs=0.7, fixed_length=True), CANDIDATE, make_runner(), baseline=BASELINE, questions=(_asked(),)
    )
    assert not plan.balanced and plan.min_secs == 0.7


@pytest.mark.parametrize(("trials", "baseline", "fewest"), [(11, BASELINE, 12), (23, None, 24)])
def test_too_few_trials_for_a_limit_are_refused(trials, baseline, fewest):
    with pytest.raises(UsageError, match=f"--trials {trials}: a limit on latency_p50 needs {fewest} at least"):
        make_plan(Settings(trials=trials), CANDIDATE, make_runner(), baseline=baseline, questions=(_asked(),))
    make_plan(Settings(trials=fewest), CANDIDATE, make_runner(), baseline=baseline, questions=(_asked(),))


def test_memory_alone_may_be_limited_with_few_trials():
    make_plan(Settings(trials=3), CANDIDATE, make_runner(), questions=(_asked("peak_memory", relative=False),))


def test_a_process_on_the_board_runs_one_interpreter_and_ends_with_memory():
    older = make_runner(version="2.1.0")
    plan = make_plan(Settings(), CANDIDATE, make_runner(), baseline=BASELINE, baseline_runner=older)
    block = order_of(plan)[1]
    parts = parts_of(plan, block)
    assert [t for part in parts for t in part.trials] == list(block.trials)
    kinds = [[(t.arm[0], t.kind[0]) for t in part.trials] for part in parts]
    b, c = ("b", "2.1.0"), ("c", "2.3.0")
    if has_outer_places(plan, 1):
        assert kinds == [[("c", "l")], [("b", "l"), ("b", "l")], [("c", "l")], [("b", "m")], [("c", "m")]]
    else:
        assert kinds == [[("b", "l")], [("c", "l"), ("c", "l")], [("b", "l"), ("b", "m")], [("c", "m")]]
    assert all((part.trials[0].arm[0], part.runner.version) in (b, c) for part in parts)
    assert {part.index for part in parts} == {1}


def test_a_stranger_runs_on_seeded_inputs_and_is_not_checked():
    plan = make_plan(Settings(seed=7), make_artifact(), make_runner())
    assert {(t.inputs, t.expected, t.seed) for t in _trials(plan)} == {(None, None, 7)}
    assert "check" not in {t.kind for t in _trials(plan)}


def test_only_a_check_needs_the_expected_outputs():
    trials = _trials(make_plan(Settings(), CANDIDATE, make_runner()))
    assert {t.kind for t in trials if t.expected is not None} == {"check"}
    assert {t.inputs for t in trials} == {CANDIDATE.verification.golden.inputs_sha256}


def test_only_stages_trials_name_the_files_of_stages():
    trials = _trials(make_plan(Settings(), STAGED, make_runner()))
    for trial in trials:
        files = (trial.stages, trial.stages_name, trial.raw)
        staged = (STAGED.stages.sha256, "my_stages.py", STAGED.stages.raw_sha256)
        assert files == (staged if trial.kind == "stages" else (None, None, None))
        assert trial.inputs == (None if trial.kind == "stages" else STAGED.verification.golden.inputs_sha256)


def test_stages_of_two_arms_are_interleaved_like_their_latencies():
    block = order_of(make_plan(Settings(), STAGED, make_runner(), baseline=STAGED))[0]
    arms = {kind: [t.arm[0] for t in block.trials if t.kind == kind] for kind in ("latency", "stages")}
    assert arms["latency"] == arms["stages"] == ["c", "b", "b", "c"]


def test_stages_take_their_share_of_the_time_limit():
    alone, staged = (make_plan(Settings(time_limit_s=20.0), a, make_runner()) for a in (CANDIDATE, STAGED))
    assert staged.max_secs == alone.max_secs / 2


def test_slow_models_stop_so_that_all_trials_fit_the_time_limit():
    plan = make_plan(Settings(time_limit_s=20.0), CANDIDATE, make_runner())
    assert plan.max_secs * plan.trials <= 20.0
    assert plan.max_secs < Settings().max_secs


def test_min_secs_is_never_shortened():
    plan = make_plan(Settings(time_limit_s=2.0, min_secs=1.0), CANDIDATE, make_runner())
    assert plan.max_secs == 1.0


def test_energy_comes_last_in_windows_of_ten_seconds():
    plan = make_plan(Settings(time_limit_s=70.0), CANDIDATE, make_runner(), sensors=("hwmon:ina226", "rapl"))
    energy = [block for block in order_of(plan) if block.trials[0].kind == "energy"]
    assert [block.trials[0].sensors for block in energy] == [("hwmon:ina226",), ("rapl",)]
    assert energy == list(order_of(plan)[-2:])
    assert all(t.min_secs >= 10.0 for block in energy for t in block.trials)


def test_a_short_time_limit_has_no_room_for_a_sensor():
    plan = make_plan(Settings(time_limit_s=20.0), CANDIDATE, make_runner(), sensors=("rapl",))
    assert plan.sensors == ()


def test_the_extent_without_limits_is_that_of_the_trials():
    extent = expected_extent(Settings(min_secs=1.0), [], arms=2)
    assert (extent.least_trials, extent.most_trials, extent.least_s, extent.most_s) == (20, 20, 20.0, 20.0)
    assert expected_extent(Settings(min_secs=30.0), [], arms=1).most_s == 60.0


def test_the_extent_with_limits_reaches_from_the_first_look_to_the_time_limit():
    extent = expected_extent(Settings(), ["latency_p50"], arms=2)
    assert (extent.least_trials, extent.most_trials, extent.least_s, extent.most_s) == (24, 520, 6.0, 60.0)
    assert expected_extent(Settings(trials=30), ["latency_p50"], arms=2).most_trials == 60


def test_the_extent_of_limits_against_a_baseline_is_that_of_slices():
    extent = expected_extent(Settings(), ["latency_p50"], arms=2, relative=True)
    assert (extent.least_trials, extent.least_s) == (24, pytest.approx(24 * PROCESS_S))
    assert expected_extent(Settings(), ["latency_p99"], arms=2, relative=True).least_s == 6.0
    assert expected_extent(Settings(design="trials"), ["latency_p50"], arms=2, relative=True).least_s == 6.0
    assert expected_extent(Settings(min_secs=0.1), ["latency_p50"], arms=2).least_s == pytest.approx(2.4)


def test_a_block_again_has_new_numbers_and_no_check():
    block = order_of(make_plan(Settings(), CANDIDATE, make_runner()))[0]
    repeated = repeat_block(block, index=9, first_trial=40)
    assert repeated.index == 9
    assert [t.index for t in repeated.trials] == list(range(40, 46))
    assert [t.kind for t in repeated.trials] == [*["latency"] * 5, "memory"]


@pytest.mark.parametrize("heavy", ["numpy", "scipy", "paramiko"])
def test_importing_the_room_stays_light(heavy):
    code = f"import sys, harness.measure; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_figures_that_are_compared_with_another_runs_come_from_more_parents():
    alone, across = (make_plan(Settings(), make_artifact(), make_runner(), across_runs=told) for told in (False, True))
    assert (alone.trials, across.trials) == (10, 10)
    assert (needed_blocks(alone), needed_blocks(across)) == (2, 5)


@pytest.mark.parametrize(("limit_s", "paired"), [(10, False), (60, True)])
def test_an_energy_with_a_limit_has_a_time_of_its_own(limit_s, paired):
    settings = Settings(time_limit_s=limit_s, energy_window_s=20.0)
    plan = make_plan(
        settings,
        CANDIDATE,
        make_runner(),
        baseline=make_artifact(sha256="b" * 64) if paired else None,
        sensors=("rapl", "meter"),
        energy_limited=True,
        energy_questions=(_asked("energy_per_inference").model_copy(update={"most_blocks": 14}),),
    )
    energy = [block for block in order_of(plan) if block.trials[0].kind == "energy"]
    assert (plan.energy_windows, len(energy), len({block.index for block in energy})) == (14, 14, 14)
    assert all(trial.sensors == ("rapl",) and trial.min_secs == 20.0 for block in energy for trial in block.trials)
    assert plan.energy_beside_s == plan.energy_s == 14 * (2 if paired else 1) * 26.0
    free = make_plan(settings, CANDIDATE, make_runner())
    assert paired or plan.max_secs == free.max_secs


def test_windows_of_both_arms_come_by_turns_each_first_as_often():
    baseline = make_artifact(sha256="b" * 64)
    asked = (_asked("energy_per_inference").model_copy(update={"most_blocks": 40}),)
    plan = make_plan(
        Settings(), CANDIDATE, make_runner(), baseline=baseline, sensors=("a", "b"), energy_questions=asked
    )
    energy = [block for block in order_of(plan) if block.trials[0].kind == "energy"]
    assert {block.trials[0].sensors for block in energy} == {("a",)}
    firsts = [block.trials[0].arm for block in energy]
    assert abs(firsts.count("candidate") - firsts.count("baseline")) <= 2
    assert all({trial.arm for trial in block.trials} == {"candidate", "baseline"} for block in energy)


def test_a_memory_limit_is_one_process_and_no_checks():
    plan = make_plan(Settings(memory_limit=64_000_000), CANDIDATE, make_runner(), baseline=BASELINE)
    assert {plan.runner_of(arm.name).start for arm in plan.arms} == {"exec"}
    limits = {(trial.kind == "check", trial.memory_limit_bytes) for trial in _trials(plan)}
    assert limits == {(True, 0), (False, 64_000_000)}
    free = make_plan(Settings(), CANDIDATE, make_runner())
    assert (free.runner.start, {trial.memory_limit_bytes for trial in _trials(free)}) == ("fork", {0})


METER = Meter(command=["uhubctl", "--watts"], interval="500 ms")


@pytest.mark.parametrize(("on", "sensor"), [("host", HOST_METER), ("board", "meter")])
def test_a_meter_is_run_by_this_host_or_by_the_board(on, sensor):
    meter = METER.model_copy(update={"on": on})
    plan = make_plan(Settings(), CANDIDATE, make_runner(), sensors=("meter",), meter=meter)
    (trial,) = order_of(plan)[-1].trials
    assert trial.sensors == (sensor,)
    assert trial.meter == MeterCommand(command=("uhubctl", "--watts"), interval_s=0.5, on_host=on == "host")


def test_a_limit_on_memory_has_the_blocks_of_a_first_look_however_few_trials_were_asked_for():
    assert most_blocks(Settings(trials=8), arms=1) == 6
    assert most_blocks(Settings(trials=1), arms=2) == 6
    assert most_blocks(Settings(trials=40), arms=1) == 10
    assert most_blocks(Settings(), arms=1) == 130
