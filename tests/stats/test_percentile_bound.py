"""The bound against what the percentile is, in runs that are simulated thousands of times over."""

from math import log

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import ndtr

from harness.stats import percentile_bound
from harness.stats.percentile_bound import CONFIDENCE

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


def test_it_is_the_order_statistic_that_the_binomial_tells():
    values = np.arange(1.0, 2401.0)
    np.random.default_rng(3).shuffle(values)
    found = percentile_bound(list(values.reshape(24, 100)), 0.9)
    assert found.value > np.quantile(values, 0.9)
    assert found.value <= 2400 and found.independent <= 2400
    assert CONFIDENCE > 0.998


@pytest.mark.parametrize("trials", [[np.array([1.0, 2.0, 3.0])], [np.full(30, 2.0)], [np.array([1.0])] * 5])
def test_too_little_has_no_bound(trials):
    assert percentile_bound(trials, 0.9).value is None


def test_no_trials_are_refused():
    with pytest.raises(ValueError, match="at least one trial"):
        percentile_bound([], 0.9)
