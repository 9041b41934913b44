"""Intervals against limits at their very ends, and the trials that are advised."""

import pytest
from gates.judged_entries import entry, limit, measured

from harness.gates import judge
from harness.gates.compare_interval import compare_interval, more_trials
from harness.records.settings import Settings
from harness.records.status import Status


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (1.0, 2.0, Status.PASS),
        (2.0, 2.0, Status.PASS),
        (1.0, 2.1, Status.INCONCLUSIVE),
        (2.0, 2.1, Status.INCONCLUSIVE),
        (2.1, 2.1, Status.FAIL),
    ],
)
def test_an_end_on_the_limit_keeps_it(low, high, status):
    assert compare_interval(low, high, limit=2.0, floor=False) is status
    assert compare_interval(-high, -low, limit=-2.0, floor=True) is status


@pytest.mark.parametrize(
    ("limit_at", "n", "more"),
    [
        (10.1, 10, 30),  # twice as narrow: four times as many
        (9.6, 10, 30),  # the half on the limit's side: 0.8 below
        (10.2, 10, 1),  # just there: one more at least
        (10.0199, 10, 1001),
        (10.0, 10, None),
        (10.1, 0, None),
    ],
)
def test_an_interval_shrinks_with_the_root_of_its_trials(limit_at, n, more):
    assert more_trials(10.0, 9.2, 10.2, limit=limit_at, n=n) == more


def test_no_number_of_trials_is_told_where_it_would_be_endless():
    assert more_trials(0.0, -1.0, 1.0, limit=5e-324, n=10) is None


def advice(limit_text, **settings):
    across = measured("latency_p50", 0.010, 0.0092, 0.0102)
    return judge(entry(across), [limit("latency_p50", limit_text)], settings=Settings(**settings)).reason


def test_one_more_trial_is_one():
    assert ": about 1 more trial (--trials 11)" in advice("10.195 ms")
    assert ": about 2 more trials (--trials 12)" in advice("10.19 ms")


@pytest.mark.parametrize(
    ("text", "told"),
    [("10.019901 ms", "about 1000 more trials (--trials 1010 "), ("10.0199 ms", "more than 1000 more trials; move")],
)
def test_beyond_a_thousand_trials_another_limit_is_advised(text, told):
    assert told in advice(text)


@pytest.mark.parametrize(("time_limit_s", "longer"), [(20.0, ""), (19.9, " --time-limit 20")])
def test_a_longer_time_limit_is_advised_where_so_many_trials_do_not_fit(time_limit_s, longer):
    assert f"(--trials 40{longer})" in advice("10.1 ms", min_secs=0.5, time_limit_s=time_limit_s)
