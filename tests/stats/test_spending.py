import numpy as np
import pytest
from scipy import stats

from harness.records.limit_test import FIRST_LOOK
from harness.stats.spending import boundaries, one_look


def crossings(bounds, *, paths, seed):
    """Shares of normal paths at the limit that cross the fail and the pass boundary at some look, each alone."""
    rng = np.random.default_rng(seed)
    looks = np.arange(bounds.first, bounds.last + 1)
    values = rng.normal(0.0, 1.0, (paths, bounds.last))
    sums, squares = np.cumsum(values, 1)[:, looks - 1], np.cumsum(values**2, 1)[:, looks - 1]
    means = sums / looks
    t = means / np.sqrt((squares - sums * means) / (looks - 1) / looks)
    fail, passes = (values[bounds.first - bounds.fewest :] for values in (bounds.fail, bounds.passes))
    return (t > fail).any(1).mean(), (t < -passes).any(1).mean()


@pytest.mark.parametrize(("alpha", "miss", "most"), [(0.05, 0.05, 30), (0.01, 0.1, 60), (0.005, 0.05, 12)])
def test_both_error_rates_are_kept_over_all_looks(alpha, miss, most):
    bounds = boundaries(alpha, miss, most)
    paths = 40_000
    failed, passed = crossings(bounds, paths=paths, seed=1)
    assert stats.binomtest(int(failed * paths), paths, alpha, alternative="greater").pvalue > 1e-4
    assert stats.binomtest(int(passed * paths), paths, miss, alternative="greater").pvalue > 1e-4
    assert failed > 0.3 * alpha and passed > 0.5 * miss


def test_one_look_is_the_t_test_at_the_level_that_is_spent():
    bounds = boundaries(0.02, 0.1, FIRST_LOOK)
    degrees = FIRST_LOOK - 1
    assert bounds.fail[-1] == pytest.approx(stats.t.isf(0.02 * 0.5, degrees))
    assert bounds.passes[-1] == pytest.approx(stats.t.isf(0.1 * 0.9, degrees))


def test_where_fewer_blocks_count_the_level_stays_and_their_degrees_of_freedom_decide():
    bounds = boundaries(0.02, 0.1, FIRST_LOOK)
    degrees = np.arange(bounds.fewest, FIRST_LOOK + 1) - 1
    assert bounds.fail == pytest.approx(stats.t.isf(0.02 * 0.5, degrees))


def test_a_single_look_has_both_rates_whole():
    bounds = one_look(0.01, 0.05, 10)
    assert (bounds.first, bounds.last) == (10, 10)
    assert bounds.fail == pytest.approx([stats.t.isf(0.01, 9)]) and bounds.passes == pytest.approx(
        [stats.t.isf(0.05, 9)]
    )


def test_two_looks_spend_as_a_bivariate_normal_says():
    """The recursive integration against scipy's own integral over the plane."""
    bounds = boundaries(0.1, 0.1, FIRST_LOOK + 1)
    levels = stats.t.sf(bounds.fail[-2:], np.array([FIRST_LOOK, FIRST_LOOK + 1]) - 1)
    first, second = stats.norm.isf(levels)
    rho = np.sqrt(FIRST_LOOK / (FIRST_LOOK + 1))
    stays = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([first, second])
    assert 1 - stays == pytest.approx(0.05, rel=1e-4)


def test_smaller_rates_and_fewer_blocks_so_far_ask_for_more():
    strict, loose = boundaries(0.0001, 0.05, 40), boundaries(0.01, 0.05, 40)
    assert (strict.fail > loose.fail).all()
    assert (np.diff(strict.fail)[:10] < 0).all()
    assert (strict.last, strict.first) == (40, FIRST_LOOK)


@pytest.mark.parametrize(("alpha", "miss", "most"), [(0.0, 0.1, 20), (0.6, 0.1, 20), (0.1, -1.0, 20), (0.1, 0.1, 5)])
def test_what_is_no_rate_or_no_number_of_blocks(alpha, miss, most):
    with pytest.raises(ValueError, match=r"error rate|first look"):
        boundaries(alpha, miss, most)
