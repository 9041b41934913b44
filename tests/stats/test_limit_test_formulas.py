"""Answers against the formulas that they stand for, on blocks whose effects are known."""

from math import ceil, expm1, log, log1p, sqrt

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from harness.records.entry import TrialMetrics
from harness.records.limit_test import LimitTest
from harness.stats.limit_test import run_limit_test
from harness.stats.spending import boundaries
from harness.testing.gatelab.trial_summaries import trial_summary

ALPHA, MISS = 0.001, 0.05
ABBA = ("candidate", "baseline", "baseline", "candidate")
BAAB = ("baseline", "candidate", "candidate", "baseline")
LEVELS = (0.0, 0.071, -0.033, 0.117, 0.019, -0.089)
"""Of blocks: what both arms share, so that no two figures are the same."""


def question(limit, *, metric="latency_p50", better="lower", relative=False, most_blocks=40):
    return LimitTest(
        metric=metric, better=better, limit=limit, relative=relative, alpha=ALPHA, miss=MISS, most_blocks=most_blocks
    )


def trial(block, arm, figure, *, independent=None):
    return trial_summary(arm, block, figure, quantiles={"p90": figure}, independent=independent)


def alone(effects, *, processes=1, figure=0.004):
    """Of one arm: the mean logarithm of each block's trials is its effect."""
    return [
        trial(block, "candidate", figure * np.exp(effect + 1e-5 * (place - (processes - 1) / 2)))
        for block, effect in enumerate(effects)
        for place in range(processes)
    ]


def in_turns(effects, orders):
    """Of both arms: the difference of the arms' mean logarithms is the effect of the block.

    Of an arm's two trials now the first is slower, now the second, whichever the order: nothing is carried over.
    """
    told = []
    for block, (effect, order) in enumerate(zip(effects, orders, strict=True)):
        way = 1 if block % 4 < 2 else -1
        apart = {"candidate": [effect - way * 1e-3, effect + way * 1e-3], "baseline": [-way * 2e-3, way * 2e-3]}
        told += [trial(block, arm, 0.004 * np.exp(LEVELS[block] + apart[arm].pop())) for arm in order]
    return told


def t_ends(mean, error, degrees, *, alpha=ALPHA):
    """Of an interval of Student's t: the lower end at the rate of false alarms, the upper at that of misses."""
    return mean - stats.t.isf(alpha, degrees) * error, mean + stats.t.isf(MISS, degrees) * error


SWINGS = 0.01 * np.array([-2.0, 1.0, 0.0, -1.0, 2.0])
CLIMBS = 0.01 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
"""The same spread without skewness: neighbours differ, or resemble each other by 0.4."""


def bartlett(r, n):
    """What the error grows by, r freed of its bias by Kendall's formula."""
    likely = r + (1 + 4 * r) / n
    return sqrt((1 + likely) / (1 - likely))


@pytest.mark.parametrize(("effects", "inflation"), [(SWINGS, 1.0), (CLIMBS, bartlett(0.4, 5))])
def test_the_last_look_at_one_arm_is_student_s_widened_where_neighbours_resemble_each_other(effects, inflation):
    found = run_limit_test(question(0.004), alone(effects), final=True)
    ends = t_ends(0.0, inflation * effects.std(ddof=1) / sqrt(5), 4, alpha=ALPHA / 2)
    assert found.blocks == 5 and found.value == pytest.approx(0.004)
    assert (found.low, found.high) == pytest.approx(tuple(0.004 * np.exp(ends)))


@pytest.mark.parametrize("effects", [SWINGS, CLIMBS])
def test_what_blocks_of_two_arms_share_with_their_neighbours_has_dropped_out(effects):
    found = run_limit_test(question(0.02, relative=True), in_turns(0.1 + effects, [ABBA] * 5), final=True)
    ends = t_ends(0.1, effects.std(ddof=1) / sqrt(5), 4, alpha=ALPHA / 2)
    assert (found.value, found.low, found.high) == pytest.approx((expm1(0.1), *np.expm1(ends)))


