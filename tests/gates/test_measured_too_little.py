"""Measuring that ended before a limit's first look: beyond is FAIL, within is PASS, and nothing is called close."""

import pytest
from gates.judged_entries import limit, measured

from harness.gates import judge
from harness.records.entry import Histogram, TrialSummary
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_entry

SHAPE = Histogram(edges_s=[1.0, 2.0], counts=[1])
SPREAD = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1.008, 0.992, 1.0, 1.004, 0.996)


def verdict(text, *, trials=12, p50_s=43e-6):
    """On so many trials in blocks of four, of an entry that was to have 130 blocks."""
    told = [
        TrialSummary(
            arm="candidate",
            block=place // 4,
            n=100,
            batch=1,
            mean_s=p50_s,
            quantiles={"p50": p50_s * factor},
            histogram=SHAPE,
        )
        for place, factor in enumerate(SPREAD[:trials])
    ]
    figure = measured("latency_p50", p50_s, 0.99 * p50_s, 1.01 * p50_s)
    made = make_entry(trials=told, most_blocks=130, seconds={"measure": 9.0}, measurements=[figure])
    return judge(made, [limit("latency_p50", text)], settings=Settings(time_limit_s=10.0))


def test_far_beyond_fails_and_far_within_passes_on_few_blocks():
    failed = verdict("1 us")
    assert failed.status is Status.FAIL
    assert failed.reason == "latency_p50: 43 µs (42.57-43.43 µs), 43 times limit 1 µs"
    assert "after 3 blocks" in failed.findings[-1].detail
    assert verdict("1 s").status is Status.PASS


@pytest.mark.parametrize("text", ["1 us", "43 us"])
def test_what_cannot_be_told_is_said_to_be_measured_too_little_and_for_how_long_it_should_be(text):
    judged = verdict(text, trials=1 if text == "1 us" else 12)
    assert judged.status is Status.INCONCLUSIVE
    assert "measured too little for limit" in judged.reason and "too close" not in judged.reason
    wanted = "1 block of trials; about 5 more blocks (--time-limit 54)" if text == "1 us" else "3 blocks of trials;"
    assert wanted in judged.reason
