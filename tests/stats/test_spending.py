import numpy as np
import pytest
from scipy import stats
from scipy.stats import binom

from harness.records.limit_test import FIRST_LOOK, fewest_to_fail, fewest_to_pass
from harness.stats.spending import boundaries, one_look, unseen


def crossings(bounds, *, paths, seed):
    """Shares of normal paths at the limit that cross the fail and the pass boundary at some look, each alone."""
    rng = np.random.default_rng(seed)
    looks = np.arange(bounds.first, bounds.last + 1)
    values = rng.normal(0.0, 1.0, (paths, bounds.last))
    sums, squares = np.cumsum(values, 1)[:, looks - 1], np.cumsum(values**2, 1)[:, looks - 1]
    means = sums / looks
    t = means / np.sqrt((squares - sums * means) / (looks - 1) / looks)
    failed = (t > bounds.fail)[:, looks >= bounds.fail_from]
    passed = (t < -bounds.passes)[:, looks >= bounds.pass_from]
    return failed.any(1).mean(), passed.any(1).mean()


@pytest.mark.parametrize(("alpha", "miss", "most"), [(0.05, 0.05, 30), (0.01, 0.1, 60), (0.005, 0.05, 16)])
def test_both_error_rates_are_kept_over_all_looks(alpha, miss, most):
    bounds = boundaries(alpha, miss, most)
    paths = 40_000
    failed, passed = crossings(bounds, paths=paths, seed=1)
    assert stats.binomtest(int(failed * paths), paths, alpha, alternative="greater").pvalue > 1e-4
    assert stats.binomtest(int(passed * paths), paths, miss, alternative="greater").pvalue > 1e-4
    assert failed > 0.3 * alpha and passed > 0.5 * miss


def test_where_there_is_one_look_it_is_the_t_test_at_the_level_that_is_spent():
    bounds = boundaries(0.02, 0.1, FIRST_LOOK, processes=10)
    degrees = FIRST_LOOK - 1
    assert bounds.fail[-1] == pytest.approx(stats.t.isf(0.02 * 0.5, degrees))
    assert bounds.passes[-1] == pytest.approx(stats.t.isf(0.1 * 0.9, degrees))


def test_errors_are_spent_early_by_the_published_functions():
    """Over independent increments, as much of each error is spent by half of the blocks as the functions say."""
    bounds = boundaries(0.1, 0.1, 60, processes=100)
    looks = np.arange(FIRST_LOOK, 61)
    rng = np.random.default_rng(5)
    paths = np.cumsum(rng.normal(size=(40_000, 60)), axis=1)[:, FIRST_LOOK - 1 :] / np.sqrt(looks)
    halfway = looks <= 30
    for boundary, whole, share in [
        (bounds.fail, 0.1 * 0.5, np.expm1(-1.0) / np.expm1(-2.0)),
        (bounds.passes, 0.1 * 0.9, 0.5**0.3),
    ]:
        crossed = paths > stats.norm.isf(stats.t.sf(boundary, looks - 1))
        by_then, at_last = crossed[:, halfway].any(axis=1).mean(), crossed.any(axis=1).mean()
        assert (by_then, at_last) == pytest.approx((whole * share, whole), rel=0.05)


def test_what_an_estimate_takes_is_taken_from_the_degrees_of_freedom():
    one, two = (boundaries(0.02, 0.1, 20, lost=lost) for lost in (1, 2))
    levels = stats.t.sf(one.fail, np.arange(FIRST_LOOK, 21) - 1)
    assert two.fail == pytest.approx(stats.t.isf(levels, np.arange(FIRST_LOOK, 21) - 2))


@pytest.mark.parametrize(("alpha", "blocks"), [(0.02, 6), (0.005, 8), (0.00005, 15)])
def test_a_limit_fails_on_blocks_that_chance_alone_would_not_all_put_beyond_it(alpha, blocks):
    assert fewest_to_fail(alpha) == blocks and (0.5**blocks <= alpha < 0.5 ** (blocks - 1) or blocks == FIRST_LOOK)


@pytest.mark.parametrize(("processes", "blocks"), [(1, 29), (2, 15), (4, 8), (10, FIRST_LOOK)])
def test_a_limit_is_passed_on_processes_that_would_have_shown_a_slow_minority(processes, blocks):
    assert fewest_to_pass(0.05, processes) == blocks
    assert 0.9 ** (blocks * processes) <= 0.05


