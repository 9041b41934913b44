"""The bound against what the percentile is, in runs that are simulated thousands of times over."""

from math import ceil, floor, log

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter
from scipy.special import ndtr

from harness.stats import PercentileBound, independent_samples, percentile_bound
from harness.stats.percentile_bound import CONFIDENCE, LOOK_AFTER

RUNS = 300


def within(rng, trials, reads, *, rho, shape):
    """Logarithms of inferences around their process' own speed, each like the one before it by ``rho``."""
    steps = rng.normal(0.0, 1.0, (trials, reads)) * np.sqrt(1.0 - rho**2)
    begun = rng.normal(0.0, 1.0, (trials, 1))
    z = lfilter([1.0], [1.0, -rho], steps, axis=1, zi=rho * begun)[0]
    return 0.05 * z if shape == "normal" else -0.02 * np.log1p(-ndtr(z))


def between(rng, trials, *, spread, bimodal):
    return rng.normal(0.0, spread, (trials, 1)) + bimodal * log(1.04) * (rng.random((trials, 1)) < 0.3)


@pytest.mark.parametrize("shape", ["normal", "exponential"])
@pytest.mark.parametrize("rho", [0.0, 0.7, 0.9])
@pytest.mark.parametrize(("spread", "bimodal"), [(0.0, False), (0.0266, False), (0.0266, True)])
def test_the_true_p90_lies_under_the_bound_in_99_of_100_runs(shape, rho, spread, bimodal):
    rng = np.random.default_rng(7)
    many = within(rng, 40_000, 20, rho=rho, shape=shape) + between(rng, 40_000, spread=spread, bimodal=bimodal)
    truth = np.quantile(np.exp(many), 0.9)
    bounds = []
    for _ in range(RUNS):
        logs = within(rng, 96, 40, rho=rho, shape=shape) + between(rng, 96, spread=spread, bimodal=bimodal)
        bounds.append(percentile_bound(list(np.exp(logs)), 0.9).value)
    told = [bound for bound in bounds if bound is not None]
    assert sum(bound < truth for bound in told) <= 0.01 * RUNS
    assert not told or np.mean(told) / truth < 1.06


def test_samples_alike_are_worth_fewer():
    rng = np.random.default_rng(1)
    free, alike = (np.exp(within(rng, 48, 100, rho=rho, shape="normal")) for rho in (0.0, 0.9))
    assert percentile_bound(list(alike), 0.9).independent < 0.4 * percentile_bound(list(free), 0.9).independent


def test_processes_apart_are_worth_no_more_than_their_number_tells():
    rng = np.random.default_rng(2)
    trials = list(np.exp(rng.normal(0.0, 0.1, (12, 1)) + rng.normal(0.0, 0.001, (12, 500))))
    found = percentile_bound(trials, 0.9)
    assert found.independent < 12 and found.value is None


def test_at_six_looks_it_holds_with_99_percent():
    """Bonferroni, for the five looks and the end."""
    assert LOOK_AFTER == (6, 12, 24, 48, 96)
    assert pytest.approx(0.01) == 6 * (1.0 - CONFIDENCE)


def spaced(above, *, reads=100, trials=12):
    """Trials that have so many of the largest values each, evenly spaced: neighbours do not resemble each other."""
    slow = np.zeros((trials, reads), dtype=bool)
    for trial, count in enumerate(np.resize(above, trials)):
        slow[trial, [reads * place // count for place in range(count)]] = True
    values = np.empty(slow.shape)
    values[~slow] = np.arange(1.0, (~slow).sum() + 1)
    values[slow] = np.arange((~slow).sum() + 1.0, slow.size + 1)
    return list(values)


def rank_of(n, q, confidence):
    """From 1: the least r for which fewer than r of n samples lie below the quantile with the confidence."""
    return int(stats.binom.ppf(confidence, n, q)) + 1


@pytest.mark.parametrize(("q", "above"), [(0.9, 10), (0.99, 1)])
@pytest.mark.parametrize("confidence", [CONFIDENCE, 0.9])
def test_of_samples_that_are_all_independent_it_is_the_order_statistic_that_the_binomial_tells(q, above, confidence):
    found = percentile_bound(spaced([above]), q, confidence)
    assert (found.independent, found.value) == (1200, rank_of(1200, q, confidence))


def test_trials_whose_shares_spread_are_worth_what_kish_s_design_effect_leaves():
    """The values are 1 to 1200, so that the bound is its own rank."""
    shares = np.array([0.88, 0.92] * 6)
    most = shares.var(ddof=1) * 11 / stats.chi2.ppf(0.01, 11)
    worth = floor(0.9 * 0.1 * 12 / most)
    found = percentile_bound(spaced([12, 8]), 0.9)
    assert 600 < worth < 700 and found.independent == worth
    assert found.value == ceil(rank_of(worth, 0.9, CONFIDENCE) / worth * 1200)


def test_trials_whose_neighbours_resemble_each_other_are_worth_as_many_as_all_series_together():
    """The largest tenth stands in pairs, a pair in twenty reads: r1 is 4 / 9, the next ones lie below zero."""
    slow = np.tile(np.arange(400) % 20 < 2, (10, 1))
    values = np.empty(slow.shape)
    values[~slow], values[slow] = np.arange(1.0, 3601.0), np.arange(3601.0, 4001.0)
    worth = 10 * independent_samples((~slow[0]).astype(float))
    found = percentile_bound(list(values), 0.9)
    assert 10 * 400 * 0.5 < worth < 10 * 400 * 0.6 and found.independent == worth
    assert found.value == ceil(rank_of(worth, 0.9, CONFIDENCE) / worth * 4000)


def test_one_trial_tells_nothing_of_other_processes_and_two_tell_something():
    assert percentile_bound(spaced([10], reads=1000, trials=1), 0.9) == PercentileBound(None, 0)
    assert percentile_bound(spaced([10], trials=2), 0.9).independent == 200


def test_of_two_samples_the_first_may_be_a_bound_and_the_last_never_is():
    pair = [np.array([3.0]), np.array([3.0])]
    assert percentile_bound(pair, 0.5, confidence=0.25) == PercentileBound(3.0, 2)
    assert percentile_bound(pair, 0.5, confidence=0.26) == PercentileBound(None, 2)


@pytest.mark.parametrize("trials", [[np.array([1.0, 2.0, 3.0])], [np.full(30, 2.0)], [np.array([1.0])] * 5])
def test_too_little_has_no_bound(trials):
    assert percentile_bound(trials, 0.9).value is None


def test_no_trials_are_refused():
    with pytest.raises(ValueError, match="at least one trial"):
        percentile_bound([], 0.9)