def test_where_both_orders_were_measured_the_line_takes_a_degree_of_freedom_more():
    """The outer places cost 0.05. Within either order the effects spread by 0.01, over 5 - 2 degrees."""
    turns, scatter = np.array([1, -1, 1, -1, 1]), 0.01 * np.array([-1.0, 1.0, 0.0, -1.0, 1.0])
    orders = [ABBA if turn > 0 else BAAB for turn in turns]
    found = run_limit_test(question(0.02, relative=True), in_turns(0.1 + 0.05 * turns + scatter, orders), final=True)
    error = sqrt((scatter**2).sum() / 3 * (1 / 3 + 1 / 2) / 4)
    assert (found.value, found.low, found.high) == pytest.approx(
        (expm1(0.1), *np.expm1(t_ends(0.1, error, 3, alpha=ALPHA / 2)))
    )


def test_what_is_known_at_the_end_is_looked_at_once_trial_by_trial_with_all_of_alpha():
    figures = [
        TrialMetrics(kind="energy", arm=arm, block=at // 2, values={"energy_per_inference": 0.015 * np.exp(effect)})
        for at, effect in enumerate(SWINGS)
        for arm in ("candidate", "baseline")
    ]
    found = run_limit_test(question(0.02, metric="energy_per_inference", most_blocks=None), [], figures)
    ends = t_ends(0.0, SWINGS.std(ddof=1) / sqrt(5), 4)
    assert (found.low, found.high) == pytest.approx(tuple(0.015 * np.exp(ends)))
    assert (found.blocks, found.trials) == (5, True)


def test_figures_of_an_instrument_s_steps_are_no_better_known_than_a_step_allows():
    """A page of memory is 4096 bytes. Uniform within it, a figure's standard deviation is a step over sqrt(12)."""
    effects = 1e-4 * np.array([-2.0, 1.0, 0.0, -1.0, 2.0])
    figures = [
        TrialMetrics(kind="memory", arm="candidate", block=at, values={"peak_memory": 1e6 * np.exp(effect)})
        for at, effect in enumerate(effects)
    ]
    found = run_limit_test(question(2e6, metric="peak_memory"), [], figures, final=True)
    step = 4096.0 / (1e6 * np.exp(2e-4)) / sqrt(12)
    ends = t_ends(0.0, sqrt(effects.var(ddof=1) / 5 + step**2), 4, alpha=ALPHA / 2)
    assert (found.low, found.high) == pytest.approx(tuple(1e6 * np.exp(ends)))


def test_steps_of_both_arms_add_up_in_quadrature():
    """Figures are of whole microseconds about a millisecond: 0.1 %."""
    microseconds = [(1000, 1001), (1002, 1000), (1001, 1001), (1000, 1002), (1002, 1001)]
    trials = [
        trial(block, arm, 1e-6 * figure)
        for block, pair in enumerate(microseconds)
        for arm, figure in zip(("candidate", "baseline"), pair, strict=True)
    ]
    found = run_limit_test(question(0.02, relative=True), trials, final=True)
    effects = np.array([log(own / other) for own, other in microseconds])
    error = sqrt(effects.var(ddof=1) / 5 + log(1002 / 1001) ** 2 * 2 / 12)
    assert log1p(found.high) - effects.mean() == pytest.approx(stats.t.isf(MISS, 4) * error, rel=1e-6)


@pytest.mark.parametrize("limit", [0.995, 1.005])
def test_needed_are_the_blocks_at_which_the_end_towards_the_limit_would_reach_it(limit):
    """It shrinks with their root."""
    found = run_limit_test(question(0.004 * limit), alone(np.tile(SWINGS, 3), processes=4))
    end = found.low if limit < 1.0 else found.high
    assert (found.verdict, found.blocks) == ("open", 15)
    assert found.needed == ceil(15 * (log(end / found.value) / log(0.004 * limit / found.value)) ** 2) > 15


@pytest.mark.parametrize(("limit", "needed"), [(0.95, 10), (1.05, 8)])
def test_needed_are_at_least_those_from_which_an_interval_decides_alone(limit, needed):
    """At alpha 0.001 chance puts ten blocks beyond; four processes a block show a slow tenth within eight."""
    found = run_limit_test(question(0.004 * limit), alone(0.01 * SWINGS[[0, 1, 2, 2, 3, 4]], processes=4))
    assert found.high < 0.004 * 1.05 and found.low > 0.004 * 0.95
    assert (found.verdict, found.blocks, found.needed) == ("open", 6, needed)


HEAVY = np.append(SWINGS, [0.1, -0.1])


@pytest.mark.parametrize(
    ("effects", "limit", "within", "seen", "most"),
    [
        (SWINGS, 0.01, None, 6, 40),
        (SWINGS, 0.01, 20, 6, 20),
        (np.tile(SWINGS, 3), 0.00402, 3, 15, 15),
        (np.tile(HEAVY, 2), 0.00402, None, 14, 40),
    ],
)
def test_detectable_is_what_crosses_the_boundary_and_takes_the_sign_test_but_for_a_miss(
    effects, limit, within, seen, most
):
    """By effects as noisy as those seen may be at 98 %, of so many blocks. Of chi-squared's degrees of freedom heavy
    tails leave a share (Box). Half of them take the sign test, so that may fail them twice as often."""
    found = run_limit_test(question(limit), alone(np.resize(effects, seen), processes=4), within=within)
    bounds = boundaries(ALPHA, MISS, 40, processes=4, lost=1)
    shown = np.resize(effects, seen)
    degrees = (seen - 1) / (1 + max(0.0, stats.kurtosis(shown, bias=False)) / 2)
    spread = sqrt(degrees / stats.chi2.ppf(0.02, degrees))
    error = log(found.value / found.low) / bounds.fail[seen - 6] * spread * sqrt(seen / most)
    share = brentq(lambda p: stats.binom.sf(bounds.beyond[most - 6] - 1, most, p) - (1 - 2 * MISS), 0.1, 0.9999)
    reach = max(bounds.fail[most - 6] + stats.norm.isf(MISS), stats.norm.ppf(share) * sqrt(most)) * error
    assert found.blocks == seen and log(found.detectable / limit) == pytest.approx(reach)


@pytest.mark.parametrize(("most_blocks", "told"), [(9, False), (10, True)])
def test_nothing_is_detected_in_fewer_blocks_than_a_failure_takes(most_blocks, told):
    found = run_limit_test(question(0.01, most_blocks=most_blocks), alone(np.tile(SWINGS, 3), processes=4))
    assert (found.detectable is not None) is told


@pytest.mark.parametrize(("blocks", "answered"), [(7, False), (8, True)])
def test_a_percentile_is_looked_at_from_the_block_that_brings_the_last_of_its_64_reads(blocks, answered):
    trials = [one.model_copy(update={"independent": 2}) for one in alone(np.tile(SWINGS, 2)[:blocks], processes=4)]
    found = run_limit_test(question(1.0, metric="latency_p90"), trials)
    assert (found.value is not None, found.blocks) == (answered, blocks)


@pytest.mark.parametrize("final", [False, True])
def test_a_limit_of_nothing_is_broken_by_whatever_there_is(final):
    trials = alone(np.tile(SWINGS, 2)[: 3 if final else 10])
    assert run_limit_test(question(0.0), trials, final=final).verdict == "fail"


@pytest.mark.parametrize(("limit", "verdict"), [(0.02, "fail"), (0.05, "pass")])
def test_of_a_rate_the_share_that_is_lost_is_held_against_the_limit(limit, verdict):
    """Times 1.04 as long are a rate lower by 3.8 %."""
    trials = in_turns(log(1.04) + 0.1 * np.append(SWINGS, 0.005), [ABBA] * 6)
    trials = [one.model_copy(update={"block": one.block + 6 * again}) for again in range(3) for one in trials]
    found = run_limit_test(question(limit, metric="throughput", better="higher", relative=True), trials)
    assert found.value == pytest.approx(1.0 - 1.0 / 1.04, abs=1e-3)
    assert found.verdict == verdict
