import json
import subprocess
import sys

import numpy as np
import pytest

from harness.testing.gatelab import NOISES, Experiment, run_experiment
from harness.testing.gatelab.noise import SPREAD

KEYS = {
    "noise", "sessions", "metrics", "slow_metrics", "limit", "slowdown", "sessions_failed", "sessions_green",
    "metrics_passed", "metrics_failed", "metrics_inconclusive", "blocks_mean", "max_blocks", "upper95",
}  # fmt: skip


def experiment(noise="iid", *, sessions=40, slow=0.0, slow_metrics=50, seed=0):
    return run_experiment(
        Experiment(
            noise, sessions=sessions, metrics=50, slow_metrics=slow_metrics, limit=0.02, slowdown=slow, seed=seed
        )
    )


@pytest.mark.parametrize("noise", NOISES)
def test_nothing_changed_is_green_and_never_fails(noise):
    outcome = experiment(noise)
    assert outcome.sessions_failed == 0
    # Nothing tells the judge here that the board was throttled: what it did to a block stays in the spread.
    assert outcome.sessions_green >= (36 if noise == "throttle" else 39)


@pytest.mark.parametrize("noise", NOISES)
def test_everything_at_its_limit_hardly_ever_fails_and_is_never_green(noise):
    outcome = experiment(noise, slow=0.02, sessions=60)
    assert outcome.sessions_failed <= 2
    assert outcome.sessions_green == 0
    assert outcome.verdicts["pass"] <= 0.06 * 60 * 50


@pytest.mark.parametrize("noise", NOISES)
def test_one_slow_metric_among_many_is_found(noise):
    outcome = experiment(noise, slow=0.07, slow_metrics=1)
    assert outcome.sessions_failed == 40
    assert outcome.verdicts["fail"] == 40


def test_counts_add_up_and_the_same_seed_gives_the_same():
    first, second = experiment("throttle", slow=0.03), experiment("throttle", slow=0.03)
    assert first.as_dict() == second.as_dict()
    assert first.verdicts.total() == 40 * 50
    assert first.as_dict() != experiment("throttle", slow=0.03, seed=1).as_dict()


@pytest.mark.parametrize(("noise", "spread"), [("iid", SPREAD), ("ar1", SPREAD), ("bimodal", 0.0322)])
def test_the_noise_has_the_spread_it_says(noise, spread):
    logs = NOISES[noise](np.random.default_rng(0), 200, 2000)
    assert logs.std() == pytest.approx(spread, rel=0.02)


def test_the_noise_has_the_shape_it_says():
    rng = np.random.default_rng(0)
    ar1 = NOISES["ar1"](rng, 200, 2000)
    assert np.mean(ar1[:, 1:] * ar1[:, :-1]) / ar1.var() == pytest.approx(0.7, abs=0.01)
    ramp = NOISES["drift"](rng, 4000, 50).mean(axis=0)
    assert np.exp(ramp[-1] - ramp[0]) == pytest.approx(1.28, rel=0.01)
    slow = NOISES["throttle"](rng, 500, 2000) > 0.17
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


@pytest.mark.parametrize("wrong", [["--noise", "pink"], ["--metrics", "3", "--slow-metrics", "4"], ["--sessions", "0"]])
def test_wrong_options_are_told(wrong):
    refused = run(*wrong)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr and wrong[-2] in refused.stderr
