"""A verdict's sentence begins with the figure that tables show; what was judged stands behind it and in the finding."""

import pytest
from gates.judged_entries import limit, measured

from harness.gates import judge
from harness.records.entry import BaselineRecord, Finding, Histogram, Ratio, TrialMetrics, TrialSummary
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_entry

SPREAD = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1.008, 0.992, 1.0, 1.004, 0.996)
ABBA = ("candidate", "baseline", "baseline", "candidate")
BAAB = ("baseline", "candidate", "candidate", "baseline")


def by_turns(blocks: int, ratio: float) -> list[TrialSummary]:
    """Blocks in both orders, with noise; the candidate's trials take so many times as long."""
    found = []
    for block in range(blocks):
        for place, arm in enumerate(ABBA if block % 2 == 0 else BAAB):
            p50 = 0.004 * SPREAD[(5 * block + place) % 12] * (ratio if arm == "candidate" else 1.0)
            shape = Histogram(edges_s=[0.0, 1.0], counts=[9])
            found.append(
                TrialSummary(arm=arm, block=block, n=9, batch=1, mean_s=p50, quantiles={"p50": p50}, histogram=shape)
            )
    return found


def base(*ratios: Ratio, state: str = "measured", metric: str = "latency_p50") -> BaselineRecord:
    told = {"given": "main", "state": state, "sentence": "the base", "measurements": [measured(metric, 4.0)]}
    return BaselineRecord.model_validate(told | {"ratios": list(ratios)})


def judged(key: str, text: str, **changes: object) -> Finding:
    metric = key.removesuffix("_regression")
    given = {"device": "rpi4", "most_blocks": 60, "measurements": [measured(metric, 0.0041, 0.00405, 0.00415)]}
    made = make_entry(**(given | changes))
    return judge(made, [limit(key, text)], settings=Settings(baseline="main")).findings[-1]


def shown_ratio(metric: str, value: float, better: str) -> Ratio:
    return Ratio.model_validate(
        {
            "metric": metric,
            "better": better,
            "ratio": value,
            "ci_low": value - 0.01,
            "ci_high": value + 0.02,
            "confidence": 0.95,
            "blocks": 20,
            "by_block": [value],
        }
    )


@pytest.mark.parametrize(
    ("text", "status", "bound"), [("5 ms", Status.PASS, "at most"), ("3 ms", Status.FAIL, "at least")]
)
def test_an_absolute_limit_s_sentence_has_the_measurement_and_the_end_that_decided(
    text: str, status: Status, bound: str
) -> None:
    found = judged("latency_p50", text, trials=by_turns(20, 1.0))
    assert found.status is status
    assert found.reason.startswith("latency_p50: 4.1 ms (4.05-4.15 ms), ")
    assert found.detail.startswith(f"{bound} ")
    assert (found.value, found.ci_low, found.ci_high) == (0.0041, 0.00405, 0.00415)
    assert found.bound_low is not None and found.bound_high is not None
    assert found.bound_low < 0.004 < found.bound_high


def test_a_floor_s_end_is_the_other_one() -> None:
    figure = measured("throughput", 250.0, 249.0, 251.0)
    kept = judged("throughput", "200 /s", trials=by_turns(20, 1.0), measurements=[figure])
    assert kept.status is Status.PASS and kept.detail.startswith("at least 24")
    broken = judged("throughput", "300 /s", trials=by_turns(20, 1.0), measurements=[figure])
    assert broken.status is Status.FAIL and broken.detail.startswith("at most 25")


def test_an_open_verdict_has_both_ends_of_what_was_judged() -> None:
    found = judged("latency_p50", "4 ms", trials=by_turns(20, 1.0))
    assert found.status is Status.INCONCLUSIVE
    assert found.reason.startswith("latency_p50: 4.1 ms (4.05-4.15 ms), too close to limit 4 ms: ")
    assert found.detail.startswith("3.9")
    assert found.detail.endswith(" ms after 20 blocks, false alarm at most 0.5 %, miss at most 5 %, seed 0; marker")


def test_a_regression_s_sentence_has_the_ratio_that_stands_beside_the_baseline() -> None:
    found = judged(
        "latency_p50_regression",
        "2 %",
        trials=by_turns(20, 1.05),
        baseline=base(shown_ratio("latency_p50", 1.05, "lower")),
    )
    assert found.status is Status.FAIL
    assert found.reason == "latency_p50: 5.0 % slower than main (4.0 to 7.0 %), limit 2 %"
    assert found.detail.startswith("at least 3.5")
    assert (found.value, found.ci_low, found.ci_high) == pytest.approx((0.05, 0.04, 0.07))


def test_of_what_is_better_when_higher_the_ends_change_places() -> None:
    found = judged(
        "throughput_regression",
        "2 %",
        trials=by_turns(20, 1.25),
        measurements=[measured("throughput", 200.0, 199.0, 201.0)],
        baseline=base(shown_ratio("throughput", 0.8, "higher"), metric="throughput"),
    )
    assert found.status is Status.FAIL
    assert (found.value, found.ci_low, found.ci_high) == pytest.approx((0.2, 0.18, 0.21))


@pytest.mark.parametrize("state", ["measured", "stored"])
def test_where_no_ratio_stands_beside_the_baseline_it_is_made_of_the_trials(state: str) -> None:
    trials = by_turns(20, 1.05)
    if state == "stored":
        trials = [one for arm in ("candidate", "baseline") for one in trials if one.arm == arm]
    found = judged("latency_p50_regression", "2 %", trials=trials, baseline=base(state=state))
    assert found.status is Status.FAIL
    assert found.value == pytest.approx(0.05, abs=0.002)
    assert found.ci_low is not None and found.ci_high is not None and found.ci_low < found.value < found.ci_high


def test_few_blocks_have_a_ratio_without_an_interval() -> None:
    few = shown_ratio("latency_p50", 1.5, "lower").model_copy(update={"ci_low": None, "ci_high": None})
    found = judged("latency_p50_regression", "2 %", trials=by_turns(3, 1.5), baseline=base(few))
    assert (found.value, found.ci_low, found.ci_high) == (0.5, None, None)
    assert found.reason.startswith("latency_p50: 50 % slower than main, measured too little for limit 2 %: 3 blocks")


def test_where_a_trial_has_no_positive_figure_what_was_judged_is_shown() -> None:
    grown = [
        TrialMetrics(
            kind="memory",
            arm=arm,
            block=block,
            values={"model_memory": 0.0 if (block, arm) == (0, "baseline") else 2e6 * SPREAD[(block + 5 * n) % 12]},
        )
        for n, arm in enumerate(("candidate", "baseline"))
        for block in range(12)
    ]
    found = judged(
        "model_memory_regression",
        "50 %",
        figures=grown,
        measurements=[measured("model_memory", 2e6, 1.99e6, 2.01e6)],
        baseline=base(state="stored", metric="model_memory"),
    )
    assert found.status is Status.PASS
    assert (found.ci_low, found.ci_high) == (found.bound_low, found.bound_high)