def test_on_fewer_blocks_the_interval_must_clear_the_limit_by_what_may_be_unseen():
    bounds = boundaries(0.005, 0.05, 60, processes=2)
    assert bounds.pass_from == 15 and bounds.fail_from == 8
    looks = np.arange(bounds.first, bounds.last + 1)
    assert (bounds.pass_margins[looks >= 15] == 0).all() and (bounds.fail_margins[looks >= 8] == 0).all()
    escaped = bounds.pass_margins[0] / np.log(2.0)
    assert (1 - escaped) ** (2 * FIRST_LOOK) == pytest.approx(0.05)
    assert (np.diff(bounds.pass_margins) <= 0).all() and bounds.pass_margins[0] > 0


@pytest.mark.parametrize("alpha", [0.005, 0.00005])
def test_a_fail_takes_the_blocks_beyond_the_limit_that_a_weak_sign_test_asks_for(alpha):
    bounds = boundaries(alpha, 0.05, 60)
    looks = np.arange(FIRST_LOOK, 61)
    alone = looks >= bounds.fail_from
    fewest = bounds.beyond[alone]
    assert (binom.sf(fewest - 1, looks[alone], 0.5) <= 20 * alpha).all()
    assert (binom.sf(fewest - 2, looks[alone], 0.5) > 20 * alpha).all()
    assert not bounds.beyond[~alone].any() and not one_look(alpha, 0.05, 60).beyond.any()


def test_later_looks_are_those_of_the_whole():
    whole = boundaries(0.005, 0.05, 60)
    later = whole.from_look(20)
    assert (later.first, later.last) == (20, 60)
    assert later.fail.tolist() == whole.fail[14:].tolist()
    assert later.pass_margins.tolist() == whole.pass_margins[14:].tolist()
    assert later.beyond.tolist() == whole.beyond[14:].tolist()
    assert whole.from_look(3).first == FIRST_LOOK


def test_a_single_look_has_both_rates_whole():
    bounds = one_look(0.01, 0.05, 10)
    assert (bounds.first, bounds.last) == (10, 10)
    assert bounds.fail == pytest.approx([stats.t.isf(0.01, 9)]) and bounds.passes == pytest.approx(
        [stats.t.isf(0.05, 9)]
    )


def test_two_looks_spend_as_a_bivariate_normal_says():
    """The recursive integration against scipy's own integral over the plane."""
    bounds = boundaries(0.1, 0.1, FIRST_LOOK + 1)
    spent = 0.1 * 0.5
    levels = stats.t.sf(bounds.fail[-2:], np.array([FIRST_LOOK, FIRST_LOOK + 1]) - 1)
    first, second = stats.norm.isf(levels)
    rho = np.sqrt(FIRST_LOOK / (FIRST_LOOK + 1))
    stays = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([first, second])
    assert 1 - stays == pytest.approx(spent, rel=1e-4)


def test_smaller_rates_and_fewer_blocks_so_far_ask_for_more():
    strict, loose = boundaries(0.0001, 0.05, 40), boundaries(0.01, 0.05, 40)
    assert (strict.fail > loose.fail).all()
    assert (np.diff(strict.fail)[: strict.fail_from - FIRST_LOOK] < 0).all()
    assert (strict.last, strict.first) == (40, FIRST_LOOK)


@pytest.mark.parametrize(("alpha", "miss", "most"), [(0.0, 0.1, 20), (0.6, 0.1, 20), (0.1, -1.0, 20), (0.1, 0.1, 5)])
def test_what_is_no_rate_or_no_number_of_blocks(alpha, miss, most):
    with pytest.raises(ValueError, match=r"error rate|first look"):
        boundaries(alpha, miss, most)


@pytest.mark.parametrize("end", ["fail", "passes"])
def test_after_each_of_three_looks_as_much_is_spent_as_its_function_says(end):
    """Of a Brownian motion, by scipy's integral over the looks so far."""
    bounds, looks = boundaries(0.1, 0.1, 8, processes=100), np.array([6.0, 7.0, 8.0])
    heights = stats.norm.isf(stats.t.sf(getattr(bounds, end), looks - 1))
    spent = {"fail": 0.05 * np.expm1(-2.0 * looks / 8) / np.expm1(-2.0), "passes": 0.09 * (looks / 8) ** 0.3}[end]
    together = np.sqrt(np.minimum.outer(looks, looks) / np.maximum.outer(looks, looks))
    stays = [stats.norm.cdf(heights[0])]
    for count in (2, 3):
        motion = {"mean": np.zeros(count), "cov": together[:count, :count], "abseps": 1e-8, "releps": 1e-8}
        stays.append(stats.multivariate_normal.cdf(heights[:count], **motion))
    assert [1 - one for one in stays] == pytest.approx(spent, rel=1e-4)


