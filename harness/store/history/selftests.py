"""A board's record of measuring the same thing twice, in one sentence."""

from collections.abc import Sequence

from harness.records.results import SelfTests
from harness.records.status import Status
from harness.records.units import format_quantity

_FALSE_ALARM = Status.FAIL
_NOT_TOLD = (Status.INCONCLUSIVE, Status.INVALID, Status.ERROR)


def record_of(device: str, tests: Sequence[tuple[str, float | None]]) -> SelfTests | None:
    """The record of self-tests, oldest first, each a status and the slowdown it would have caught; None for none."""
    if not tests:
        return None
    statuses = [Status(status) for status, _ in tests]
    record = SelfTests(
        runs=len(tests),
        false_alarms=statuses.count(_FALSE_ALARM),
        inconclusive=sum(status in _NOT_TOLD for status in statuses),
        last_failed=statuses[-1] is _FALSE_ALARM,
        detectable=tests[-1][1],
        sentence="",
    )
    return record.model_copy(update={"sentence": _sentence(device, record, statuses[-1])})


def _sentence(device: str, record: SelfTests, last: Status) -> str:
    alarms, runs, untold = record.false_alarms, record.runs, record.inconclusive
    counted = f"{alarms} false alarm{'' if alarms == 1 else 's'} in {runs} self-test{'' if runs == 1 else 's'}"
    beside = f", {untold} without an answer" if untold else ""
    caught = "" if record.detectable is None else f"; would have caught {format_quantity(record.detectable, '1')}"
    if last is _FALSE_ALARM:
        caught = "; the latest one FAILED: do not believe a difference on this board until one passes"
    elif last is not Status.PASS:
        caught = f"; the latest one had no answer ({last})"
    return f"{device}: {counted}{beside}{caught}"
