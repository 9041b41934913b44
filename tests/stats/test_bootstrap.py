"""Paired bootstrap: it covers the truth as often as it says, repeats by its seed, and knows what has no figure."""

import numpy as np
import pytest

from harness.stats.bootstrap import bootstrap_figure, bootstrap_mean


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says():
    rng = np.random.default_rng(5)
    runs = [bootstrap_mean(rng.exponential(size=150) - 1.0, resamples=400, seed=run) for run in range(400)]
    covered = sum(found.low <= 0.0 <= found.high for found in runs) / len(runs)
    assert 0.91 <= covered <= 0.98, "95 % of a skewed difference, within the error of 400 runs"


def test_a_figure_drawn_anew_is_that_of_a_mean_where_it_is_one():
    values = np.random.default_rng(1).normal(size=80)
    mean = bootstrap_mean(values, resamples=500, seed=3)
    anew = bootstrap_figure(lambda rows: float(values[rows].mean()), 80, resamples=500, seed=3)
    assert (anew.low, anew.high) == (pytest.approx(mean.low), pytest.approx(mean.high))
    assert anew == bootstrap_figure(lambda rows: float(values[rows].mean()), 80, resamples=500, seed=3)


def test_many_samples_are_drawn_in_parts():
    values = np.random.default_rng(2).normal(size=100_000)
    found = bootstrap_mean(values, resamples=90, seed=0)
    assert found.low < values.mean() < found.high and found.high - found.low < 0.02


@pytest.mark.parametrize(("every", "known"), [(40, True), (4, False)])
def test_draws_without_a_figure_are_counted_and_too_many_leave_no_interval(every, known):
    calls = iter(range(200))
    found = bootstrap_figure(lambda _: float("nan") if next(calls) % every == 0 else 1.0, 5, resamples=200, seed=0)
    assert found.undefined == 200 // every and (found.low is not None) == known


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_a_level_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        bootstrap_mean(np.ones(3), resamples=10, seed=0, confidence=confidence)
