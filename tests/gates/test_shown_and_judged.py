"""A finding's figure is the one that tables show, and beside it stands the bound by which it was judged."""

import re

import numpy as np
import pytest
from gates.judged_entries import limit, measured

from harness.gates import judge
from harness.records.entry import BaselineRecord, Ratio, TrialMetrics
from harness.records.settings import Settings
from harness.records.status import Status
from harness.records.units import format_interval, format_quantity
from harness.testing import make_entry
from harness.testing.gatelab.trial_summaries import trial_summary

ORDERS = (("candidate", "baseline", "baseline", "candidate"), ("baseline", "candidate", "candidate", "baseline"))
NOISE = np.random.default_rng(5).normal(0.0, 0.002, 400)


def alone(blocks, *, arm="candidate", p50_s=0.004):
    return [trial_summary(arm, place // 4, float(p50_s * np.exp(NOISE[place]))) for place in range(4 * blocks)]


def in_turns(blocks, ratio):
    places = [(block, arm) for block in range(blocks) for arm in ORDERS[block % 2]]
    return [
        trial_summary(arm, block, float(0.004 * (ratio if arm == "candidate" else 1.0) * np.exp(noise)))
        for (block, arm), noise in zip(places, NOISE, strict=False)
    ]


def finding(key, text, trials, measurements=(), **base):
    told = BaselineRecord(given="main", sentence="the base", measurements=list(measurements), **base) if base else None
    made = make_entry(device="rpi4", trials=trials, measurements=list(measurements), baseline=told, most_blocks=40)
    return judge(made, [limit(key, text)], settings=Settings(alpha=0.005, miss=0.05)).findings[-1]


@pytest.mark.parametrize(
    ("key", "text", "status", "words"),
    [
        ("latency_p50", "5 ms", Status.PASS, "at most {high}"),
        ("latency_p50", "3 ms", Status.FAIL, "at least {low}"),
        ("throughput", "200 /s", Status.PASS, "at least {low}"),
        ("throughput", "300 /s", Status.FAIL, "at most {high}"),
    ],
)
def test_the_end_towards_the_limit_is_told_as_what_was_judged(key, text, status, words):
    figure = measured("latency_p50", 0.0041, 0.00409, 0.00411), measured("throughput", 251.0, 250.5, 251.5)
    found = finding(key, text, alone(20), figure)
    own = figure[key == "throughput"]
    assert found.status is status
    assert (found.value, found.ci_low, found.ci_high) == (own.value, own.ci_low, own.ci_high)
    assert found.bound_low < (0.004 if key == "latency_p50" else 250.0) < found.bound_high
    ends = {name: format_quantity(getattr(found, f"bound_{name}"), own.unit) for name in ("low", "high")}
    assert found.detail.startswith(f"{words.format(**ends)} after {found.blocks} blocks, ")


def test_of_what_stays_open_both_ends_are_told():
    text = f"{4.0 * np.exp(NOISE[:80].mean()):.7f} ms"
    found = finding("latency_p50", text, alone(20), [measured("latency_p50", 0.004, 0.00399, 0.00401)])
    assert (found.status, found.blocks) == (Status.INCONCLUSIVE, 20)
    ends = format_interval(found.bound_low, found.bound_high, "s")
    assert found.detail.startswith(f"{ends} after 20 blocks, false alarm")


@pytest.mark.parametrize(
    ("metric", "better", "ratio", "worse"),
    [("latency_p50", "lower", (1.1, 1.08, 1.13), (0.1, 0.08, 0.13)), ("throughput", "higher", (0.9, 0.88, 0.93), None)],
)
def test_a_regression_shows_the_ratio_that_stands_beside_the_baseline(metric, better, ratio, worse):
    worse = worse or (0.1, 0.07, 0.12)
    value, low, high = ratio
    others = Ratio(
        metric="latency_mean",
        better="lower",
        ratio=9.0,
        ci_low=8.0,
        ci_high=10.0,
        confidence=0.95,
        blocks=20,
        by_block=[],
    )
    told = others.model_copy(
        update={"metric": metric, "better": better, "ratio": value, "ci_low": low, "ci_high": high}
    )
    figures = [measured("latency_p50", 0.004, 0.0039, 0.0041), measured("throughput", 250.0, 249.0, 251.0)]
    found = finding(f"{metric}_regression", "2 %", in_turns(20, 1.1), figures, state="measured", ratios=[others, told])
    assert found.status is Status.FAIL
    assert (found.value, found.ci_low, found.ci_high) == pytest.approx(worse)
    assert re.match(r"at least [\d.]+ % worse after \d+ blocks, false alarm", found.detail)

    bare = told.model_copy(update={"ci_low": None, "ci_high": None})
    found = finding(f"{metric}_regression", "2 %", in_turns(20, 1.1), figures, state="measured", ratios=[bare])
    assert (found.value, found.ci_low, found.ci_high) == (pytest.approx(0.1), None, None)


def test_without_one_it_is_that_of_the_arms_by_turns_or_of_both_arms_figures():
    figures = [measured("latency_p50", 0.0044, 0.0043, 0.0045)]
    turns = in_turns(20, 1.1)
    found = finding("latency_p50_regression", "2 %", turns, figures, state="measured")
    means = {
        arm: np.mean([np.log(one.quantiles["p50"]) for one in turns if one.arm == arm])
        for arm in ("candidate", "baseline")
    }
    assert found.value == pytest.approx(np.expm1(means["candidate"] - means["baseline"]))
    assert found.bound_low < found.ci_low < found.value < found.ci_high

    apart = [*alone(20, p50_s=0.0044), *alone(30, arm="baseline")]
    found = finding("latency_p50_regression", "2 %", apart, figures, state="stored")
    logs = [np.log([one.quantiles["p50"] for one in apart if one.arm == arm]) for arm in ("candidate", "baseline")]
    assert found.value == pytest.approx(np.expm1(logs[0].mean() - logs[1].mean()))


def test_figures_that_never_vary_are_shown_by_their_ratio_though_their_arms_took_no_turns():
    figures = [
        TrialMetrics(kind="memory", arm=arm, block=block, values={"peak_memory": size})
        for block, (arm, size) in enumerate([("candidate", 1.1e6)] * 2 + [("baseline", 1e6)] * 2)
    ]
    told = [measured("peak_memory", 1.1e6, n=2)]
    base = BaselineRecord(given="main", state="measured", sentence="the base", measurements=told)
    made = make_entry(figures=figures, measurements=told, baseline=base, most_blocks=40)
    found = judge(made, [limit("peak_memory_regression", "5 %")], settings=Settings()).findings[-1]
    assert (found.status, found.value) == (Status.FAIL, pytest.approx(0.1))
    assert (found.ci_low, found.bound_low, found.alpha) == (None, None, None)


def test_what_was_judged_is_shown_where_a_trial_that_counts_has_no_figure_of_its_own():
    """A time of nothing is in no mean; the other trials are judged without it."""
    figures = [measured("latency_p50", 0.0044, 0.0043, 0.0045)]
    apart = [*alone(20, p50_s=0.0044), *alone(30, arm="baseline")]
    whole = finding("latency_p50_regression", "2 %", apart, figures, state="stored")
    found = finding(
        "latency_p50_regression", "2 %", [*apart, trial_summary("candidate", 99, 0.0)], figures, state="stored"
    )
    assert found.status is whole.status is Status.FAIL
    assert found.value == pytest.approx(whole.value, rel=0.01)
    assert (found.ci_low, found.ci_high) == (found.bound_low, found.bound_high)
