"""The figures that are shown: what they estimate, how often their intervals hold it, and that three of a line agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_1samp, ttest_ind

from harness.records.entry import Histogram, TrialMetrics, TrialSummary
from harness.records.metrics import METRICS
from harness.stats.estimates import (
    FEWEST,
    figure_of,
    geometric_mean,
    mean_over_trials,
    median_over_trials,
    multiplied,
    ratio_apart,
    ratio_by_turns,
    ratio_of,
    run_spread,
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


def test_a_metric_that_was_zero_once_has_no_geometric_mean():
    assert figure_of("latency_p50", single([1.0, 0.0, 1.0, 1.0]), []) is None
    assert figure_of("latency_p50", single([1.0, 1.0, 1.0, 1.0]), []) is not None


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


def least_squares(effects, turns):
    """Mean effect, its standard error, degrees of freedom and what the line leaves."""
    both = min((turns > 0).sum(), (turns < 0).sum()) >= 2
    design = np.column_stack([np.ones(effects.size), turns]) if both else np.ones((effects.size, 1))
    line = np.linalg.lstsq(design, effects, rcond=None)[0]
    left, degrees = effects - design @ line, effects.size - design.shape[1]
    return line[0], np.sqrt(left @ left / degrees * np.linalg.inv(design.T @ design)[0, 0]), degrees, left


def bartlett(left):
    """What the error grows by where neighbours resemble each other, freed of its bias by Kendall's formula."""
    n = left.size
    r = (left[1:] - left.mean()) @ (left[:-1] - left.mean()) / ((left - left.mean()) @ (left - left.mean()))
    likely = min(max(r + (1 + 4 * r) / n, 0.0), 0.95)
    return np.sqrt((1 + likely) / (1 - likely))


@pytest.mark.parametrize(("blocks", "widened"), [(4, False), (5, False), (6, True), (13, True)])
def test_an_arm_by_turns_has_the_interval_of_the_line_widened_from_six_blocks_on(blocks, widened):
    drift = np.cumsum(np.random.default_rng(blocks).normal(0.0, 0.05, (blocks, 1)), axis=0)
    logs = drift + np.random.default_rng(1).normal(0.0, 0.01, (blocks, 4))
    trials = by_turns(logs, first_place=0.3)
    turns = np.array([1.0 if one.arm == "candidate" else -1.0 for one in trials[::4]])
    told = np.log([one.quantiles["p50"] for one in trials]).reshape(-1, 4)
    for arm, sign in (("candidate", 1.0), ("baseline", -1.0)):
        outside = (turns * sign > 0)[:, np.newaxis]
        effects = np.where(outside, told[:, [0, 3]], told[:, [1, 2]]).mean(axis=1)
        mean, error, degrees, left = least_squares(effects, turns)
        error *= bartlett(left) if widened else 1.0
        half = t.isf(0.025, degrees) * error
        found = figure_of("latency_p50", trials, [], arm)
        assert (found.value, found.low, found.high) == pytest.approx(tuple(np.exp([mean, mean - half, mean + half])))
        assert (found.error, found.degrees, found.trials) == (pytest.approx(error), degrees, 2 * blocks)
    assert widened is False or bartlett(left) > 1.0


@pytest.mark.parametrize("blocks", [4, 7, 12])
def test_of_the_ratio_what_neighbours_share_has_dropped_out(blocks):
    logs = np.cumsum(np.random.default_rng(blocks).normal(0.0, 0.05, (blocks, 4)), axis=0)
    trials = by_turns(logs, first_place=0.3)
    turns = np.array([1.0 if one.arm == "candidate" else -1.0 for one in trials[::4]])
    told = np.log([one.quantiles["p50"] for one in trials]).reshape(-1, 4)
    effects = turns * (told[:, [0, 3]].mean(axis=1) - told[:, [1, 2]].mean(axis=1))
    mean, error, degrees, _ = least_squares(effects, turns)
    half = t.isf(0.025, degrees) * error
    found = ratio(trials)
    assert (found.value, found.low, found.high) == pytest.approx(tuple(np.exp([mean, mean - half, mean + half])))
    assert (found.error, found.degrees, found.confidence) == (pytest.approx(error), degrees, 0.95)
    assert found.trials == 2 * blocks


