"""Energies whose trials share a sensor's mean watts: the scatter of its windows is a part of their error."""

from math import exp, log, log1p, sqrt

import numpy as np
import pytest
from scipy import stats

from harness.records.entry import TrialMetrics
from harness.records.limit_test import LimitTest, fewest_to_fail
from harness.stats.limit_test import run_limit_test
from harness.stats.single_look import unpaired_test

ALPHA, MISS = 0.01, 0.05
SWINGS = 0.01 * np.array([-2.0, 1.0, 0.0, -1.0, 2.0])
"""Neighbours differ, so that no error is widened for their resemblance."""
CLIMBS = 0.01 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
ALTERNATE = (("candidate", "baseline"), ("baseline", "candidate"))


def question(limit, *, metric="energy_per_inference", relative=False):
    return LimitTest(
        metric=metric, better="lower", limit=limit, relative=relative, alpha=ALPHA, miss=MISS, most_blocks=None
    )


def told(metric, start, effects, arms=("candidate",), *, base=0.015):
    """A figure of each arm in each block; the candidate's are those that the effects shift."""
    return [
        TrialMetrics(
            kind="energy",
            arm=arm,
            block=start + at,
            values={metric: base * exp((effect if arm == "candidate" else 0.0) + 0.001 * (at * at % 7))},
        )
        for at, effect in enumerate(effects)
        for arm in (arms if at % 2 == 0 else arms[::-1])
    ]


def logs(figures, arm="candidate"):
    return np.log([next(iter(one.values.values())) for one in figures if one.arm == arm])


def bartlett(x):
    n, left = x.size, x - x.mean()
    r = left[1:] @ left[:-1] / (left @ left)
    likely = min(max(r + (1 + 4 * r) / n, 0.0), 0.95)
    return sqrt((1 + likely) / (1 - likely))


def welch(parts, *, serial):
    """Standard error and degrees of freedom of means that add up."""
    variances = [(x.var(ddof=1) / x.size * (bartlett(x) ** 2 if serial else 1.0), x.size - 1) for x in parts]
    whole = sum(variance for variance, _ in variances)
    return sqrt(whole), whole**2 / sum(variance**2 / df for variance, df in variances)


def ends(mean, error, degrees):
    return mean - stats.t.isf(ALPHA, degrees) * error, mean + stats.t.isf(MISS, degrees) * error


@pytest.mark.parametrize("watts", [SWINGS, CLIMBS, np.append(SWINGS, SWINGS)], ids=["swings", "climbs", "ten"])
def test_of_one_arm_the_errors_of_trials_and_of_windows_add_up(watts):
    trials, windows = told("energy_per_inference", 0, 0.5 * SWINGS), told("power_mean", 100, watts, base=3.0)
    found = run_limit_test(question(0.02), [], [*trials, *windows])
    error, degrees = welch((logs(windows), logs(trials)), serial=True)
    low, high = ends(logs(trials).mean(), error, degrees)
    assert (found.low, found.high) == pytest.approx((exp(low), exp(high)))
    assert found.value == pytest.approx(exp(logs(trials).mean()))
    assert (found.blocks, found.windows, found.trials) == (watts.size, True, False)
    reach = (stats.t.isf(ALPHA, degrees) + stats.norm.isf(MISS)) * error
    assert found.detectable == pytest.approx(0.02 * exp(reach))


def test_of_both_arms_they_are_those_of_the_pairs():
    trials = told("energy_per_inference", 0, 0.1 + 0.5 * CLIMBS, ALTERNATE[0])
    windows = told("power_mean", 100, CLIMBS, ALTERNATE[0], base=3.0)
    found = run_limit_test(question(0.02, relative=True), [], [*trials, *windows])
    error, degrees = welch((CLIMBS, 0.5 * CLIMBS), serial=False)
    low, high = ends(0.1, error, degrees)
    assert (log1p(found.value), log1p(found.low), log1p(found.high)) == pytest.approx((0.1, low, high))
    assert (found.blocks, found.windows) == (5, True)


@pytest.mark.parametrize(
    ("windows", "beyond", "verdict"), [(5, 0.3, "open"), (5, 0.6, "fail"), (7, 0.3, "fail"), (6, 0.3, "open")]
)
def test_fewer_windows_than_a_sign_test_takes_must_clear_what_they_may_not_have_shown(windows, beyond, verdict):
    """At alpha 0.01 those are seven. Of five, 60 % of all may be unseen, and shift the mean by 0.42."""
    assert fewest_to_fail(ALPHA) == 7
    effects = np.resize(0.1 * SWINGS, windows)
    trials, watts = told("energy_per_inference", 0, 0.1 * SWINGS), told("power_mean", 100, effects, base=3.0)
    limit = exp(logs(trials).mean() - beyond)
    found = run_limit_test(question(limit), [], [*trials, *watts])
    assert (found.verdict, found.needed) == (verdict, 7 if verdict == "open" else None)


@pytest.mark.parametrize(("trials", "windows", "needed"), [(1, 5, 6), (5, 1, 6), (5, 0, None)])
def test_one_window_or_one_trial_tells_nothing_and_without_windows_the_trials_tell_all(trials, windows, needed):
    figures = told("energy_per_inference", 0, SWINGS[:trials]) + told("power_mean", 100, SWINGS[:windows], base=3.0)
    found = run_limit_test(question(0.02), [], figures)
    assert (found.windows, found.needed, found.value is None) == (windows > 0, needed, windows > 0)


def test_windows_are_no_part_of_what_is_asked_of_watts_themselves():
    watts = told("power_mean", 100, SWINGS, base=3.0)
    found = run_limit_test(question(4.0, metric="power_mean"), [], watts)
    assert (found.windows, found.verdict) == (False, "pass")


def test_what_agrees_from_window_to_window_and_from_trial_to_trial_was_not_measured():
    same = [
        TrialMetrics(kind="energy", arm="candidate", block=at, values={metric: 3.0})
        for metric, start in (("energy_per_inference", 0), ("power_mean", 100))
        for at in range(start, start + 5)
    ]
    found = run_limit_test(question(0.02), [], same)
    assert (found.verdict, found.value, found.windows) == ("open", None, True)


@pytest.mark.parametrize("few", [False, True])
def test_of_arms_apart_the_windows_of_either_are_a_part_of_the_error(few):
    figures = []
    for arm, start, shift in (("candidate", 0, 0.1), ("baseline", 200, 0.0)):
        trials = told("energy_per_inference", start, 0.5 * SWINGS + shift, base=0.015)
        windows = told("power_mean", start + 100, SWINGS[:1] if few and start else SWINGS, base=3.0)
        figures += [one.model_copy(update={"arm": arm}) for one in (*trials, *windows)]
    found = unpaired_test(question(0.02, relative=True), [], figures)
    if few:
        assert (found.verdict, found.value, found.needed) == ("open", None, 6)
        return
    parts = [
        np.log([one.values[metric] for one in figures if one.arm == arm and metric in one.values])
        for metric in ("energy_per_inference", "power_mean")
        for arm in ("candidate", "baseline")
    ]
    low, high = ends(parts[0].mean() - parts[1].mean(), *welch(parts, serial=True))
    assert (log1p(found.low), log1p(found.high)) == pytest.approx((low, high))
    assert log(1.0 + found.value) == pytest.approx(0.1)