@pytest.mark.parametrize("alpha", [0.01, 0.0001])
def test_before_an_interval_decides_alone_its_boundary_is_of_the_level_of_its_first_look(alpha):
    bounds = boundaries(alpha, 0.05, 30)
    looks = np.arange(FIRST_LOOK, 31)
    for boundary, first in ((bounds.fail, fewest_to_fail(alpha)), (bounds.passes, fewest_to_pass(0.05, 2))):
        levels = stats.t.sf(boundary, looks - 1)
        assert levels[looks <= first] == pytest.approx(levels[looks == first][0])
        assert levels[looks == first + 1][0] < levels[looks == first][0]


def test_where_no_look_decides_alone_the_whole_error_is_the_level_of_each():
    bounds = boundaries(0.0001, 0.05, 8)
    looks = np.arange(FIRST_LOOK, 9)
    assert bounds.fail_from > 8
    assert bounds.fail == pytest.approx(stats.t.isf(0.0001 * 0.5, looks - 1))
    assert bounds.passes == pytest.approx(stats.t.isf(0.05 * 0.9, looks - 1))


def test_a_single_look_allows_for_processes_that_were_not_seen_where_it_is_told_their_number():
    plain, told, many = (one_look(0.01, 0.05, 3, processes=processes) for processes in (None, 2, 20))
    assert (
        (plain.fail_from, plain.pass_from) == (0, 0) and not plain.fail_margins.any() and not plain.pass_margins.any()
    )
    assert (told.fail_from, told.pass_from, many.pass_from) == (fewest_to_fail(0.01), 15, FIRST_LOOK)
    assert (1 - told.pass_margins[0] / np.log(2)) ** 6 == pytest.approx(0.05)
    assert (1 - told.fail_margins[0] / np.log(2)) ** 6 == pytest.approx(0.01)
    assert (1 - many.pass_margins[0] / np.log(2)) ** 60 == pytest.approx(0.05)
    late = one_look(0.01, 0.05, 15, processes=2)
    assert not late.fail_margins.any() and not late.pass_margins.any()
    assert one_look(0.01, 0.05, 14, processes=2).pass_margins[0] > 0


def test_the_degrees_of_freedom_of_a_single_look_may_be_given():
    found = one_look(0.01, 0.05, 10, degrees=4.5)
    assert (found.fail[0], found.passes[0]) == pytest.approx((stats.t.isf(0.01, 4.5), stats.t.isf(0.05, 4.5)))
    assert found.reserve == pytest.approx(stats.norm.isf(0.05))


@pytest.mark.parametrize(("alpha", "miss", "most"), [(0.5, 0.5, 6), (1e-9, 1e-9, 40)])
def test_rates_and_blocks_at_their_ends_have_boundaries(alpha, miss, most):
    bounds = boundaries(alpha, miss, most)
    assert (bounds.first, bounds.last, len(bounds.fail)) == (6, most, most - 5)
    assert np.isfinite(bounds.fail).all() and np.isfinite(bounds.passes).all()


@pytest.mark.parametrize("rate", [0.0, 0.51, -0.1])
def test_a_rate_that_is_none_and_too_few_blocks_are_named(rate):
    with pytest.raises(ValueError, match=f"an error rate of {rate} is not within 0 and 0.5"):
        boundaries(rate, 0.1, 20)
    with pytest.raises(ValueError, match=f"an error rate of {rate} is not within 0 and 0.5"):
        boundaries(0.1, rate, 20)
    with pytest.raises(ValueError, match="5 blocks are fewer than the 6 of a first look"):
        boundaries(0.1, 0.1, 5)


def test_of_processes_that_nobody_counted_a_share_of_all_may_be_unseen():
    assert unseen(0.05, np.array([0.0, 1.0])) == pytest.approx([0.95 * np.log(2)] * 2)
