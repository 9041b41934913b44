from dataclasses import replace
from math import log

import numpy as np
import pytest
from scipy.stats import skew

from harness.stats.sequential import FAIL, OPEN, PASS, Blocks, decide, paired, serial_inflation
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
    for name in ("verdicts", "blocks", "mean", "low", "high"):
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


def test_a_block_in_which_the_clock_stepped_counts_and_widens_the_interval():
    logs, outside = trace(1.0)
    calm = decide(paired(logs, outside), LIMIT, BOUNDS)
    logs[0, 4, 3] += log(1.4)
    stepped = decide(paired(logs, outside), LIMIT, BOUNDS)
    assert stepped.blocks[0] > calm.blocks[0]
    assert stepped.mean[0] != pytest.approx(0.0, abs=1e-4) or stepped.error[0] > calm.error[0]


@pytest.mark.parametrize("slow", [0.1, 0.3])
def test_a_slow_minority_of_processes_is_in_the_mean(slow):
    """As many of the candidate's processes are 1.5 times as slow: the mean logarithm moves by their share of it."""
    rng = np.random.default_rng(5)
    logs, outside = trace(1.0, blocks=60, metrics=200, spread=0.005)
    candidate = np.where(outside[:, np.newaxis], [1, 0, 0, 1], [0, 1, 1, 0]).astype(bool)
    logs = logs + np.where(candidate & (rng.random(logs.shape) < slow), log(1.5), 0.0)
    decision = decide(paired(logs, outside), np.full(200, LIMIT[0]), boundaries(0.005, 0.05, 60))
    assert (decision.verdicts == PASS).mean() < 0.06
    if slow > 0.2:
        assert (decision.verdicts == FAIL).mean() > 0.9


def test_a_mean_beyond_the_limit_that_few_blocks_share_fails_only_where_they_are_a_slow_minority():
    """Of effects skewed downwards most must lie beyond the limit themselves; without a sign test more would fail."""
    rng = np.random.default_rng(2)
    metrics, blocks = 4000, 60
    fast = (rng.random((metrics, blocks, 2)) < 0.33).mean(axis=2)
    effects = rng.normal(0.0, 0.02, (metrics, blocks)) + 0.4 * (0.33 - fast) + LIMIT[0] + 0.03
    turns = np.tile([1.0, -1.0], blocks // 2)
    limits = np.full(metrics, LIMIT[0])
    alone = replace(BOUNDS, beyond=np.zeros_like(BOUNDS.beyond))
    with_it, without = (decide(Blocks(effects, turns), limits, bounds) for bounds in (BOUNDS, alone))
    spared = (without.verdicts == FAIL) & (with_it.verdicts != FAIL)
    assert spared.sum() >= 3
    for metric in np.flatnonzero(spared):
        seen = effects[metric, : without.blocks[metric]]
        assert (seen > LIMIT[0]).sum() < BOUNDS.beyond[seen.size - BOUNDS.first]
    for metric in np.flatnonzero(with_it.verdicts == FAIL):
        seen, mine = effects[metric, : with_it.blocks[metric]], turns[: with_it.blocks[metric]]
        line = np.polynomial.Polynomial.fit(mine, seen, 1)
        enough = (seen > LIMIT[0]).sum() >= BOUNDS.beyond[seen.size - BOUNDS.first]
        assert enough or skew(seen - line(mine)) > 0.0


def test_what_the_first_place_of_a_block_costs_is_no_scatter():
    logs, outside = trace(1.0, spread=0.002, blocks=20)
    slow_start = logs.copy()
    slow_start[:, :, 0] += log(1.1)
    plain, started = (decide(paired(one, outside), LIMIT, BOUNDS) for one in (logs, slow_start))
    assert started.verdicts[0] == plain.verdicts[0] == PASS
    assert started.error == pytest.approx(plain.error, rel=1e-6)
    assert started.mean == pytest.approx(plain.mean, abs=0.01)


def test_the_line_is_the_least_squares_one():
    logs, outside = trace(1.01, blocks=15, seed=4)
    logs[:, :, 0] += 0.03
    blocks = paired(logs, outside)
    found = decide(blocks, np.array([0.0]), boundaries(0.005, 0.05, 15))
    count = int(found.blocks[0])
    design = np.column_stack([np.ones(count), blocks.turns[:count]])
    line, residual, *_ = np.linalg.lstsq(design, blocks.effects[0, :count], rcond=None)
    variance = residual[0] / (count - 2) * np.linalg.inv(design.T @ design)[0, 0]
    assert found.mean[0] == pytest.approx(line[0]) and found.error[0] == pytest.approx(np.sqrt(variance))


def test_steps_of_the_instrument_are_in_the_error_however_many_blocks_there_are():
    blocks = Blocks(effects=np.full((1, 60), 0.015), turns=np.where(np.arange(60) % 2, 1.0, -1.0))
    fine, coarse = (decide(blocks, LIMIT, BOUNDS, floor=floor) for floor in (0.001, 0.01))
    assert fine.verdicts[0] == PASS and coarse.verdicts[0] == OPEN
    assert coarse.error[0] == pytest.approx(0.01)


def test_neighbours_that_resemble_each_other_widen_the_error_by_bartletts_factor():
    rng = np.random.default_rng(2)
    shocks = rng.normal(size=(1, 4000))
    series = np.zeros_like(shocks)
    for place in range(1, shocks.shape[1]):
        series[:, place] = 0.6 * series[:, place - 1] + shocks[:, place]
    inflation = serial_inflation(series)
    assert inflation.shape == series.shape
    assert inflation[0, -1] == pytest.approx(np.sqrt(1.6 / 0.4), rel=0.05)
    assert serial_inflation(-np.abs(shocks) * np.where(np.arange(4000) % 2, 1, -1))[0, -1] == 1.0


def test_one_arms_error_is_widened_by_what_neighbours_resemble_each_other_and_that_of_two_is_not():
    """Slow waves: a block says much of the next one."""
    effects = np.sin(np.arange(40) / 3.0)[np.newaxis, :]
    blocks, last = Blocks(effects=effects, turns=np.zeros(40)), boundaries(0.005, 0.05, 40).from_look(40)
    plain, serial = (decide(blocks, LIMIT, last, serial=serial) for serial in (False, True))
    inflation = serial_inflation(effects)[0, -1]
    assert inflation > 2.0
    assert plain.error[0] == pytest.approx(effects.std(ddof=1) / np.sqrt(40))
    assert serial.error[0] == pytest.approx(inflation * plain.error[0])


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
    blocks = Blocks(effects=np.full((1, 20), 0.03), turns=np.zeros(20))
    decision = decide(blocks, LIMIT, BOUNDS)
    assert (decision.verdicts[0], decision.blocks[0]) == (FAIL, BOUNDS.fail_from)
