"""Means, errors and bounds of looks, recomputed look by look as the papers write them."""

import numpy as np
import pytest

from harness.stats.sequential import Blocks, decide, order_fitted, serial_inflation
from harness.stats.spending import boundaries

BOUNDS = boundaries(0.005, 0.05, 30)
ALTERNATELY = np.resize([1.0, -1.0], 30)
SELDOM = np.array([1.0] * 9 + [-1.0, 1.0, 1.0, -1.0] + [1.0] * 17)
ALONE = np.zeros(30)


def skewed(seed, *, sign=1.0):
    """Effects of three metrics, with more of the order in them than of the arms."""
    rng = np.random.default_rng(seed)
    return sign * rng.exponential(0.02, (3, 30)) + rng.normal(0.0, 0.003, (3, 30))


def look(effects, turns, count, *, serial=False, floor=0.0):
    """The one look at so many of the first blocks."""
    limits = np.full(len(effects), 10.0)
    blocks = Blocks(effects[:, :count], turns[:count])
    return decide(blocks, limits, BOUNDS.from_look(count), serial=serial, floor=floor)


def regression(effects, turns):
    """One metric's mean effect with its standard error, by least squares, and the residuals' skewness."""
    n = effects.size
    both = min((turns > 0).sum(), (turns < 0).sum()) >= 2
    design = np.column_stack([np.ones(n), turns]) if both else np.ones((n, 1))
    line = np.linalg.lstsq(design, effects, rcond=None)[0]
    rest = effects - design @ line
    variance = rest @ rest / (n - design.shape[1])
    error = np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0])
    return line[0], error, np.mean(rest**3) / variance**1.5


@pytest.mark.parametrize("turns", [ALTERNATELY, SELDOM, ALONE], ids=["alternately", "seldom", "alone"])
@pytest.mark.parametrize("count", [6, 7, 12, 13, 14, 30])
def test_mean_and_error_are_those_of_least_squares(turns, count):
    effects = 5.0 + skewed(count) + 0.1 * turns
    found = look(effects, turns, count)
    expected = [regression(one[:count], turns[:count])[:2] for one in effects]
    assert found.mean == pytest.approx([mean for mean, _ in expected])
    assert found.error == pytest.approx([error for _, error in expected])


def test_the_order_is_told_from_the_arms_from_two_blocks_of_either_orientation_on():
    assert np.flatnonzero(order_fitted(SELDOM)).tolist() == list(range(12, 30))
    assert np.flatnonzero(order_fitted(-SELDOM)).tolist() == list(range(12, 30))
    assert not order_fitted(ALONE).any()


def hall(t, skewness, n):
    """His transformation of Student's t, which takes the skewness out of it."""
    root = np.sqrt(n)
    return t + skewness * t**2 / (3 * root) + skewness**2 * t**3 / (27 * n) + skewness / (6 * root)


@pytest.mark.parametrize("turns", [ALTERNATELY, SELDOM, ALONE], ids=["alternately", "seldom", "alone"])
@pytest.mark.parametrize("count", [7, 14, 30])
def test_an_upper_end_is_student_s_by_hall_s_transformation_beyond_a_quarter_of_chance(turns, count):
    effects = skewed(count) + 0.1 * turns
    found, quantile = look(effects, turns, count), BOUNDS.passes[count - BOUNDS.first]
    for metric, one in enumerate(effects):
        mean, error, skewness = regression(one[:count], turns[:count])
        told = skewness - 0.25 * np.sqrt(6 / count)
        if told > 0.0:
            assert hall((mean - found.high[metric]) / error, told, count) == pytest.approx(-quantile)
        else:
            assert found.high[metric] == pytest.approx(mean + quantile * error)


@pytest.mark.parametrize("turns", [ALTERNATELY, SELDOM, ALONE], ids=["alternately", "seldom", "alone"])
@pytest.mark.parametrize("count", [14, 30])
def test_a_lower_end_is_so_beyond_the_whole_of_chance(turns, count):
    effects = skewed(count, sign=-1.0) + 0.1 * turns
    found, quantile = look(effects, turns, count), BOUNDS.fail[count - BOUNDS.first]
    for metric, one in enumerate(effects):
        mean, error, skewness = regression(one[:count], turns[:count])
        told = skewness + np.sqrt(6 / count)
        if told < 0.0:
            assert hall((mean - found.low[metric]) / error, told, count) == pytest.approx(quantile)
        else:
            assert found.low[metric] == pytest.approx(mean - quantile * error)


def test_skewness_never_narrows_an_interval():
    for sign in (1.0, -1.0):
        effects = skewed(30, sign=sign)
        found = look(effects, ALONE, 30)
        plain = sign * (found.high - found.mean if sign < 0 else found.low - found.mean) / found.error
        quantile = BOUNDS.passes[-1] if sign < 0 else BOUNDS.fail[-1]
        assert plain == pytest.approx(-quantile)


def bartlett(series):
    """What one series' standard error is to be multiplied with."""
    n, rest = series.size, series - series.mean()
    spread = rest @ rest
    r = rest[1:] @ rest[:-1] / spread if spread > 0.0 else 0.0
    likely = min(max(r + (1 + 4 * r) / n, 0.0), 0.95)
    return np.sqrt((1 + likely) / (1 - likely))


def test_after_each_block_the_inflation_is_that_of_the_blocks_so_far():
    rng = np.random.default_rng(3)
    series = np.cumsum(rng.normal(size=(4, 25)), axis=1) * [[1.0], [0.1], [0.0], [1.0]] + rng.normal(size=(4, 25))
    series[2] = 0.0
    found = serial_inflation(series)
    expected = [[bartlett(one[:count]) for count in range(1, 26)] for one in series]
    assert found == pytest.approx(np.array(expected))


def test_the_least_and_the_largest_inflation():
    swings, climbs = np.resize([1.0, -1.0], (1, 40)), np.arange(400.0)[np.newaxis, :]
    assert serial_inflation(swings)[0, -1] == 1.0
    assert serial_inflation(climbs)[0, -1] == pytest.approx(np.sqrt(1.95 / 0.05))


def test_neighbours_that_resemble_each_other_and_an_instrument_s_steps_add_up_in_quadrature():
    effects = skewed(1)
    inflation = np.array([bartlett(one) for one in effects])
    plain = look(effects, ALONE, 30).error
    found = look(effects, ALONE, 30, serial=True, floor=np.array([0.0, 0.01, 0.1])).error
    assert found == pytest.approx(np.sqrt((inflation * plain) ** 2 + np.array([0.0, 0.01, 0.1]) ** 2))
