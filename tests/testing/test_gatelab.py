import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from harness.testing.gatelab import NOISES, Experiment, parse_noise, run_experiment
from harness.testing.gatelab.noise import SPREAD, draw_noise
from harness.testing.gatelab.trace import Trace, turns_of_slices

FIRST = ("iid", "ar1", "drift", "throttle", "bimodal")

KEYS = {
    "noise", "sessions", "metrics", "slow_metrics", "limit", "slowdown", "sessions_failed", "sessions_green",
    "metrics_passed", "metrics_failed", "metrics_inconclusive", "blocks_mean", "max_blocks", "upper95",
    "parameters", "question", "design",
}  # fmt: skip


def experiment(noise="iid", *, sessions=40, slow=0.0, slow_metrics=50, seed=0, **more):
    return run_experiment(
        Experiment(
            noise,
            sessions=sessions,
            metrics=50,
            slow_metrics=slow_metrics,
            limit=0.02,
            slowdown=slow,
            seed=seed,
            **more,
        )
    )


def trace(metrics, processes, *, candidate=False, seed=0, trial_s=1.0):
    return Trace(
        np.random.default_rng(seed), metrics, np.broadcast_to(np.asarray(candidate), processes),
        windows=np.arange(processes)[:, np.newaxis], window_s=trial_s, trial_s=trial_s, session_s=processes * trial_s,
    )  # fmt: skip


def logs_of(text, *arguments, **more):
    return parse_noise(text).logs(trace(*arguments, **more))


@pytest.mark.parametrize("noise", FIRST)
def test_nothing_changed_is_green_and_never_fails(noise):
    outcome = experiment(noise)
    assert outcome.sessions_failed == 0
    # Nothing tells the judge here that the board was throttled: what it did to a block stays in the spread.
    assert outcome.sessions_green >= (36 if noise == "throttle" else 39)


@pytest.mark.parametrize("noise", FIRST)
def test_everything_at_its_limit_hardly_ever_fails_and_is_never_green(noise):
    outcome = experiment(noise, slow=0.02, sessions=60)
    assert outcome.sessions_failed <= 2
    assert outcome.sessions_green == 0
    assert outcome.verdicts["pass"] <= 0.06 * 60 * 50


@pytest.mark.parametrize("noise", FIRST)
def test_one_slow_metric_among_many_is_found(noise):
    outcome = experiment(noise, slow=0.07, slow_metrics=1)
    # Where the board throttles in most blocks of a session, as nothing tells the judge, its spread hides 7 %.
    assert outcome.sessions_failed >= (39 if noise == "throttle" else 40)
    assert outcome.verdicts["fail"] == outcome.sessions_failed


def test_counts_add_up_and_the_same_seed_gives_the_same():
    first, second = experiment("throttle", slow=0.03), experiment("throttle", slow=0.03)
    assert first.as_dict() == second.as_dict()
    assert first.verdicts.total() == 40 * 50
    assert first.as_dict() != experiment("throttle", slow=0.03, seed=1).as_dict()


def test_sessions_are_false_alarms_where_both_mean_and_median_keep_the_limit():
    """Eight of ten of the candidate's processes slower: what most blocks show is more than the mean."""
    outcome = experiment("minority:share=0.8,factor=1.2,sd=0.5", slow=0.02)
    rng = np.random.default_rng(0)
    slow = (rng.random((400_000, 2)) < 0.8).mean(axis=1) * np.log(1.2) + rng.normal(0.0, 0.005, 400_000)
    assert outcome.median_above_mean == pytest.approx(np.median(slow) - slow.mean(), rel=0.05)
    assert outcome.sessions_failed < outcome.sessions_failed_by_mean
    same = experiment("minority:share=0.2,factor=1.2,sd=0.5", slow=0.02)
    assert same.median_above_mean == 0.0
    assert same.sessions_failed == same.sessions_failed_by_mean


