"""The bound against what the percentile is, in runs that are simulated thousands of times over."""

from math import log

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter
from scipy.special import ndtr

from harness.records.limit_test import bound_error, bound_looks, fewest_draws
from harness.stats import PercentileBound, percentile_bound

RUNS = 300


def within(rng, trials, reads, *, rho, shape):
    """Logarithms of inferences around their process' own speed, each like the one before it by ``rho``."""
    steps = rng.normal(0.0, 1.0, (trials, reads)) * np.sqrt(1.0 - rho**2)
    begun = rng.normal(0.0, 1.0, (trials, 1))
    z = lfilter([1.0], [1.0, -rho], steps, axis=1, zi=rho * begun)[0]
    return 0.05 * z if shape == "normal" else -0.02 * np.log1p(-ndtr(z))


def between(rng, trials, *, spread, bimodal):
    return rng.normal(0.0, spread, (trials, 1)) + bimodal * log(1.04) * (rng.random((trials, 1)) < 0.3)


def by_parent(trials, each=4):
    """Arrays of reads as parents of so many processes have them."""
    return [list(trials[at : at + each]) for at in range(0, len(trials), each)]


@pytest.mark.parametrize("shape", ["normal", "exponential"])
@pytest.mark.parametrize("rho", [0.0, 0.7, 0.9])
@pytest.mark.parametrize(("spread", "bimodal"), [(0.0, False), (0.0266, False), (0.0266, True)])
def test_the_true_p90_lies_under_the_bound_in_99_of_100_runs(shape, rho, spread, bimodal):
    rng = np.random.default_rng(7)
    many = within(rng, 40_000, 20, rho=rho, shape=shape) + between(rng, 40_000, spread=spread, bimodal=bimodal)
    truth = np.quantile(np.exp(many), 0.9)
    bounds = []
    for _ in range(RUNS // 3):
        logs = within(rng, 4 * 96, 40, rho=rho, shape=shape) + between(rng, 4 * 96, spread=spread, bimodal=bimodal)
        bounds.append(percentile_bound(by_parent(np.exp(logs)), 0.9).value)
    assert None not in bounds
    assert sum(bound < truth for bound in bounds) <= 0.01 * RUNS / 3
    assert np.mean(bounds) / truth < 1.06


@pytest.mark.parametrize(
    ("q", "parents", "slow"),
    [(0.9, 64, "parents"), (0.9, 96, "parents"), (0.9, 64, "processes"), (0.99, 118, "processes")],
)
def test_a_rare_slow_kind_of_parents_or_processes_lies_under_the_bound_too(q, parents, slow):
    rng = np.random.default_rng(11)
    below = 0
    for _ in range(RUNS):
        draws = rng.random((parents, 1) if slow == "parents" else (parents, 4)) < 1.05 * (1.0 - q)
        logs = 0.01 * rng.normal(size=(parents, 4, 20)) + log(2.0) * draws[..., np.newaxis]
        below += percentile_bound([list(parent) for parent in np.exp(logs)], q).value < 1.5
    assert below <= 0.01 * RUNS


@pytest.mark.parametrize("confidence", [0.99, 0.9])
def test_it_is_the_first_read_above_which_the_seen_and_the_unseen_are_no_more_than_a_tenth(confidence):
    rng = np.random.default_rng(4)
    reads = np.exp(rng.normal(0.0, 0.02, (60, 2, 1)) + rng.normal(0.0, 0.05, (60, 2, 30)))
    error = 1.0 - confidence
    unseen = 1.0 - (0.9 * error) ** (1.0 / 60)

    def most(read):
        shares = (reads > read).mean(axis=(1, 2))
        return shares.mean() + stats.t.isf(0.1 * error, 59) * shares.std(ddof=1) / np.sqrt(60) * 1.0

    found = percentile_bound([list(parent) for parent in reads], 0.9, confidence)
    ordered = np.sort(reads.ravel())
    first = next(read for read in ordered if unseen + (1.0 - unseen) * most(read) <= 0.1)
    # Where neighbours resemble each other by chance the end lies a little higher.
    assert first <= found.value <= first * 1.01
    assert found.draws == 60


def bartlett(shares):
    """What the error grows by where neighbours resemble each other, freed of its bias by Kendall's formula."""
    n, left = shares.size, shares - shares.mean()
    r = left[1:] @ left[:-1] / (left @ left)
    likely = min(max(r + (1 + 4 * r) / n, 0.0), 0.95)
    return np.sqrt((1 + likely) / (1 - likely))


@pytest.mark.parametrize(("q", "draws", "confidence"), [(0.9, 60, 0.99), (0.9, 60, None), (0.99, 510, None)])
@pytest.mark.parametrize("drift", [0.0, 0.2])
def test_however_many_reads_and_processes_a_parent_has_its_processes_weigh_alike(q, draws, confidence, drift):
    """Read by read: of p90 the draws are the parents, of p99 their processes."""
    rng = np.random.default_rng(6)
    levels = rng.normal(0.0, 0.05, 60) + drift * np.sin(np.arange(60) / 6)
    counts = [1 + at % 3 if q == 0.9 else 8 + at % 2 for at in range(60)]
    parents = [
        [np.exp(level + rng.normal(0.0, 0.05, int(rng.integers(5, 40)))) for _ in range(count)]
        for level, count in zip(levels, counts, strict=True)
    ]
    error = {0.9: 0.01 / 3, 0.99: 0.01}[q] if confidence is None else 1.0 - confidence
    unseen = 1.0 - (0.9 * error) ** (1.0 / draws)

    def within(read):
        shares = np.array([np.mean([(trial > read).mean() for trial in parent]) for parent in parents])
        most = shares.mean() + stats.t.isf(0.1 * error, 59) * shares.std(ddof=1) / np.sqrt(60) * bartlett(shares)
        return unseen + (1.0 - unseen) * most <= 1.0 - q

    ordered = np.sort(np.concatenate([trial for parent in parents for trial in parent]))
    first = next(read for read in ordered[int(q * ordered.size) :] if within(read))
    assert percentile_bound(parents, q, confidence) == PercentileBound(first, draws)


def test_what_neighbours_share_counts_for_less():
    rng = np.random.default_rng(1)
    speeds = rng.normal(0.0, 0.02, 96)
    noise = 0.01 * rng.normal(size=(4, 50))
    bounds = [
        percentile_bound([list(np.exp(speed + noise)) for speed in order], 0.9).value
        for order in (speeds, np.sort(speeds))
    ]
    assert bounds[1] > bounds[0]


@pytest.mark.parametrize(("q", "draws", "each"), [(0.9, 56, 1), (0.9, 56, 3), (0.99, 469, 7)])
def test_fewer_draws_than_show_a_slow_share_have_no_bound(q, draws, each):
    parents = draws if q == 0.9 else draws // each
    reads = np.exp(np.random.default_rng(2).normal(0.0, 0.1, (parents, each, 30)))
    found = percentile_bound([list(parent) for parent in reads], q)
    assert found.draws == draws
    assert np.quantile(reads, q) < found.value <= reads.max()
    few = percentile_bound([list(parent) for parent in reads[:-1]], q)
    assert few == PercentileBound(None, draws - (1 if q == 0.9 else each))


def test_of_the_fewest_draws_the_bound_is_the_largest_read():
    """What they may not have shown, 9.86 %, leaves 0.15 % for reads above it: less than one of a parent's thirty."""
    reads = np.exp(np.random.default_rng(2).normal(0.0, 0.1, (56, 1, 30)))
    assert percentile_bound([list(parent) for parent in reads], 0.9) == PercentileBound(reads.max(), 56)


def test_the_looks_share_one_percent_and_the_fewest_draws_are_those_that_show_what_is_beyond():
    assert bound_looks(0.9) == (64, 96) and bound_looks(0.99) == ()
    assert (3 * bound_error(0.9), bound_error(0.99)) == pytest.approx((0.01, 0.01))
    for q in (0.9, 0.99):
        assert q ** fewest_draws(q) <= 0.9 * bound_error(q) < q ** (fewest_draws(q) - 1)


@pytest.mark.parametrize("parents", [[[np.array([1.0, 2.0, 3.0])]], [[np.full(30, 2.0)]], [[np.array([1.0])]] * 5])
def test_too_little_has_no_bound(parents):
    assert percentile_bound(parents, 0.9).value is None


def test_two_parents_are_the_least_that_anything_is_said_of():
    told = [[np.array([1.0, 2.0, 3.0])]]
    assert percentile_bound(told * 2, 0.5, confidence=0.1) == PercentileBound(2.0, 2)
    assert percentile_bound(told, 0.5, confidence=0.1).value is None


@pytest.mark.parametrize("parents", [[], [[]], [[np.array([])]]])
def test_no_reads_are_refused(parents):
    with pytest.raises(ValueError, match="at least one parent"):
        percentile_bound(parents, 0.9)
