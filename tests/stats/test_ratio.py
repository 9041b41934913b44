"""The ratio of interleaved arms."""

import numpy as np
import pytest

from harness.stats import ratio_interval

DRAWS = 1500


def _abba(rng, *, blocks, ratio, drift):
    """Times in ABBA order under a block level of its own and a linear drift within the block."""
    level = np.exp(rng.normal(0.0, 0.3, (blocks, 1)))
    noise = np.exp(rng.normal(0.0, 0.02, (blocks, 4)))
    times = level * np.exp(drift * np.arange(4)) * noise
    return ratio * times[:, [0, 3]], times[:, [1, 2]]


@pytest.mark.parametrize("blocks", [2, 5, 20])
def test_coverage_under_block_levels_and_drift(blocks):
    rng = np.random.default_rng(blocks)
    hits = 0
    for _ in range(DRAWS):
        found = ratio_interval(*_abba(rng, blocks=blocks, ratio=1.03, drift=0.01))
        hits += found.low <= 1.03 <= found.high
    assert abs(hits / DRAWS - 0.95) <= 3.5 * np.sqrt(0.95 * 0.05 / DRAWS)


def test_a_linear_drift_cancels_exactly():
    times = np.exp(0.1 * np.arange(4))
    found = ratio_interval([times[[0, 3]]], [times[[1, 2]]])
    assert found.ratio == pytest.approx(1.0)


def test_one_block_has_a_ratio_and_no_interval():
    found = ratio_interval([[2.0, 2.0]], [[1.0, 1.0]])
    assert (found.ratio, found.low, found.high, found.sd, found.blocks) == (2.0, None, None, None, 1)


def test_swapped_arms_give_the_inverse():
    a, b = [[1.0, 1.1], [1.2, 1.0]], [[2.0, 2.2], [2.1, 2.0]]
    there, back = ratio_interval(a, b), ratio_interval(b, a)
    assert there.ratio * back.ratio == pytest.approx(1.0)
    assert there.low * back.high == pytest.approx(1.0)


@pytest.mark.parametrize(("candidate", "baseline"), [([], []), ([[1.0]], []), ([[1.0]], [[0.0]]), ([[]], [[1.0]])])
def test_what_cannot_be_compared_is_refused(candidate, baseline):
    with pytest.raises(ValueError, match=r"expected|positive"):
        ratio_interval(candidate, baseline)
