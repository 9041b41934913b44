"""What a session's verdicts promise: the sentence, and over how many metrics alpha was divided."""

from harness.records.entry import BaselineRecord, Finding
from harness.records.limit_test import RunSpread
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.error_guarantee import error_guarantee
from harness.testing import make_entry

SIZE = Finding(gate="budget", metric="model_size", status=Status.PASS, reason="")
LIMIT = Finding(gate="budget", metric="latency_p50", status=Status.PASS, reason="", alpha=0.001, detectable=0.004)
SLOWER = Finding(
    gate="regression", metric="latency_p50", status=Status.PASS, reason="", alpha=0.001, miss=0.05, detectable=0.031
)


def test_nothing_is_promised_where_nothing_was_left_to_chance() -> None:
    assert error_guarantee([], Settings()) is None
    assert error_guarantee([make_entry(), make_entry(findings=[SIZE])], Settings()) is None


def test_absolute_limits_promise_how_often_what_is_beyond_them_passes() -> None:
    gate = error_guarantee([make_entry(findings=[SIZE, LIMIT]), make_entry(findings=[LIMIT])], Settings())
    assert gate is not None
    assert gate.budgeted_metrics == 2
    assert (gate.alpha, gate.miss) == (0.005, 0.05)
    assert gate.sentence == (
        "2 absolute limits: false alarm at most 1 session in 200, a miss at most 5 % while the board keeps its state"
    )


def test_of_regressions_the_least_that_all_of_them_would_have_caught_is_told() -> None:
    better = SLOWER.model_copy(update={"detectable": 0.012})
    unknown = SLOWER.model_copy(update={"detectable": None})
    gate = error_guarantee([make_entry(findings=[LIMIT, better, SLOWER, unknown])], Settings())
    assert gate is not None
    assert gate.sentence == (
        "false alarm at most 1 session in 200; would have caught a slowdown of 3.1 % with 95 %; 1 absolute limit: "
        "outside this, so only while the board keeps its state"
    )


def test_the_rates_are_those_that_were_asked_for() -> None:
    gate = error_guarantee([make_entry(findings=[SLOWER])], Settings(alpha=0.3, miss=0.001))
    assert gate is not None
    assert gate.sentence == "false alarm at most 1 session in 3; would have caught a slowdown of 3.1 % with 99.9 %"


def test_regressions_that_tell_no_slowdown_promise_how_often_what_is_beyond_them_passes() -> None:
    gate = error_guarantee([make_entry(findings=[SLOWER.model_copy(update={"detectable": None})])], Settings())
    assert gate is not None
    assert gate.sentence == "false alarm at most 1 session in 200; a metric beyond its limit passes with at most 5 %"


def test_a_limit_on_a_stored_run_is_promised_only_where_the_history_tells_how_runs_differ() -> None:
    base = BaselineRecord(given="old.json", state="stored", sentence="an earlier run")
    alone = error_guarantee([make_entry(findings=[SLOWER], baseline=base)], Settings())
    assert alone is not None
    assert alone.sentence == (
        "1 stored figure: false alarm at most 1 session in 200, a miss at most 5 % if the board was then as it is now"
    )
    known = base.model_copy(update={"run_spread": {"latency_p50": RunSpread(sd=0.01, degrees=9)}})
    told = error_guarantee([make_entry(findings=[SLOWER, LIMIT], baseline=known)], Settings())
    assert told is not None
    assert told.sentence.startswith("false alarm at most 1 session in 200; would have caught a slowdown of 3.1 %")


def test_every_waiver_is_told_once_though_it_stands_in_for_several_limits() -> None:
    waived = [LIMIT.model_copy(update={"waiver": name}) for name in ("second", "first", "second")]
    gate = error_guarantee([make_entry(findings=[*waived, SIZE.model_copy(update={"waiver": "size"})])], Settings())
    assert gate is not None
    assert gate.waivers == ["second", "first", "size"]
