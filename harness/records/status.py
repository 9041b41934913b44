"""The statuses an entry can have, and what they mean for the exit code."""

from enum import StrEnum


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


def worst(statuses: "list[Status]") -> Status:
    """The worst of some statuses; MEASURED for none."""
    return max(statuses, key=lambda status: status.severity, default=Status.MEASURED)


def exit_code(statuses: "list[Status]", *, inconclusive_fails: bool = True) -> int:
    """0 all held, 1 a FAIL or ERROR, 10 something could not be judged, 5 for no entries at all."""
    if not statuses:
        return 5
    gravest = worst(statuses)
    if gravest in (Status.FAIL, Status.ERROR):
        return 1
    if gravest is Status.INVALID or (gravest is Status.INCONCLUSIVE and inconclusive_fails):
        return 10
    return 0
