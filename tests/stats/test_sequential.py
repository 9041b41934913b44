from math import log

import numpy as np
import pytest

from harness.stats.sequential import FAIL, OPEN, PASS, Blocks, decide, paired
from harness.stats.spending import boundaries

LIMIT = np.array([log(1.02)])
BOUNDS = boundaries(0.005, 0.05, 60)


def trace(ratio, *, blocks=60, spread=0.01, seed=0, metrics=1):
    """Logarithms of interleaved trials: the candidate outside in even blocks; and where it is outside."""
    rng = np.random.default_rng(seed)
    outside = np.arange(blocks) % 2 == 0
    candidate = np.where(outside[:, np.newaxis], [1, 0, 0, 1], [0, 1, 1, 0])
    return rng.normal(0.0, spread, (metrics, blocks, 4)) + log(ratio) * candidate, outside


def verdict(ratio, **kwargs):
    logs, outside = trace(ratio, **kwargs)
    return decide(paired(logs, outside), LIMIT, BOUNDS)


@pytest.mark.parametrize(("ratio", "expected"), [(1.0, PASS), (0.9, PASS), (1.05, FAIL), (2.0, FAIL)])
def test_what_is_clearly_within_or_beyond(ratio, expected):
    decision = verdict(ratio)
    assert decision.verdicts.tolist() == [expected]
    assert decision.blocks[0] < 30
    assert np.exp(decision.mean[0]) == pytest.approx(ratio, rel=0.01)


def test_at_its_limit_it_stays_open_to_the_last_block_and_the_interval_holds_the_limit():
    decision = verdict(1.02, seed=3)
    assert decision.verdicts.tolist() == [OPEN] and decision.blocks.tolist() == [60]
    assert decision.low[0] <= LIMIT[0] < decision.high[0]


def test_bounds_say_what_the_verdict_says():
    passed, failed = verdict(1.0), verdict(1.06)
    assert passed.high[0] <= LIMIT[0] and failed.low[0] > LIMIT[0]


def test_what_comes_after_the_decision_changes_nothing():
    logs, outside = trace(1.06)
    whole = decide(paired(logs, outside), LIMIT, BOUNDS)
    cut = int(whole.blocks[0])
    short = decide(paired(logs[:, :cut], outside[:cut]), LIMIT, BOUNDS)
    logs[:, cut:] = 99.0
    spoilt = decide(paired(logs, outside), LIMIT, BOUNDS)
    for name in ("verdicts", "blocks", "counted", "mean", "low", "high"):
        assert getattr(whole, name).tolist() == getattr(short, name).tolist() == getattr(spoilt, name).tolist()


@pytest.mark.parametrize("upto", range(1, 61, 7))
def test_looking_at_every_block_is_looking_at_all_of_them(upto):
    """A rule that stops as it goes finds what the same rule finds in the whole trace."""
    logs, outside = trace(1.03, seed=11, metrics=20)
    limits = np.full(20, LIMIT[0])
    whole = decide(paired(logs, outside), limits, BOUNDS)
    part = decide(paired(logs[:, :upto], outside[:upto]), limits, BOUNDS)
    early = whole.blocks <= upto
    assert (part.verdicts[early] == whole.verdicts[early]).all()
    assert (part.verdicts[~early] == OPEN).all()


def test_a_linear_drift_cancels():
    logs, outside = trace(1.0, spread=0.0)
    drifting = logs + np.linspace(0.0, 0.3, logs[0].size).reshape(logs.shape)
    assert paired(drifting, outside).effects == pytest.approx(0.0, abs=1e-12)


def test_a_block_in_which_the_clock_stepped_does_not_count():
    logs, outside = trace(1.0)
    logs[0, 4, 3] += log(1.4)
    decision = decide(paired(logs, outside), LIMIT, BOUNDS)
    assert decision.verdicts.tolist() == [PASS]
    assert decision.counted[0] == decision.blocks[0] - 1


def test_nothing_is_decided_before_the_first_look():
    decision = verdict(5.0, blocks=5)
    assert decision.verdicts.tolist() == [OPEN]
    assert decision.low[0] == -np.inf and decision.high[0] == np.inf


def test_metrics_are_judged_as_if_alone():
    together, outside = trace(1.03, metrics=5, seed=8)
    limits = np.log([1.0, 1.01, 1.02, 1.05, 1.1])
    many = decide(paired(together, outside), limits, BOUNDS)
    for metric in range(5):
        alone = decide(paired(together[metric : metric + 1], outside), limits[metric : metric + 1], BOUNDS)
        assert alone.verdicts[0] == many.verdicts[metric] and alone.blocks[0] == many.blocks[metric]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_figures_that_are_no_numbers_are_refused(wrong):
    logs, outside = trace(1.0)
    logs[0, 7, 2] = wrong
    with pytest.raises(ValueError, match="not finite"):
        paired(logs, outside)


def test_trials_that_never_vary_are_decided_at_the_first_look():
    blocks = Blocks(effects=np.full((1, 20), 0.03), unrest=np.zeros((1, 20, 2)))
    decision = decide(blocks, LIMIT, BOUNDS)
    assert (decision.verdicts[0], decision.blocks[0]) == (FAIL, BOUNDS.first)
