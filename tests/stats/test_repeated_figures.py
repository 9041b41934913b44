"""Figures that are the same in every process, figures of other trials than latency ones, blocks of two."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from harness.records.entry import TrialMetrics
from harness.records.limit_test import LimitTest
from harness.stats.limit_test import run_limit_test
from harness.stats.observations import interleaved, is_usable, observations, per_trial
from harness.stats.single_look import unpaired_test
from harness.testing.gatelab.trial_summaries import trial_summary

ABBA = ("candidate", "baseline", "baseline", "candidate")


def question(metric, limit, *, relative=False, most_blocks=40):
    return LimitTest(
        metric=metric, better="lower", limit=limit, relative=relative, alpha=0.001, miss=0.05, most_blocks=most_blocks
    )


def memory(*figures, arm="candidate", start=0, void=None):
    return [
        TrialMetrics(kind="memory", arm=arm, block=start + at, values={"model_memory": figure}, void=void)
        for at, figure in enumerate(figures)
    ]


def latency(block, arm, p90, *, independent=1000, void=None):
    made = trial_summary(arm, block, p90, quantiles={"p90": p90}, independent=independent)
    return made.model_copy(update={"void": void})


@pytest.mark.parametrize(("limit", "verdict"), [(1_000_001.0, "pass"), (1_000_000.0, "pass"), (999_999.0, "fail")])
def test_one_arm_that_agrees_to_the_byte_is_compared_as_it_is(limit, verdict):
    found = run_limit_test(question("model_memory", limit), [], memory(1e6, 1e6))
    assert (found.verdict, found.exact, found.blocks) == (verdict, True, 2)
    assert found.value == found.low == found.high == pytest.approx(1e6)


@pytest.mark.parametrize("test", [run_limit_test, unpaired_test])
@pytest.mark.parametrize(("limit", "verdict"), [(0.11, "pass"), (0.1, "pass"), (0.09, "fail")])
def test_two_arms_that_agree_to_the_byte_are_too(test, limit, verdict):
    figures = [*memory(1.1e6, 1.1e6, 1.1e6), *memory(1e6, 1e6, arm="baseline", start=3)]
    found = test(question("model_memory", limit, relative=True), [], figures)
    assert (found.verdict, found.exact, found.blocks) == (verdict, True, 2)
    assert found.value == found.low == found.high == pytest.approx(0.1)


def test_one_process_an_arm_or_two_that_differ_are_not_compared_so():
    assert run_limit_test(question("model_memory", 1e6), [], memory(1e6)).value is None
    alone = [*memory(1e6, 1e6), *memory(1e6, arm="baseline", start=2)]
    assert run_limit_test(question("model_memory", 0.1, relative=True), [], alone).value is None
    assert run_limit_test(question("model_memory", 1e6), [], memory(1e6, 1e6, 1.1e6)).exact is False


def test_times_that_agree_to_the_last_digit_were_not_measured():
    trials = [latency(block, "candidate", 0.004) for block in range(12) for _ in range(4)]
    found = run_limit_test(question("latency_p50", 1.0), trials)
    assert (found.verdict, found.value, found.exact) == ("open", None, False)


def noisy(at):
    return 0.004 * (1.0 + 0.001 * ((at * 7919) % 11 - 5))


@pytest.mark.parametrize(("independent", "answered"), [(1000, True), (1, False), (None, False)])
@pytest.mark.parametrize("relative", [True, False])
def test_a_percentile_is_answered_when_each_arm_has_its_reads(independent, answered, relative):
    trials = [
        latency(block, arm, noisy(4 * block + at), independent=independent)
        for block in range(12)
        for at, arm in enumerate(ABBA if relative else ("candidate",) * 4)
    ]
    found = run_limit_test(question("latency_p90", 10.0, relative=relative), trials)
    assert (found.value is not None) is answered


@pytest.mark.parametrize("poor", ["candidate", "baseline"])
def test_of_two_arms_the_one_with_fewer_reads_has_a_percentile_wait(poor):
    trials = [
        latency(block, arm, noisy(4 * block + at), independent=0 if arm == poor else 1000)
        for block in range(12)
        for at, arm in enumerate(ABBA)
    ]
    assert run_limit_test(question("latency_p90", 10.0, relative=True), trials).value is None


def test_reads_of_void_trials_and_of_the_other_arm_do_not_count():
    trials = [
        latency(block, arm, noisy(4 * block + at), independent=1000 if arm == "baseline" else 0)
        for block in range(12)
        for at, arm in enumerate(ABBA)
    ]
    assert run_limit_test(question("latency_p90", 10.0), trials).value is None
    void = [latency(99, "candidate", 0.004, void="throttled")]
    few = [latency(block, "candidate", noisy(4 * block + at), independent=0) for block in range(12) for at in range(4)]
    assert run_limit_test(question("latency_p90", 10.0), [*void, *few]).value is None


@pytest.mark.parametrize("ratio", [0.9, 1.1])
def test_a_block_of_one_trial_an_arm_counts_whichever_came_first(ratio):
    trials = [
        latency(block, arm, noisy(2 * block + at) * (ratio if arm == "candidate" else 1.0))
        for block in range(20)
        for at, arm in enumerate(("candidate", "baseline") if block % 2 else ("baseline", "candidate"))
    ]
    found = run_limit_test(question("latency_p50", 0.0, relative=True), trials)
    assert found.value == pytest.approx(ratio - 1.0, abs=0.01)
    assert found.verdict == ("fail" if ratio > 1.0 else "pass")


def test_figures_of_another_kind_of_trial_are_seen_block_by_block():
    figures = [*memory(1.0, 2.0), *memory(3.0, start=1, void="killed"), *memory(4.0, arm="baseline", start=2)]
    other = TrialMetrics(kind="stages", arm="candidate", block=0, values={"preprocess": 1.0})
    seen = observations("model_memory", [], [other, *figures])
    assert [[one.figure for one in block] for block in seen] == [[1.0], [2.0, 3.0], [4.0]]
    assert [one.void for block in seen for one in block] == [False, False, True, False]
    assert (per_trial(seen, "candidate"), per_trial(seen, "baseline")) == ([1.0, 2.0], [4.0])
    assert [is_usable(block) for block in seen] == [True, False, True]


@pytest.mark.parametrize("figure", [0.0, -1.0])
def test_a_figure_that_can_be_none_is_not_usable(figure):
    (block,) = observations("model_memory", [], memory(figure))
    assert not is_usable(block)
    assert not is_usable([])
    assert per_trial([block], "candidate") == []
    (absent,) = observations("init_time", [], memory(1.0))
    assert not is_usable(absent)


def test_arms_apart_have_welch_s_bounds_where_neighbours_do_not_resemble_each_other():
    own, other = [1.0, 1.2, 1.02, 1.16, 1.05], [2.0, 2.01, 1.99, 2.03, 1.98, 2.02, 2.0, 2.015, 1.995]
    trials = [
        *(latency(at, "candidate", figure) for at, figure in enumerate(own)),
        *(latency(50 + at, "baseline", figure) for at, figure in enumerate(other)),
    ]
    found = unpaired_test(question("latency_p50", 0.02, relative=True), trials)
    welch = ttest_ind(np.log(own), np.log(other), equal_var=False)
    assert found.value == pytest.approx(np.exp(np.log(own).mean() - np.log(other).mean()) - 1.0)
    assert found.low == pytest.approx(np.exp(welch.confidence_interval(1.0 - 2 * 0.001).low) - 1.0)
    assert found.high == pytest.approx(np.exp(welch.confidence_interval(1.0 - 2 * 0.05).high) - 1.0)


def test_of_arms_by_turns_the_slices_are_seen_and_never_beside_whole_trials():
    slices = [
        TrialMetrics(kind="slices", arm=arm, block=at, values={"latency_p50": 1.0 + at}, void=None if at else "hot")
        for at, arm in enumerate(("candidate", "baseline"))
    ]
    whole = [latency(7, "candidate", 9.0)]
    seen = observations("latency_p50", whole, slices, relative=True)
    assert [[(one.arm, one.figure, one.void) for one in block] for block in seen] == [
        [("candidate", 1.0, True)],
        [("baseline", 2.0, False)],
    ]
    assert [[one.figure for one in block] for block in observations("latency_p50", whole, slices)] == [[9.0]]
    assert [[one.figure for one in block] for block in observations("latency_p90", whole, slices, relative=True)] == [
        [9.0]
    ]


def test_what_takes_turns_in_slices_carries_nothing_over_from_trial_to_trial():
    arms = ("candidate", "baseline", "baseline", "candidate")
    figures = [
        TrialMetrics(kind="slices", arm=arm, block=at, values={"latency_p50": 1.0 + 0.1 * place}, void=None)
        for at in range(2)
        for place, arm in enumerate(arms)
    ]
    blocks = interleaved(observations("latency_p50", (), figures, relative=True))
    assert blocks.carry_over is None
    expected = (np.log(1.0) + np.log(1.3) - np.log(1.1) - np.log(1.2)) / 2
    assert blocks.effects[0] == pytest.approx([expected, expected])
