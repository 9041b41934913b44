"""From how many blocks on an interval alone may fail a limit or pass it."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.limit_test import FIRST_LOOK, LARGEST_FACTOR, SLOW_MINORITY, fewest_to_fail, fewest_to_pass

RATES = st.floats(1e-9, 0.5)


@pytest.mark.parametrize(
    ("alpha", "blocks"), [(0.5, 6), (1 / 64, 6), (1 / 65, 7), (1 / 128, 7), (0.005, 8), (0.000125, 13), (1e-6, 20)]
)
def test_a_limit_is_failed_on_so_many_blocks(alpha: float, blocks: int) -> None:
    assert fewest_to_fail(alpha) == blocks


@pytest.mark.parametrize(
    ("miss", "processes", "blocks"), [(0.05, 1, 29), (0.05, 2, 15), (0.05, 4, 8), (0.01, 2, 22), (0.5, 4, 6)]
)
def test_a_limit_is_passed_on_so_many_blocks(miss: float, processes: int, blocks: int) -> None:
    assert fewest_to_pass(miss, processes) == blocks


@given(alpha=RATES)
def test_chance_puts_all_blocks_beyond_a_limit_no_more_often_than_alpha(alpha: float) -> None:
    blocks = fewest_to_fail(alpha)
    assert 0.5**blocks <= alpha * (1 + 1e-12)
    assert blocks == FIRST_LOOK or 0.5 ** (blocks - 1) > alpha * (1 - 1e-12)


@given(miss=RATES, processes=st.integers(1, 8))
def test_a_slow_minority_escapes_all_processes_no_more_often_than_the_miss_rate(miss: float, processes: int) -> None:
    blocks = fewest_to_pass(miss, processes)
    assert (1 - SLOW_MINORITY) ** (blocks * processes) <= miss * (1 + 1e-9)
    assert blocks == FIRST_LOOK or blocks == ceil(fewest_to_pass(miss, 1) / processes)


def test_what_the_promise_reckons_with() -> None:
    assert (FIRST_LOOK, SLOW_MINORITY, LARGEST_FACTOR) == (6, 0.1, 2.0)
