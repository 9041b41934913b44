"""What a failed test failed for: its entry's status, or something that is never an entry's."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.plugin.failures import FailureLog, held
from harness.records.status import Status


def report(status: str | None, *, when: str = "call") -> Any:
    return SimpleNamespace(
        when=when, failed=True, user_properties=[] if status is None else [("harness_status", status)]
    )


@pytest.mark.parametrize("warn", [False, True])
@pytest.mark.parametrize("status", list(Status))
def test_a_test_whose_entry_is_well_failed_for_something_else(status: Status, warn: bool) -> None:
    log = FailureLog(warn=warn)
    log.pytest_runtest_logreport(report(str(status)))
    assert log.foreign == (status in held(warn=warn))
    assert log.exit_status(1, 0) == (1 if log.foreign else 0)


@pytest.mark.parametrize("failed", [report("FAIL", when="teardown"), report("PASS", when="teardown"), report(None)])
def test_a_teardown_and_a_test_without_an_entry_are_no_verdicts(failed: Any) -> None:
    log = FailureLog()
    log.pytest_runtest_logreport(failed)
    assert log.foreign
