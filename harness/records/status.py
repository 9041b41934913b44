"""The statuses an entry and a run can have, and what they mean for the exit code."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal


class Status(StrEnum):
    """What became of an entry; the later in this list, the worse."""

    MEASURED = "MEASURED"
    PASS = "PASS"  # noqa: S105 - a verdict
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"
    FAIL = "FAIL"
    ERROR = "ERROR"

    @property
    def severity(self) -> int:
        """Position in the order MEASURED < PASS < INCONCLUSIVE < INVALID < FAIL < ERROR."""
        return list(Status).index(self)


RunStatus = Status | Literal["EMPTY", "INTERRUPTED", "INCOMPLETE"]


def worst(statuses: Sequence[Status]) -> Status:
    """The worst of some statuses; MEASURED for none."""
    return max(statuses, key=lambda status: status.severity, default=Status.MEASURED)


def exit_code(statuses: Sequence[Status], *, inconclusive_fails: bool = True) -> int:
    """0 all held, 1 a FAIL or ERROR, 10 something could not be judged, 5 for no entries at all."""
    if not statuses:
        return 5
    gravest = worst(statuses)
    if gravest in (Status.FAIL, Status.ERROR):
        return 1
    if gravest is Status.INVALID or (gravest is Status.INCONCLUSIVE and inconclusive_fails):
        return 10
    return 0


def run_status(code: int, statuses: Sequence[Status]) -> RunStatus:
    """A run's status by its exit code and its entries' statuses: a run that is not green never has a green one."""
    gravest = worst(statuses)
    if code == 2:
        return "INTERRUPTED"
    if code == 11:
        return "INCOMPLETE"
    if code in (0, 5) and not statuses:
        return "EMPTY"
    if code in (0, 10):
        return gravest if code == 0 or gravest.severity >= Status.INCONCLUSIVE.severity else "INCOMPLETE"
    return Status.ERROR if gravest is Status.ERROR or code != 1 else Status.FAIL