@pytest.mark.parametrize(("noise", "spread"), [("iid", SPREAD), ("ar1", SPREAD), ("bimodal", 0.0322)])
def test_the_noise_has_the_spread_it_says(noise, spread):
    logs = logs_of(noise, 200, 2000)
    assert logs.std() == pytest.approx(spread, rel=0.02)


def test_the_noise_has_the_shape_it_says():
    ar1 = logs_of("ar1", 200, 2000)
    assert np.mean(ar1[:, 1:] * ar1[:, :-1]) / ar1.var() == pytest.approx(0.7, abs=0.01)
    ramp = logs_of("drift", 4000, 51).mean(axis=0)
    assert np.exp(ramp[-1] - ramp[0]) == pytest.approx(1.28, rel=0.01)
    slow = logs_of("throttle", 500, 2000) > 0.17
    assert slow.mean() == pytest.approx(0.005 * 12.5 / (1 + 0.005 * 12.5), rel=0.1)


def test_others_raise_alarms_where_nothing_changed():
    failed = experiment("iid").competitors_failed
    assert failed["Welch t-test at 5 %"] > 20 and failed["fixed threshold of 2 %"] > 5


def run(*arguments):
    command = [sys.executable, "-m", "harness.testing.gatelab", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_json_for_machines():
    found = json.loads(run("--sessions", "5", "--metrics", "10", "--slowdown", "7", "--json").stdout)
    assert set(found) >= KEYS
    assert (found["limit"], found["slowdown"], found["slow_metrics"], found["sessions_failed"]) == (2.0, 7.0, 10, 5)
    assert found["upper95"] == 1.0


def test_sentences_for_people_fit_eighty_columns():
    told = run("--sessions", "5", "--metrics", "10").stdout
    assert "sessions failed  0 (0.00%), at most 45.07% (95 %)" in told
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("candidate", [False, True])
def test_either_arm_of_every_noise_has_a_mean_of_none(name, candidate):
    kind = ":kind=lognormal" if name == "tails" else ""
    # What follows the candidate is slower: only both arms together have a mean of none.
    arm = np.arange(400) % 2 == 0 if name == "carry" else candidate
    logs = logs_of(name + kind, 3000, 400, candidate=arm)
    assert logs.mean() == pytest.approx(0.0, abs=0.15 * 0.0266)


@pytest.mark.parametrize("name", NOISES)
def test_drawn_parameters_are_ones_that_parse(name):
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert set(parse_noise(draw_noise(name, rng)).values) == {key.name for key in NOISES[name].keys}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pink", '"pink" is none of iid, ar1,'),
        ("iid:sd=1", 'iid has no key "sd": it has none'),
        ("modes:speed=1", 'modes has no key "speed": it has share_base,'),
        ("modes:unit=board", 'unit is process, parent or time, not "board"'),
        ("modes:share_base=2", 'share_base (share) is a number from 0 to 1, not "2"'),
        ("walk:sd=x", 'sd (%) is a number from 0.01 to 100, not "x"'),
        ("walk:sd=nan", 'not "nan"'),
        ("walk:sd", '"sd" is not one sd=value'),
        ("walk:sd=1,sd=2", '"sd=2" is not one sd=value'),
        ("periodic:period=1", "burst is longer than period"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(text, told):
    with pytest.raises(ValueError) as refused:
        parse_noise(text)
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_periodic_bursts_take_their_share_of_the_time():
    logs = logs_of("periodic:period=10,burst=5,factor=2", 400, 1000, trial_s=0.1)
    high = logs > 0.0
    assert high.mean() == pytest.approx(0.5, abs=0.01)
    assert logs[high].mean() - logs[~high].mean() == pytest.approx(np.log(2.0), abs=0.03)
    assert (high[:, :-50] == high[:, 50:]).mean() < 0.1 and (high[:, :-100] == high[:, 100:]).mean() > 0.9


def test_a_mode_stays_as_long_as_its_unit():
    def second(unit, processes=400):
        return logs_of(f"modes:step=40,sd=0.1,unit={unit},dwell=100", 200, processes) > 0.15

    alike = {unit: (second(unit)[:, :-1] == second(unit)[:, 1:]).mean() for unit in ("process", "parent", "time")}
    chance = 0.3**2 + 0.7**2
    assert alike["process"] == pytest.approx(chance, abs=0.01)
    assert alike["parent"] == pytest.approx(0.75 + 0.25 * chance, abs=0.01)
    assert alike["time"] == pytest.approx(1.0 - 0.01 * (1.0 - chance), abs=0.01)


def test_a_coarse_clock_reads_whole_steps():
    parameters = parse_noise("lattice:step=5,sd=2")
    logs = parameters.read(np.random.default_rng(0), parameters.logs(trace(3, 100)))
    steps = np.exp(logs) / 0.05
    assert steps == pytest.approx(np.rint(steps))


def test_slices_leave_little_of_what_dwells_longer_than_they_do():
    noise = "modes:unit=time,step=40,sd=0.1,dwell=1"
    rng = np.random.default_rng(0)
    logs = parse_noise(noise).logs(turns_of_slices(rng, 200, 100, slice_s=0.02, trial_s=1.0))
    assert (logs[:, ::2] - logs[:, 1::2]).std() < 0.2 * np.diff(logs_of(noise, 200, 200)[:, ::2]).std()
    by_turns = experiment(noise, design="slices", sessions=10, max_blocks=40)
    assert by_turns.sessions_green == 10
    assert by_turns.blocks_slow < experiment(noise, sessions=10, max_blocks=40).blocks_slow


def test_an_absolute_limit_is_about_the_candidate_alone():
    slow = experiment(slow=0.07, question="absolute", sessions=10)
    assert slow.sessions_failed == 10
    assert experiment("throttle", question="absolute", sessions=10).sessions_green < 10


@pytest.mark.parametrize(
    "wrong",
    [
        ["--question", "absolute", "--design", "slices"],
        ["--noise", "pink"],
        ["--metrics", "3", "--slow-metrics", "4"],
        ["--sessions", "0"],
    ],
)
def test_wrong_options_are_told(wrong):
    refused = run(*wrong)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr and wrong[-2] in refused.stderr


def asked(question, *, metrics=20, sessions=5, slow=0.0, **more):
    what = Experiment(more.pop("noise", "modes:step=0,sd=1"), sessions, metrics, metrics, 0.02, slow, question=question)
    return run_experiment(replace(what, **more))


PAGES = "modes:share_base=0.02,share_candidate=0.02,step=0.0114,sd=0.0001"


@pytest.mark.parametrize(
    ("question", "more"),
    [("memory", {"noise": PAGES}), ("energy", {"max_blocks": 40}), ("stored", {"max_blocks": 20})],
)
def test_questions_of_records_are_green_unchanged_and_find_what_is_slower(question, more):
    same, slower = asked(question, **more), asked(question, slow=0.07, **more)
    assert (same.sessions_failed, same.verdicts["fail"]) == (0, 0)
    assert same.verdicts["pass"] >= 98
    assert slower.verdicts["fail"] >= 95
    assert same.as_dict()["competitors"] == {}


def test_runs_that_differ_by_themselves_break_a_stored_base_whose_history_does_not_tell():
    unknown = asked("stored", slow=0.02, max_blocks=20, run_sd=0.02)
    known = asked("stored", slow=0.02, max_blocks=20, run_sd=0.02, history_runs=12)
    assert unknown.verdicts["fail"] >= 20
    assert known.verdicts["fail"] == 0


def test_sentences_of_a_question_without_competitors_name_none():
    told = run("--question", "energy", "--sessions", "2", "--metrics", "5", "--max-blocks", "20").stdout
    assert "blocks a metric" in told and "other gates" not in told
