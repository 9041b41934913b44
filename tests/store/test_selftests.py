"""A board's record of self-tests, in one sentence; the latest decides what it ends with."""

import pytest

from harness.store.history.database import record_of

GOOD = ("PASS", 0.03)


def test_a_board_without_self_tests_has_no_record() -> None:
    assert record_of("rpi4-07", []) is None


@pytest.mark.parametrize(
    ("tests", "sentence"),
    [
        ([GOOD], "rpi4-07: 0 false alarms in 1 self-test; would have caught 3 %"),
        ([GOOD] * 212, "rpi4-07: 0 false alarms in 212 self-tests; would have caught 3 %"),
        ([("FAIL", None), GOOD], "rpi4-07: 1 false alarm in 2 self-tests; would have caught 3 %"),
        (
            [("INCONCLUSIVE", None), ("INVALID", None), ("ERROR", None), ("PASS", 0.012)],
            "rpi4-07: 0 false alarms in 4 self-tests, 3 without an answer; would have caught 1.2 %",
        ),
        ([("PASS", None)], "rpi4-07: 0 false alarms in 1 self-test"),
        (
            [GOOD, ("INVALID", None)],
            "rpi4-07: 0 false alarms in 2 self-tests, 1 without an answer; the latest one had no answer (INVALID)",
        ),
        (
            [GOOD, ("FAIL", 0.03)],
            "rpi4-07: 1 false alarm in 2 self-tests; the latest one FAILED: do not believe a difference on this board "
            "until one passes",
        ),
    ],
)
def test_the_sentence_counts_alarms_and_says_what_the_latest_would_have_caught(
    tests: list[tuple[str, float | None]], sentence: str
) -> None:
    record = record_of("rpi4-07", tests)
    assert record is not None
    assert record.sentence == sentence


def test_only_the_latest_failure_is_a_reason_not_to_believe_the_board() -> None:
    failed = record_of("b", [GOOD, ("FAIL", None)])
    mended = record_of("b", [("FAIL", None), GOOD])
    assert failed is not None
    assert mended is not None
    assert (failed.last_failed, failed.false_alarms) == (True, 1)
    assert (mended.last_failed, mended.false_alarms, mended.detectable) == (False, 1, 0.03)
