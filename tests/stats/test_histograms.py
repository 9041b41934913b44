"""Latency histograms."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import MAX_BINS, histogram


@given(
    st.lists(st.floats(1e-7, 1e2), min_size=1, max_size=300),
    st.integers(1, MAX_BINS),
    st.integers(1, 50),
)
def test_every_inference_is_counted_once(samples, bins, batch):
    edges, counts = histogram(samples, bins, batch)
    assert sum(counts) == batch * len(samples)
    assert len(edges) == len(counts) + 1 <= bins + 1
    assert all(a < b for a, b in pairwise(edges))
    assert edges[0] <= min(samples)
    assert edges[-1] >= max(samples)


@pytest.mark.parametrize("n", [30, 300, 3000])
def test_bins_are_as_many_as_freedman_and_diaconis_ask_for_on_the_logarithm(n):
    logs = np.random.default_rng(n).normal(-5.0, 0.2, n)
    _, counts = histogram(np.exp(logs), MAX_BINS)
    assert len(counts) == len(np.histogram_bin_edges(logs, bins="fd")) - 1


def test_equal_samples_make_one_bin():
    edges, counts = histogram([0.004] * 20)
    assert counts == [20]
    assert edges[0] < 0.004 < edges[1]


@pytest.mark.parametrize("samples", [[0.004], [0.004, 0.004 + 0.9e-9]])
def test_what_lies_within_a_nanosecond_is_one_bin_half_a_nanosecond_wider_on_either_side(samples):
    edges, counts = histogram(samples, batch=3)
    assert counts == [3 * len(samples)]
    assert edges == pytest.approx([0.004 - 0.5e-9, samples[-1] + 0.5e-9], rel=1e-12)
    assert len(histogram([0.004, 0.004 + 1.1e-9])[1]) > 1


def test_below_a_nanosecond_the_bin_begins_at_half_of_it():
    assert histogram([0.4e-9])[0] == pytest.approx([0.2e-9, 0.9e-9])


def logarithmic(samples, bins):
    return np.geomspace(min(samples), max(samples), bins + 1)


WITH_OUTLIERS = 0.001 * np.exp(np.append(np.random.default_rng(4).normal(0, 0.001, 4000), [3.0, 4.0]))


@pytest.mark.parametrize("bins", [1, 10, 32])
def test_of_few_bins_the_slowest_have_none_of_their_own(bins):
    assert histogram(WITH_OUTLIERS, bins)[0] == pytest.approx(logarithmic(WITH_OUTLIERS, bins), abs=1e-13)


@pytest.mark.parametrize("bins", [33, 128, 256])
def test_of_many_bins_the_slowest_half_percent_have_sixteen(bins):
    edges, counts = histogram(WITH_OUTLIERS, bins)
    late = np.quantile(WITH_OUTLIERS, 0.995)
    assert len(counts) == bins
    assert edges[:-16] == pytest.approx(logarithmic([WITH_OUTLIERS.min(), late], bins - 16), abs=1e-13)
    assert edges[-17:] == pytest.approx(logarithmic([late, WITH_OUTLIERS.max()], 16), abs=1e-13)


def test_as_many_bins_as_are_asked_for_leave_the_slowest_none_of_their_own():
    logs = np.random.default_rng(3000).normal(-5.0, 0.2, 3000)
    wanted = len(np.histogram_bin_edges(logs, bins="fd")) - 1
    assert wanted > 32
    assert histogram(np.exp(logs), wanted)[0] == pytest.approx(logarithmic(np.exp(logs), wanted), abs=1e-13)


def test_unless_told_otherwise_there_are_128_bins_at_most_and_each_read_is_an_inference():
    assert histogram(WITH_OUTLIERS) == histogram(WITH_OUTLIERS, 128, 1)


def test_where_more_than_half_a_percent_are_the_slowest_they_are_no_tail():
    samples = [0.001] * 50 + [0.002] * 2
    assert histogram(samples, 128)[0] == pytest.approx(logarithmic(samples, 128), abs=1e-13)


def test_of_samples_whose_quartiles_agree_any_number_of_bins_is_too_few():
    samples = [0.001] * 500 + [0.002, 0.003]
    assert len(histogram(samples, MAX_BINS)[1]) == MAX_BINS == 256


def test_an_outlier_does_not_squeeze_the_rest_into_one_bin():
    rng = np.random.default_rng(1)
    samples = np.append(0.001 * np.exp(rng.normal(0, 0.05, 2000)), 0.1)
    _, counts = histogram(samples)
    assert sum(count > 0 for count in counts) >= 5


def test_late_outliers_leave_the_bulk_as_fine_as_it_was():
    rng = np.random.default_rng(2)
    bulk = 0.001 * np.exp(rng.normal(0, 0.002, 20_000))
    edges, _ = histogram(np.append(bulk, [0.1] * 20))
    width = max(b - a for a, b in pairwise(edges) if b <= np.quantile(bulk, 0.99))
    assert width <= (np.quantile(bulk, 0.995) - bulk.min()) / 80


def test_edges_are_told_in_few_digits():
    edges, _ = histogram(0.0002 * np.exp(np.random.default_rng(3).normal(0, 0.05, 2000)))
    assert max(len(repr(edge)) for edge in edges[1:-1]) <= 16
    assert edges[1:-1] == [round(edge, 13) for edge in edges[1:-1]] != [round(edge, 12) for edge in edges[1:-1]]


def test_many_close_samples_stay_below_the_cap():
    samples = np.append(np.full(1000, 0.001) + np.arange(1000) * 2e-9, 5.0)
    _, counts = histogram(samples)
    assert len(counts) <= MAX_BINS


@pytest.mark.parametrize("bins", [0, MAX_BINS + 1])
def test_a_number_of_bins_beyond_the_cap_is_refused(bins):
    with pytest.raises(ValueError, match="bins"):
        histogram([1.0], bins)


def test_samples_at_zero_are_refused():
    with pytest.raises(ValueError, match="positive"):
        histogram([0.0, 1.0])