@pytest.mark.parametrize(("figures", "error", "degrees"), [([3.0], 0.0, 0), ([-3.0], 0.0, 0), ([-1.0, 1.0], 1.0, 1)])
def test_how_well_a_mean_over_trials_is_known(figures, error, degrees):
    found = mean_over_trials(figures)
    assert (found.error, found.degrees, found.trials) == (error, degrees, len(figures))


def test_a_ratio_of_figures_that_agree_is_known_by_the_fewer_of_them():
    same = ratio_apart(geometric_mean([2.0] * 5), geometric_mean([1.0] * 3), confidence=0.9)
    assert (same.error, same.degrees, same.trials, same.confidence) == (0.0, 2, 3, 0.9)
    half = ratio_apart(geometric_mean([2.0] * 5), geometric_mean([1.0, 1.1, 1.2, 1.05]))
    other = geometric_mean([1.0, 1.1, 1.2, 1.05])
    assert (half.error, half.degrees) == pytest.approx((other.error, other.degrees))


def test_of_few_trials_the_error_is_that_of_their_logarithms():
    figures = np.array([1.0, 1.3, 1.1])
    found = geometric_mean(figures.tolist())
    assert (found.error, found.degrees) == (pytest.approx(np.log(figures).std(ddof=1) / np.sqrt(3)), 2)


def test_a_median_is_of_the_arm_s_own_trials_that_count():
    trials = [*single([3.0, 1.0, 2.0]), trial(1, 9.0, void="too hot"), trial(2, 7.0, arm="baseline")]
    assert median_over_trials("latency_p50", trials, []) == 2.0
    assert median_over_trials("latency_p50", trials, [], "baseline") == 7.0


def test_runs_of_one_thing_tell_how_far_runs_differ_and_levels_of_others_do_not():
    groups = [[1.0, 1.01, 0.99], [5.0, 5.05, 4.95], [9.0]]
    found = run_spread(groups)
    within = [np.log(values) for values in groups[:2]]
    assert found.degrees == 4
    assert found.sd == pytest.approx(np.sqrt(sum(((one - one.mean()) ** 2).sum() for one in within) / 4))
    assert run_spread([[1.0, 1.01, 0.99], [5.0]]) is None
    assert run_spread([]) is None


@pytest.mark.parametrize("n", [4, 5, 6, 10, 30])
@pytest.mark.parametrize("spread", [0.02, 0.6])
def test_coverage_over_many_draws(n, spread):
    draws = 0.004 * np.exp(np.random.default_rng(n).normal(0.0, spread, (DRAWS, n)))
    hits = sum((i := geometric_mean(row.tolist())).low <= 0.004 <= i.high for row in draws)
    assert hits / DRAWS >= 0.95 - SLACK * np.sqrt(0.95 * 0.05 / DRAWS)


