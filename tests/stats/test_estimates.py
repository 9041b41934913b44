"""The figures that are shown: what they estimate, how often their intervals hold it, and that three of a line agree."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from harness.records.metrics import METRICS
from harness.records.results import Histogram, TrialMetrics, TrialSummary
from harness.stats.estimates import (
    FEWEST,
    figure_of,
    geometric_mean,
    mean_over_trials,
    median_over_trials,
    ratio_apart,
    ratio_by_turns,
)
from harness.stats.observations import observations

DRAWS = 500
SLACK = 3.5
"""Standard errors a simulated coverage may lie off its nominal one."""
SHAPE = Histogram(edges_s=[1.0, 2.0], counts=[1])
ABBA = ("candidate", "baseline", "baseline", "candidate")
BAAB = ("baseline", "candidate", "candidate", "baseline")


def trial(block, p50_s, arm="candidate", void=None):
    return TrialSummary(
        arm=arm, block=block, n=9, batch=1, mean_s=p50_s, quantiles={"p50": p50_s}, histogram=SHAPE, void=void
    )


def single(figures, a_block=4):
    return [trial(place // a_block, figure) for place, figure in enumerate(figures)]


def by_turns(logs, *, first_place=0.0, seed=0):
    """Blocks of four, in an order drawn in pairs; the first trial of each block is slower."""
    drawn = np.random.default_rng(seed)
    orders = [order for _ in range(0, len(logs), 2) for order in drawn.permutation([ABBA, BAAB])][: len(logs)]
    return [
        trial(block, float(np.exp(log[place] + (first_place if place == 0 else 0.0))), str(arm))
        for block, (log, order) in enumerate(zip(logs, orders, strict=True))
        for place, arm in enumerate(order)
    ]


def ratio(trials):
    return ratio_by_turns(observations("latency_p50", trials, [], relative=True))


def test_a_change_in_a_part_of_the_processes_moves_the_figure_by_that_part():
    figures = [0.004 * (1.1 if place % 10 < 3 else 1.0) for place in range(40)]
    found = figure_of("latency_p50", single(figures), [])
    assert found.value == pytest.approx(0.004 * 1.1**0.3)
    assert median_over_trials("latency_p50", single(figures), []) == 0.004
    assert (found.trials, found.confidence) == (40, 0.95)


@pytest.mark.parametrize("blocks", [4, 5, 20])
def test_an_interval_over_blocks_holds_the_mean_of_blocks_that_have_a_level_of_their_own(blocks):
    rng = np.random.default_rng(blocks)
    hits = 0
    for _ in range(DRAWS):
        logs = rng.normal(0.0, 0.05, (blocks, 1)) + rng.normal(0.0, 0.02, (blocks, 4))
        found = figure_of("latency_p50", single(np.exp(logs).ravel().tolist()), [])
        hits += found.low <= 1.0 <= found.high
    assert hits / DRAWS >= 0.95 - SLACK * np.sqrt(0.95 * 0.05 / DRAWS)


@pytest.mark.parametrize("n", [2, 3])
def test_two_or_three_have_their_ends_with_the_confidence_of_those(n):
    rng = np.random.default_rng(n)
    draws = np.exp(rng.normal(0.0, 0.6, (DRAWS, n)))
    found = [geometric_mean(row.tolist()) for row in draws]
    assert {one.confidence for one in found} == {1.0 - 0.5 ** (n - 1)}
    assert all((one.low, one.high) == (row.min(), row.max()) for one, row in zip(found, draws, strict=True))
    nominal = found[0].confidence
    hits = sum(one.low <= 1.0 <= one.high for one in found)
    assert abs(hits / DRAWS - nominal) <= SLACK * np.sqrt(nominal * (1 - nominal) / DRAWS)


def test_one_has_no_interval_and_what_agrees_is_exactly_what_it_is():
    alone = geometric_mean([0.0041])
    assert (alone.value, alone.low, alone.high, alone.confidence) == (0.0041, None, None, None)
    same = geometric_mean([36_001_792.0] * 7)
    assert (same.value, same.low, same.high) == (36_001_792.0,) * 3


def test_what_is_not_all_positive_has_an_arithmetic_mean():
    found = mean_over_trials([0.0, 2.0, 4.0])
    theirs = ttest_1samp([0.0, 2.0, 4.0], 0.0).confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, theirs.low, theirs.high))
    assert (found.confidence, found.trials) == (0.95, 3)
    assert mean_over_trials([1.0, 4.0]) == geometric_mean([1.0, 4.0])
    alone = mean_over_trials([0.0])
    assert (alone.value, alone.low, alone.confidence) == (0.0, None, None)


@pytest.mark.parametrize("figures", [[], [0.0, 1.0], [-1.0]])
def test_what_has_no_logarithm_is_refused(figures):
    with pytest.raises(ValueError, match="positive figures"):
        geometric_mean(figures)


def test_few_blocks_are_taken_trial_by_trial():
    figures = [1.0, 1.1, 1.2, 0.9, 1.05, 1.0, 1.02, 1.01]
    few = figure_of("latency_p50", single(figures), [])
    assert few == geometric_mean(figures)
    assert figure_of("latency_p50", single(figures, a_block=2), []).degrees == FEWEST - 1


def test_neighbours_that_resemble_each_other_widen_the_interval():
    drifting = [1.0, 1.0, 1.01, 1.02, 1.02, 1.03, 1.04, 1.04]
    shuffled = [drifting[place] for place in (0, 7, 2, 5, 1, 6, 3, 4)]
    wide, usual = geometric_mean(drifting), geometric_mean(shuffled)
    assert wide.high - wide.low > 1.5 * (usual.high - usual.low)
    assert wide.value == pytest.approx(usual.value)


def test_a_block_in_which_a_trial_is_void_does_not_count():
    trials = [*single([1.0] * 16), trial(4, 9.0), trial(4, 9.0, void="too hot")]
    assert figure_of("latency_p50", trials, []).value == 1.0
    assert figure_of("latency_p50", trials[-2:], []).value == pytest.approx(9.0), "few blocks: trial by trial"
    assert figure_of("latency_p50", trials[-1:], []) is None


def test_a_metric_without_positive_figures_of_trials_has_none():
    grown = [TrialMetrics(kind="memory", arm="candidate", block=b, values={"model_memory": 0.0}) for b in (0, 1)]
    assert figure_of("model_memory", [], grown) is None
    assert figure_of("latency_p50", [], []) is None and median_over_trials("model_size", [], []) is None
    assert METRICS["model_size"].kind is None


def test_of_arms_by_turns_the_ratio_of_the_figures_is_the_ratio():
    rng = np.random.default_rng(3)
    trials = by_turns(rng.normal(0.0, 0.02, (9, 4)), first_place=0.1)
    own, base = (figure_of("latency_p50", trials, [], arm) for arm in ("candidate", "baseline"))
    assert ratio(trials).value == pytest.approx(own.value / base.value, rel=1e-12)


def test_what_the_first_place_costs_is_taken_out_of_the_ratio_and_shared_by_the_arms():
    trials = by_turns(np.zeros((9, 4)), first_place=0.1)
    assert ratio(trials).value == pytest.approx(1.0)
    assert ratio(trials).high == pytest.approx(1.0)
    figures = [figure_of("latency_p50", trials, [], arm).value for arm in ("candidate", "baseline")]
    assert figures == pytest.approx([np.exp(0.025)] * 2)


@pytest.mark.parametrize("blocks", [4, 6, 20])
def test_coverage_of_the_ratio_under_block_levels_and_drift(blocks):
    rng = np.random.default_rng(blocks)
    hits = 0
    for _ in range(DRAWS):
        logs = rng.normal(0.0, 0.3, (blocks, 1)) + 0.01 * np.arange(4) + rng.normal(0.0, 0.02, (blocks, 4))
        found = ratio(by_turns(logs))
        hits += found.low <= 1.0 <= found.high
    assert abs(hits / DRAWS - 0.95) <= SLACK * np.sqrt(0.95 * 0.05 / DRAWS)


def test_the_ratio_s_interval_is_student_s_on_the_blocks_logarithms():
    logs = np.random.default_rng(1).normal(0.0, 0.02, (5, 4))
    trials = [
        trial(block, float(np.exp(logs[block, place])), arm) for block in range(5) for place, arm in enumerate(ABBA)
    ]
    effects = logs[:, [0, 3]].mean(axis=1) - logs[:, [1, 2]].mean(axis=1)
    theirs = ttest_1samp(effects, 0.0).confidence_interval(0.95)
    found = ratio(trials)
    assert (found.low, found.high) == pytest.approx((np.exp(theirs.low), np.exp(theirs.high)))
    assert (found.value, found.trials) == (pytest.approx(np.exp(effects.mean())), 10)


def test_few_blocks_give_a_ratio_without_an_interval_and_none_gives_none():
    found = ratio(by_turns(np.zeros((FEWEST - 1, 4))))
    assert (found.value, found.low, found.high, found.confidence) == (1.0, None, None, None)
    assert ratio(single([1.0] * 8)) is None


def test_arms_measured_apart_are_compared_by_welch_s_interval_on_logarithms():
    fast, slow = np.array([1.0, 1.1, 1.2, 0.9, 1.05]), np.array([2.0, 2.3, 1.8, 2.1])
    found = ratio_apart(geometric_mean(slow.tolist()), geometric_mean(fast.tolist()), confidence=0.9)
    theirs = ttest_ind(np.log(slow), np.log(fast), equal_var=False).confidence_interval(0.9)
    assert found.value == pytest.approx(np.exp(np.log(slow).mean() - np.log(fast).mean()))
    assert (found.low, found.high) == pytest.approx((np.exp(theirs.low), np.exp(theirs.high)))
    assert (found.trials, found.confidence) == (4, 0.9)


def test_apart_one_trial_has_no_interval_and_trials_that_agree_have_a_point():
    alone = ratio_apart(geometric_mean([2.0]), geometric_mean([1.0, 1.1]))
    assert (alone.low, alone.high, alone.trials) == (None, None, 1)
    assert alone.value == pytest.approx(2.0 / np.sqrt(1.1))
    same = ratio_apart(geometric_mean([2.0, 2.0]), geometric_mean([1.0, 1.0]))
    assert (same.value, same.low, same.high, same.trials) == (2.0, 2.0, 2.0, 2)


def test_swapped_arms_give_the_inverse():
    logs = np.random.default_rng(2).normal(0.0, 0.02, (6, 4))
    there = by_turns(logs)
    back = [one.model_copy(update={"arm": "baseline" if one.arm == "candidate" else "candidate"}) for one in there]
    assert ratio(there).value * ratio(back).value == pytest.approx(1.0)
    assert ratio(there).low * ratio(back).high == pytest.approx(1.0)
