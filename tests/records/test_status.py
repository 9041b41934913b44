"""What the statuses of entries make of a run."""

import pytest

from harness.records.status import Status, exit_code, run_status, worst

MEASURED, PASS, INCONCLUSIVE, INVALID, FAIL, ERROR = Status


def test_they_stand_in_the_order_of_their_severity() -> None:
    assert [status.severity for status in Status] == [0, 1, 2, 3, 4, 5]


def test_the_worst_of_some_and_of_none() -> None:
    assert worst([PASS, FAIL, INVALID]) is FAIL
    assert worst([]) is MEASURED


@pytest.mark.parametrize(
    ("statuses", "code", "warned"),
    [
        ([], 5, 5),
        ([MEASURED], 0, 0),
        ([MEASURED, PASS], 0, 0),
        ([PASS, INCONCLUSIVE], 10, 0),
        ([INVALID, PASS], 10, 10),
        ([INVALID, INCONCLUSIVE], 10, 10),
        ([FAIL, INVALID], 1, 1),
        ([ERROR, PASS], 1, 1),
    ],
)
def test_the_exit_code_is_the_worst_entry_s(statuses: list[Status], code: int, warned: int) -> None:
    assert exit_code(statuses) == code
    assert exit_code(statuses, inconclusive_fails=False) == warned


@pytest.mark.parametrize(
    ("code", "statuses", "status"),
    [
        (0, [], "EMPTY"),
        (5, [], "EMPTY"),
        (10, [], "INCOMPLETE"),
        (1, [], FAIL),
        (4, [], ERROR),
        (2, [FAIL], "INTERRUPTED"),
        (2, [], "INTERRUPTED"),
        (11, [ERROR], "INCOMPLETE"),
        (11, [], "INCOMPLETE"),
        (0, [MEASURED], MEASURED),
        (0, [PASS], PASS),
        (0, [INCONCLUSIVE], INCONCLUSIVE),
        (10, [INCONCLUSIVE], INCONCLUSIVE),
        (10, [INVALID], INVALID),
        (10, [PASS], "INCOMPLETE"),
        (10, [MEASURED], "INCOMPLETE"),
        (1, [PASS], FAIL),
        (1, [FAIL], FAIL),
        (1, [ERROR], ERROR),
        (3, [PASS], ERROR),
        (5, [PASS], ERROR),
    ],
)
def test_a_run_has_a_status_by_its_code_and_its_entries(code: int, statuses: list[Status], status: str) -> None:
    assert run_status(code, statuses) == status