@pytest.mark.parametrize("values", [[1.0, 2.0, 1.2, 1.4], [1.0, 3.0, 2.0, 7.0, 1.5]])
def test_of_few_values_it_is_student_s_on_the_logarithms(values):
    found = geometric_mean(values)
    theirs = ttest_1samp(np.log(values), 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((np.exp(theirs.low), np.exp(theirs.high)))


@given(st.lists(st.floats(1e-7, 1e3), min_size=2, max_size=40))
def test_the_interval_encloses_the_figure_and_stays_positive(values):
    found = geometric_mean(values)
    assert 0.0 <= found.low <= found.value * (1 + 1e-12)
    assert found.high >= found.value * (1 - 1e-12)


def test_wider_spread_gives_a_wider_interval():
    narrow, wide = geometric_mean([1.0, 1.1, 1.2, 1.3]), geometric_mean([1.0, 1.5, 2.0, 2.5])
    assert np.log(narrow.high / narrow.low) < np.log(wide.high / wide.low)


def energies(arm, joules, watts):
    """An arm's energy figures as results.json keeps them: of trials, five a block, and of a sensor's windows."""
    trials = [
        TrialMetrics(kind="energy", arm=arm, block=at // 5, values={"energy_per_inference": one})
        for at, one in enumerate(joules)
    ]
    windows = [
        TrialMetrics(kind="energy", arm=arm, block=100 + at, values={"power_mean": one}) for at, one in enumerate(watts)
    ]
    return [*trials, *windows]


def test_an_energy_of_several_windows_has_their_scatter_in_its_interval():
    joules, watts = [1.0, 1.1, 0.9, 1.0, 1.05], [3.9, 4.0, 4.1, 4.0, 4.2]
    found = figure_of("energy_per_inference", [], energies("candidate", joules, watts))
    latency, power = geometric_mean(joules), geometric_mean(watts)
    assert found.value == latency.value
    assert np.log(found.high / found.value) == pytest.approx(
        np.hypot(np.log(latency.high / latency.value), np.log(power.high / power.value))
    )
    assert np.log(found.value / found.low) == pytest.approx(np.log(found.high / found.value))
    assert found.error == pytest.approx(np.hypot(latency.error, power.error))
    parts = latency.error**4 / latency.degrees + power.error**4 / power.degrees
    assert found.degrees == pytest.approx(found.error**4 / parts)
    assert figure_of("power_mean", [], energies("candidate", joules, watts)) == power


def test_of_one_window_and_of_windows_that_agree_an_energy_has_the_interval_of_its_trials():
    joules = [1.0, 1.1, 0.9, 1.0, 1.05]
    alone = geometric_mean(joules)
    assert figure_of("energy_per_inference", [], energies("candidate", joules, [4.0])) == alone
    agreed = figure_of("energy_per_inference", [], energies("candidate", joules, [4.0] * 6))
    assert (agreed.low, agreed.high, agreed.error) == pytest.approx((alone.low, alone.high, alone.error))
    steady = multiplied(geometric_mean([2.0] * 5), geometric_mean([4.0] * 3))
    assert (steady.low, steady.high, steady.error, steady.degrees) == (2.0, 2.0, 0.0, 2)


def test_the_ratio_of_energies_by_turns_has_the_windows_scatter_in_it_too():
    rng = np.random.default_rng(4)
    orders = [ABBA, BAAB] * 4
    trials = [
        TrialMetrics(
            kind="energy", arm=arm, block=block, values={"energy_per_inference": float(rng.lognormal(0, 0.01))}
        )
        for block, order in enumerate(orders)
        for arm in order
    ]
    pairs = [("candidate", "baseline"), ("baseline", "candidate")] * 4
    windows = [
        TrialMetrics(kind="energy", arm=arm, block=100 + block, values={"power_mean": float(rng.lognormal(0, 0.02))})
        for block, pair in enumerate(pairs)
        for arm in pair
    ]
    narrow, wide = (ratio_of("energy_per_inference", [], figures) for figures in (trials, [*trials, *windows]))
    watts = ratio_of("power_mean", [], [*trials, *windows])
    assert wide.value == narrow.value
    assert np.log(wide.high / wide.value) == pytest.approx(
        np.hypot(np.log(narrow.high / narrow.value), np.log(watts.high / watts.value))
    )
    assert ratio_of("energy_per_inference", [], windows) is None


def test_from_three_trials_of_either_figure_on_their_ratio_has_ends():
    three, four = [1.0, 1.1, 1.04], [2.0, 2.3, 1.8, 2.1]
    found = ratio_apart(geometric_mean(four), geometric_mean(three))
    theirs = ttest_ind(np.log(four), np.log(three), equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((np.exp(theirs.low), np.exp(theirs.high)))
    assert ratio_apart(geometric_mean(four), geometric_mean(three[:2])).low is None
