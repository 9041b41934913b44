"""One exit code and one status for a whole run, whatever ended it and whatever an earlier part of it said."""

import pytest

from harness.records.results import Outcome, TestNote
from harness.records.settings import Settings
from harness.records.status import Status, run_status
from harness.session.outcome import SessionLog, run_exit_code, status_of
from harness.store import PlannedBenchmark
from harness.testing import make_entry

TEST = "test_models.py::test_models[rpi4-model]"
FAILED = [TestNote(test="test_other.py::test_other", sentence="assert 1 == 2")]
MARKED = [TestNote(test=TEST, sentence="known bad")]
PASS, FAIL, CLOSE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("statuses", "outcome", "code", "status"),
    [
        ([PASS], {}, 0, "PASS"),
        ([FAIL], {}, 1, "FAIL"),
        ([PASS], {"failed_tests": FAILED}, 1, "FAIL"),
        ([Status.ERROR], {"failed_tests": FAILED}, 1, "ERROR"),
        ([PASS], {"end": "stopped", "planned": 2, "measured": 1}, 1, "FAIL"),
        ([FAIL], {"end": "interrupted"}, 2, "INTERRUPTED"),
        ([], {"end": "interrupted", "planned": 2}, 2, "INTERRUPTED"),
        ([], {"end": "uncollected", "failed_tests": FAILED}, 2, "INTERRUPTED"),
        ([PASS], {"end": "internal", "status": 3}, 3, "ERROR"),
        ([PASS], {"end": "other", "status": 7}, 7, "ERROR"),
        ([PASS], {"refused": ["--trials 3: too few"]}, 4, "ERROR"),
        ([PASS], {"refused": ["too few"], "failed_tests": FAILED}, 1, "FAIL"),
        ([PASS], {"unreached": ["gone"], "planned": 2, "measured": 1}, 11, "INCOMPLETE"),
        ([CLOSE], {"unreached": ["gone"]}, 11, "INCOMPLETE"),
        ([FAIL], {"unreached": ["gone"]}, 1, "FAIL"),
        ([CLOSE], {}, 10, "INCONCLUSIVE"),
        ([PASS], {"planned": 2, "measured": 1}, 10, "INCOMPLETE"),
        ([FAIL], {"expected_failures": MARKED}, 0, "MEASURED"),
        ([], {"skipped": 2, "status": 0}, 0, "EMPTY"),
        ([], {}, 5, "EMPTY"),
    ],
)
def test_one_code_and_one_status(statuses: list[Status], outcome: dict[str, object], code: int, status: str) -> None:
    entries = [make_entry(status=one, test=TEST) for one in statuses]
    ended = Outcome(**outcome)
    assert run_exit_code(entries, ended, settings=Settings()) == code
    assert status_of(entries, ended, code) == status


def test_only_0_is_green() -> None:
    for code in range(1, 16):
        assert run_status(code, [PASS]) not in ("PASS", "MEASURED")


def planned(*tests: str) -> list[PlannedBenchmark]:
    return [PlannedBenchmark(device="simulated", test=test) for test in tests]


def test_what_was_planned_and_has_an_entry_is_measured_and_what_was_skipped_is_not_planned() -> None:
    log = SessionLog(skipped={"c", "ordinary"}, expected={"d": "known bad", "ordinary too": ""}, failed={"b": "broke"})
    outcome = log.outcome([make_entry(test="a")], planned("a", "b", "c", "d"))
    assert (outcome.planned, outcome.measured, outcome.skipped) == (2, 1, 1)
    assert [note.test for note in outcome.expected_failures] == ["d"]
    assert outcome.lacking


def test_of_files_each_candidate_on_each_device_is_planned() -> None:
    wanted = [
        PlannedBenchmark(device=device, test="harness run", candidate="model")
        for device in ("simulated", "another board")
    ]
    outcome = SessionLog().outcome([make_entry(test="harness run")], wanted)
    assert (outcome.planned, outcome.measured) == (2, 1)


def test_a_session_that_stopped_after_its_last_benchmark_lacks_nothing() -> None:
    assert not SessionLog(end="stopped").outcome([make_entry(test="a")], planned("a")).lacking
    assert SessionLog(end="stopped").outcome([make_entry(test="a")], planned("a", "b")).lacking


def test_a_resumed_run_keeps_what_an_earlier_part_said_of_tests_that_did_not_run_again() -> None:
    earlier = Outcome(
        end="interrupted",
        failed_tests=[TestNote(test=name, sentence="broke") for name in ("a", "b")],
        expected_failures=[TestNote(test="c", sentence="known bad")],
        unreached=["gone"],
    )
    log = SessionLog(reported={"a"})
    outcome = log.outcome([], planned("a", "b", "c"), earlier)
    assert [note.test for note in outcome.failed_tests] == ["b"]
    assert [note.test for note in outcome.expected_failures] == ["c"]
    assert (outcome.end, outcome.unreached) == ("whole", [])
