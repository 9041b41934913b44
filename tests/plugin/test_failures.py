"""What a failed test failed for: its entry's status, or something that is never an entry's."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from harness.plugin.failures import FailureLog, holding_statuses
from harness.records.status import Status
from harness.session.outcome import SessionLog

TEST = "test_a.py::test_a"


def report(status: str | None, *, when: str = "call", outcome: str = "failed", **more: Any) -> Any:
    properties = [] if status is None else [("harness_status", status)]
    told = {"user_properties": properties, "longrepr": "a line\nand another", "nodeid": TEST, "when": when} | more
    return SimpleNamespace(**told, failed=outcome == "failed", skipped=outcome == "skipped")


def heard(*reports: Any, warn: bool = False) -> SessionLog:
    failures = FailureLog(warn=warn)
    for one in reports:
        failures.pytest_runtest_logreport(one)
    return failures.log


@pytest.mark.parametrize("warn", [False, True])
@pytest.mark.parametrize("status", list(Status))
def test_a_test_whose_entry_is_well_failed_for_something_else(status: Status, warn: bool) -> None:
    failed = heard(report(str(status)), warn=warn).failed
    assert failed == ({TEST: "a line and another"} if status in holding_statuses(warn=warn) else {})


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        (report("FAIL", when="teardown"), "in its teardown: a line and another"),
        (report("PASS", when="teardown"), "in its teardown: a line and another"),
        (report(None), "a line and another"),
        (report(None, when="setup"), "in its setup: a line and another"),
        (report("PASS", longrepr="[XPASS(strict)] known bad"), "[XPASS(strict)] known bad"),
    ],
)
def test_what_is_no_verdict_is_a_failure_of_the_tests_own(failed: Any, said: str) -> None:
    assert heard(failed).failed == {TEST: said}


def test_a_test_that_is_marked_as_failing_failed_as_expected_but_a_board_out_of_reach_is_no_such_failure() -> None:
    log = heard(report("FAIL", outcome="skipped", wasxfail="known bad"))
    assert (log.expected, log.failed, log.skipped) == ({TEST: "known bad"}, {}, set())
    gone = report(None, outcome="skipped", wasxfail="", when="setup", user_properties=[("harness_unreached", "gone")])
    log = heard(gone)
    assert (log.expected, log.unreached) == ({}, ["gone"])
    assert heard(report(None, outcome="skipped", when="setup")).skipped == {TEST}
    assert heard(report("PASS", outcome="passed", wasxfail="")).failed == {}


class _Interrupted(KeyboardInterrupt):
    """As pytest's and pytest-xdist's own are: told apart by what they say."""


@pytest.mark.parametrize(
    ("error", "end", "sentence"),
    [
        (KeyboardInterrupt(), "interrupted", "Ctrl-C"),
        (KeyboardInterrupt("SIGTERM"), "interrupted", "SIGTERM"),
        (_Interrupted("stopping after 1 failures"), "stopped", "stopping after 1 failures"),
        (pytest.exit.Exception("enough"), "interrupted", "enough"),
        (pytest.exit.Exception("enough", 7), "other", "enough"),
    ],
)
def test_what_ends_a_session_early_is_told_apart(error: BaseException, end: str, sentence: str) -> None:
    failures, acted = FailureLog(), []
    failures.at_interrupt.append(lambda: acted.append(True))
    failures.pytest_keyboard_interrupt(SimpleNamespace(value=error))
    assert (failures.log.end, failures.log.sentence, acted) == (end, sentence, [True])


@pytest.mark.parametrize(("caught", "end"), [(False, "interrupted"), (True, "whole")])
def test_a_signal_counts_where_pytest_did_not_come_to_say_so_but_not_where_a_test_caught_it(
    caught: bool, end: str
) -> None:
    failures = FailureLog()
    with failures.interruption.listening(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    if caught:
        failures.pytest_runtest_logreport(report("PASS", outcome="passed"))
    failures.settle(SimpleNamespace(exitstatus=pytest.ExitCode.OK, shouldfail=False))
    assert (failures.log.end, failures.log.sentence) == (end, "" if caught else "Ctrl-C")
