"""How a metric went from run to run, on boards and with runtimes that may be compared."""

import re
from collections.abc import Iterable
from itertools import pairwise

from pydantic import Field

from harness.records.base import Record
from harness.records.metrics import Better
from harness.records.status import Status

_WITH_KERNEL = re.compile(
    r"[0-9a-f]{8} \((?P<before>.+), kernel (?P<kernel>[^,()]+)(?P<after>, governor .+)\)(?P<at>( at .+)?)", re.DOTALL
)
_STATUS = rf"^({'|'.join(Status)})$"


class SeriesPoint(Record):
    """One run's figure, in the metric's SI base unit; None with the entry's status where it could not be known."""

    run_id: str
    created_at: str
    commit: str | None
    status: str = Field(pattern=_STATUS)
    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    run_exit_code: int | None = None
    """The whole run's; None where an earlier harness wrote it down."""
    kernel: str | None = None
    """The board's, as its fingerprint has it; None where that is not known."""


class Attempt(Record):
    """What became of one candidate on one device in one run."""

    run_id: str
    created_at: str
    device: str
    candidate: str
    recipe: str | None
    test: str
    status: str = Field(pattern=_STATUS)


class Change(Record):
    """Where a series went to another level, and stayed there."""

    at: int
    """The place in the series, from 0, of the first point on the new level."""
    run_id: str
    created_at: str
    commit: str | None
    before: float
    """The median of the level before, in the metric's SI base unit."""
    after: float
    worse: bool
    sentence: str
    """e.g. "latency_p50 of digits_cnn/int8 on rpi4: 4.1 ms -> 4.6 ms (+12 %) from commit 1a2b3c4d (2026-11-24)"."""


class KernelBreak(Record):
    """Where a series' board has another kernel from: levels before and after are not compared."""

    at: int
    """The place in the series, from 0, of the first point with the new one."""
    created_at: str
    before: str
    after: str
    sentence: str


class Series(Record):
    """One metric of one candidate in one test, on one branch and boards of one fingerprint, with one set-up.

    Boards are alike but for their kernel, an update of which is a break. Points are oldest first; attempts at one
    commit are all there.
    """

    device: str
    candidate: str
    recipe: str | None
    metric: str
    unit: str
    better: Better
    fingerprint: str | None
    """The latest point's."""
    runtime: str | None = None
    delegate: str | None = None
    num_threads: int | None = None
    test: str = ""
    repeat: int = 1
    """Which measurement of the candidate in its test, from 1; a test may measure one more than once."""
    branch: str | None = None
    """None where the runs do not know it."""
    estimator: int = 1
    """Which one made the figures of trials."""
    points: tuple[SeriesPoint, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def subject(self) -> str:
        """The candidate with its recipe, e.g. "digits_cnn/int8"."""
        return f"{self.candidate}/{self.recipe}" if self.recipe else self.candidate

    @property
    def breaks(self) -> list[KernelBreak]:
        """Where the board's kernel is another than before, as far as it is known."""
        known = [(place, point) for place, point in enumerate(self.points) if point.kernel is not None]
        return [
            KernelBreak(
                at=place,
                created_at=point.created_at,
                before=earlier.kernel or "",
                after=point.kernel or "",
                sentence=f"{self.device}: kernel {earlier.kernel} -> {point.kernel} on {point.created_at[:10]}: "
                "figures before and after are not compared",
            )
            for (_, earlier), (place, point) in pairwise(known)
            if point.kernel != earlier.kernel
        ]


def split_kernel(fingerprint: str | None) -> tuple[str | None, str | None]:
    """A fingerprint without its hash and its kernel, and the kernel; the whole and None where it is none of ours."""
    match = _WITH_KERNEL.fullmatch(fingerprint or "")
    return (fingerprint, None) if match is None else (match["before"] + match["after"] + match["at"], match["kernel"])


def attempts(points: Iterable[SeriesPoint]) -> dict[str, list[SeriesPoint]]:
    """By commit, one point of each run at it, where there are several runs; what differs from its commit is left out.

    Of a run that measured the same twice, in two tests, it is the worse point.
    """
    found: dict[str, dict[str, SeriesPoint]] = {}
    for point in points:
        if point.commit is not None and "+" not in point.commit:
            runs = found.setdefault(point.commit, {})
            there = runs.get(point.run_id, point)
            runs[point.run_id] = max(there, point, key=lambda one: Status(one.status).severity)
    return {commit: list(runs.values()) for commit, runs in found.items() if len(runs) > 1}
