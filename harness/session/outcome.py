"""How a session ended, and the one exit code that follows for its process and every file of the run."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from harness.records.entry import Entry
from harness.records.results import Outcome, TestNote
from harness.records.settings import Settings
from harness.records.status import RunStatus, Status, exit_code, run_status
from harness.session.interrupts import Ending
from harness.store import PlannedBenchmark

INTERRUPTED: Final = 2
"""The exit code of a run that was interrupted, and pytest's own for it."""
NOT_COLLECTED: Final = 2
INTERNAL: Final = 3
FAILED: Final = 1
REFUSED: Final = 4
NOT_JUDGED: Final = 10
NOT_REACHED: Final = 11


@dataclass
class SessionLog:
    """What pytest's plugin or a command heard of its session while it went on; ``outcome`` turns it into a record."""

    end: Literal["whole", "stopped", "interrupted", "uncollected", "internal", "other"] = "whole"
    sentence: str = ""
    status: int = 0
    ending: Ending = field(default_factory=Ending)
    failed: dict[str, str] = field(default_factory=dict)
    """The sentence of each test that failed by itself."""
    expected: dict[str, str] = field(default_factory=dict)
    """The reason of each test that failed as it was marked to."""
    skipped: set[str] = field(default_factory=set)
    unreached: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    reported: set[str] = field(default_factory=set)
    """Tests and files that were reported on; what an earlier part of a resumed run said of others still holds."""

    def outcome(
        self, entries: Iterable[Entry], planned: Collection[PlannedBenchmark], earlier: Outcome | None = None
    ) -> Outcome:
        """The session's end, with what stands of an ``earlier`` part of the same run."""
        measured = {key for entry in entries for key in _keys(entry)}
        tests = {one.test for one in planned}
        left_out = self.skipped | set(self.expected)
        wanted = {one for one in planned if one in measured or one.test not in left_out}
        failed = {**_still(earlier.failed_tests if earlier else (), self.reported), **self.failed}
        marked = {test: reason for test, reason in self.expected.items() if test in tests}
        expected = {**_still(earlier.expected_failures if earlier else (), self.reported), **marked}
        all_measured = wanted <= measured
        return Outcome(
            end="whole" if self.end == "stopped" and all_measured else self.end,
            sentence=self.sentence,
            status=self.status,
            planned=len(wanted),
            measured=len(wanted & measured),
            skipped=len(self.skipped & tests),
            failed_tests=_notes(failed),
            expected_failures=_notes(expected),
            unreached=list(dict.fromkeys(self.unreached)),
            refused=list(dict.fromkeys(self.refused)),
        )


def run_exit_code(entries: Sequence[Entry], outcome: Outcome, *, settings: Settings) -> int:
    """The exit code of the whole run: what ended it early, then what failed, then what could not be judged.

    0 all held; 1 a FAIL or ERROR, or a test that failed by itself; 2 interrupted, or files that do not load; 3 pytest
    failed inside; 4 wrong words; 5 nothing was selected; 10 not judged; 11 a board was not reached.
    """
    early = {"interrupted": INTERRUPTED, "uncollected": NOT_COLLECTED, "internal": INTERNAL, "other": outcome.status}
    if early.get(outcome.end):  # a plugin that ends the session with 0 leaves it to what was measured
        return early[outcome.end]
    judged = exit_code(counted(entries, outcome), inconclusive_fails=settings.inconclusive == "fail")
    reasons = (
        (FAILED, outcome.failed_tests),
        (REFUSED, outcome.refused),
        (FAILED, judged == FAILED or outcome.end == "stopped"),
        (NOT_REACHED, outcome.unreached),
        (NOT_JUDGED, outcome.measured < outcome.planned),
        (outcome.status, not entries and outcome.skipped),
    )
    return next((code for code, holds in reasons if holds), judged)


def counted(entries: Iterable[Entry], outcome: Outcome) -> list[Status]:
    """The entries' statuses, as far as they decide anything: a test that is marked as failing has measured, no more."""
    excused = {note.test for note in outcome.expected_failures}
    return [Status.MEASURED if entry.test in excused else entry.status for entry in entries]


def status_of(entries: Sequence[Entry], outcome: Outcome, code: int) -> RunStatus:
    """The run's status, which is green with no exit code but 0."""
    return run_status(code, counted(entries, outcome))


def _keys(entry: Entry) -> tuple[PlannedBenchmark, PlannedBenchmark]:
    """What an entry fulfils: its test, and its test with that candidate."""
    return (
        PlannedBenchmark(device=entry.device, test=entry.test),
        PlannedBenchmark(device=entry.device, test=entry.test, candidate=entry.subject),
    )


def _still(earlier: Iterable[TestNote], reported: Collection[str]) -> dict[str, str]:
    return {note.test: note.sentence for note in earlier if note.test not in reported}


def _notes(sentences: dict[str, str]) -> list[TestNote]:
    return [TestNote(test=test, sentence=sentence) for test, sentence in sentences.items()]
