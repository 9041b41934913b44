"""Boards of one speed and of two, from made-up inferences."""

import numpy as np
import pytest

from harness.stats import two_speeds


def inferences(*, share: float, factor: float, sd: float = 0.02, count: int = 400) -> list[np.ndarray]:
    """Two trials, of which the last ``share`` of the inferences of each are slower."""
    rng = np.random.default_rng(1)
    slow = np.arange(count) >= round(count * (1.0 - share))
    return [0.004 * np.where(slow, factor, 1.0) * rng.lognormal(0.0, sd, count) for _ in range(2)]


def test_two_speeds_are_told_with_their_share_of_the_time():
    found = two_speeds(inferences(share=0.3, factor=1.4))
    assert found is not None
    assert found.fast_s == pytest.approx(0.004, rel=0.01)
    assert found.factor == pytest.approx(1.4, abs=0.01)
    assert found.slow_share == pytest.approx(0.3 * 1.4 / (0.3 * 1.4 + 0.7), abs=0.01)


@pytest.mark.parametrize(
    ("share", "factor", "sd"),
    [
        pytest.param(0.0, 1.0, 0.02, id="one speed"),
        pytest.param(0.0, 1.0, 0.3, id="one speed, wide"),
        pytest.param(0.01, 1.4, 0.001, id="outliers"),
        pytest.param(0.995, 1.4, 0.001, id="outliers to the fast side"),
        pytest.param(0.3, 1.05, 0.001, id="hardly apart"),
        pytest.param(0.02, 150.0, 0.1, id="waiting for a processor"),
    ],
)
def test_one_speed_is_none(share, factor, sd):
    assert two_speeds(inferences(share=share, factor=factor, sd=sd)) is None


def test_few_inferences_tell_nothing():
    assert two_speeds(inferences(share=0.5, factor=1.4, count=9)) is None


def test_inferences_that_are_all_alike_are_of_one_speed():
    assert two_speeds([np.full(100, 0.004)]) is None
