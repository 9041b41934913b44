from math import log, nan

import numpy as np
import pytest

from harness.records.limit_test import LimitTest
from harness.stats.carry_over import TO_FAIL, TO_PASS, TrialCarryOver
from harness.stats.limit_test import run_limit_test
from harness.stats.observations import Observation, interleaved
from harness.stats.sequential import FAIL, OPEN, PASS, decide, paired
from harness.stats.spending import boundaries
from harness.testing.gatelab.trial_summaries import trial_summary

LIMIT = log(1.02)
BOUNDS = boundaries(0.005, 0.05, 60)


def orders(blocks, seed=0):
    """Where the candidate is outside: at random in each pair of blocks, once in either."""
    first = np.random.default_rng(seed).random(blocks // 2) < 0.5
    return np.column_stack([first, ~first]).ravel()


def trace(after, *, ratio=0.0, spread=0.0, blocks=60, metrics=1, seed=0):
    """Trials of which those that follow the candidate take ``after`` more, on the logarithmic scale."""
    outside = orders(blocks, seed)
    candidate = np.where(outside[:, np.newaxis], [1, 0, 0, 1], [0, 1, 1, 0])
    before = np.concatenate([[0.5], candidate.ravel()[:-1]]).reshape(candidate.shape)
    noise = np.random.default_rng(seed).normal(0.0, spread, (metrics, blocks, 4))
    return noise + ratio * candidate + after * before, outside


def test_without_noise_the_shift_of_every_effect_is_its_load_of_what_is_shown():
    logs, outside = trace(0.03, ratio=0.01)
    blocks = paired(logs, outside)
    assert blocks.carry_over.shown == pytest.approx(0.03)
    assert blocks.effects - 0.01 == pytest.approx(0.03 * blocks.carry_over.load[np.newaxis])
    assert set(blocks.carry_over.load[1:]) == {-0.5, 0.0} and blocks.carry_over.load[0] == -0.25


def test_the_interval_is_that_of_the_mean_less_the_shift_where_the_carry_over_is_beyond_chance():
    rng = np.random.default_rng(1)
    shown, outside = rng.normal(0.01, 0.02, (400, 30)), orders(30)
    carry_over = TrialCarryOver(shown, np.where(outside, -0.5, 0.0))
    mean, error = rng.normal(0.0, 0.01, (400, 25)), rng.uniform(0.004, 0.006, (400, 25))
    low, high = mean - 3.0 * error, mean + 2.0 * error
    lower, upper = carry_over.allow(low, high, mean=mean, error=error, first=6)
    raised = lowered = 0
    for metric, look in ((metric, look) for metric in range(400) for look in (0, 7, 24)):
        seen, load = shown[metric, : look + 6], carry_over.load[: look + 6].mean()
        own = seen.std(ddof=1) / np.sqrt(seen.size)
        moved, wider = mean[metric, look] - load * seen.mean(), np.hypot(error[metric, look], load * own)
        hides, feigns = seen.mean() / own > TO_PASS, seen.mean() / own < -TO_FAIL
        raised, lowered = raised + hides, lowered + feigns
        top = max(high[metric, look], moved + 2.0 * wider) if hides else high[metric, look]
        bottom = min(low[metric, look], moved - 3.0 * wider) if feigns else low[metric, look]
        assert (lower[metric, look], upper[metric, look]) == pytest.approx((bottom, top))
    assert raised > 500 and lowered == 0
    mirrored = TrialCarryOver(-shown, carry_over.load).allow(low, high, mean=mean, error=error, first=6)
    assert (mirrored[0] < low).any() and (mirrored[1] == high).mean() > 0.99


@pytest.mark.parametrize("spread", [0.0266, 0.01])
def test_a_slowdown_that_a_hot_candidate_hides_seldom_passes(spread):
    logs, outside = trace(0.03, ratio=LIMIT, spread=spread, metrics=1000)
    hidden = decide(paired(logs, outside), np.full(1000, LIMIT), BOUNDS).verdicts
    plain = paired(logs, outside)
    unaware = decide(type(plain)(plain.effects, plain.turns), np.full(1000, LIMIT), BOUNDS).verdicts
    assert (unaware == PASS).mean() > 0.75 and (hidden == PASS).mean() < 0.15
    assert not (hidden == FAIL).any()


def test_a_slowdown_that_a_cool_candidate_feigns_does_not_fail():
    logs, outside = trace(-0.08, spread=0.005, metrics=200)
    verdicts = decide(paired(logs, outside), np.full(200, LIMIT), BOUNDS).verdicts
    plain = paired(logs, outside)
    unaware = decide(type(plain)(plain.effects, plain.turns), np.full(200, LIMIT), BOUNDS).verdicts
    assert (unaware == FAIL).all() and not (verdicts == FAIL).any()


def test_where_larger_is_better_the_same_carry_over_works_the_other_way():
    logs, outside = trace(0.03, ratio=LIMIT, spread=0.01, metrics=50)
    slower, faster = paired(logs, outside), paired(-logs, outside).times(-1.0)
    for name in ("verdicts", "blocks", "low", "high"):
        found = [getattr(decide(one, np.full(50, LIMIT), BOUNDS), name).tolist() for one in (slower, faster)]
        assert found[0] == found[1]


def observed(logs, outside, void=()):
    blocks = []
    for number, (four, out) in enumerate(zip(logs[0], outside, strict=True)):
        outer, inner = ("candidate", "baseline") if out else ("baseline", "candidate")
        arms = (outer, inner, inner, outer)
        blocks.append(
            [Observation(number, arm, float(np.exp(one)), number in void) for arm, one in zip(arms, four, strict=True)]
        )
    return blocks


def measured(logs, outside):
    return [trial_summary(one.arm, one.block, one.figure) for block in observed(logs, outside) for one in block]


@pytest.mark.parametrize(("after", "seen"), [(0.05, True), (-0.05, True), (0.0, False)])
def test_an_answer_tells_it_where_it_is_beyond_chance(after, seen):
    question = LimitTest(
        metric="latency_p50", better="lower", limit=0.02, relative=True, alpha=0.005, miss=0.05, most_blocks=60
    )
    found = run_limit_test(question, measured(*trace(after, spread=0.01, seed=1)))
    if seen:
        assert found.carry_over == pytest.approx(np.expm1(after), abs=0.01)
    else:
        assert found.carry_over is None
    assert TrialCarryOver(np.zeros((1, 1)), np.zeros(1)).told(1) is None


def test_a_void_block_is_left_out_but_the_next_one_still_followed_it():
    logs, outside = trace(0.0, spread=0.01, blocks=12)
    found = interleaved(observed(logs, outside, void={4, 5}))
    counted = np.array([number not in {4, 5} for number in range(12)])
    before = np.concatenate([[nan], outside[:-1]])[counted]
    expected = TrialCarryOver.of(logs[:, counted], outside[counted], before)
    assert found.carry_over.load.tolist() == expected.load.tolist()
    assert found.carry_over.shown == pytest.approx(expected.shown)
    assert found.effects == pytest.approx(paired(logs, outside).effects[:, counted])


def test_blocks_of_one_trial_an_arm_do_not_show_it():
    two = [
        [Observation(number, arm, 0.004, void=False) for arm in arms]
        for number, arms in enumerate([("candidate", "baseline"), ("baseline", "candidate")])
    ]
    assert interleaved(two).carry_over is None
    assert interleaved([]).carry_over is None
    assert decide(interleaved(two), np.array([LIMIT]), BOUNDS).verdicts.tolist() == [OPEN]


@pytest.mark.parametrize(
    ("shown", "seen"),
    [
        ([0.0011] * 4, True),
        ([-0.0011] * 4, True),
        ([0.0009] * 4, False),
        ([0.01 - 0.0068, 0.01 + 0.0068, 0.01 - 0.0068, 0.01 + 0.0068], True),  # 2.55 standard errors
        ([0.01 - 0.0071, 0.01 + 0.0071, 0.01 - 0.0071, 0.01 + 0.0071], False),  # 2.44
        ([0.01], False),
        ([], False),
    ],
)
def test_it_is_told_from_a_thousandth_and_two_and_a_half_standard_errors_on(shown, seen):
    told = TrialCarryOver(np.array([[*shown, 9.0]]), np.zeros(len(shown) + 1)).told(len(shown))
    assert told == (pytest.approx(np.expm1(np.mean(shown))) if seen else None)
