"""results.json, schema version 2: what a run found. Every version stays readable."""

from typing import Literal

from pydantic import Field

from harness.records.base import Record
from harness.records.board import BoardFacts
from harness.records.device import DeviceProfile
from harness.records.entry import Entry
from harness.records.history import Series
from harness.records.operating_point import OperatingPoint
from harness.records.status import RunStatus

SCHEMA_VERSION = 2
PIPELINE_URL = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%+-]*)*(#[A-Za-z0-9_-]*)?$"
"""What may be linked to: an address without a password, a query, or a character that ends a link in Markdown."""
LONGEST_URL = 300


SELFTEST = "harness selftest"
"""The name of the test whose entries are a board's self-tests."""


class SelfTests(Record):
    """A board's record of measuring the same thing twice."""

    runs: int
    false_alarms: int
    inconclusive: int
    last_failed: bool
    detectable: float | None
    """The slowdown, as a share, that its latest self-test would have caught."""
    sentence: str
    """e.g. "rpi4-07: 0 false alarms in 212 self-tests; would have caught 3 %"."""


class DeviceRecord(Record):
    """A device of the run: its profile, what it said of itself, and where the two differ."""

    profile: DeviceProfile
    facts: BoardFacts | None
    fingerprint: str | None
    differences: list[str] = []
    label: str | None = None
    """"simulated board", "this machine, no edge board"... shown wherever the device is named."""
    selftests: SelfTests | None = None
    operating_point: OperatingPoint | None = None
    """What the board was set to; None in runs of an earlier harness."""


class Gate(Record):
    """What the session's verdicts promise."""

    alpha: float
    """The chance, at most, that a session in which every metric keeps its limit is failed."""
    miss: float
    budgeted_metrics: int
    """Over which alpha was divided."""
    sentence: str
    """e.g. "false alarm at most 1 session in 200; would have caught a slowdown of 3.1 % with 95 %"."""
    waivers: list[str] = []
    """Every limit that is waived, a sentence each."""


class TestNote(Record):
    """What became of one test, in one line."""

    __test__ = False  # no test itself, whatever pytest makes of its name

    test: str
    sentence: str


class Outcome(Record):
    """How the session ended that made the run, beside what its entries say. Numbers count benchmarks."""

    end: Literal["whole", "stopped", "interrupted", "uncollected", "internal", "other"] = "whole"
    """stopped: after a failure, as -x asks; uncollected: test files that do not load; other: by another plugin."""
    sentence: str = ""
    """Why it ended before its end, e.g. "Ctrl-C"."""
    status: int = 0
    """pytest's own exit status."""
    planned: int = 0
    measured: int = 0
    skipped: int = 0
    failed_tests: list[TestNote] = []
    """Tests that failed by themselves, and not for what was measured."""
    expected_failures: list[TestNote] = []
    """Tests that are marked as failing (xfail) and did; what they measured decides nothing."""
    unreached: list[str] = []
    """A sentence for each board that was not to be had."""
    refused: list[str] = []
    """A sentence for each wrong option, marker, candidate or budget that came to light while measuring."""

    @property
    def lacking(self) -> bool:
        """Whether benchmarks were not measured that were to be."""
        return self.end != "whole" or bool(self.unreached) or self.measured < self.planned


class Run(Record):
    """One invocation. ``seconds`` says where the time went."""

    id: str
    created_at: str
    harness_version: str
    commit: str | None
    branch: str | None = None
    """The branch that was checked out, or that a pipeline says it is; None where neither is known."""
    pipeline_url: str | None = Field(default=None, pattern=PIPELINE_URL, max_length=LONGEST_URL)
    """The page of the pipeline's job that measured it, which has the report; None outside of pipelines."""
    command: str
    settings: dict[str, str | bool | int | float | None | list[str]]
    status: RunStatus
    exit_code: int
    seconds: dict[str, float]
    bytes_sent: dict[str, int]
    """Per device, bytes of files sent to it."""
    notes: list[str] = []
    gate: Gate | None = None
    outcome: Outcome | None = None
    """None in runs of an earlier harness."""
    judging_rule: int = 1
    """Which rule judged the limits; 1 where an earlier harness did not say so."""
    estimator: int = 1
    """Which estimator made the figures of trials; 1 where an earlier harness did not say so."""


class Results(Record):
    """The whole file."""

    schema_version: Literal[2] = 2
    run: Run
    devices: dict[str, DeviceRecord]
    entries: list[Entry]
    history: list[Series] = []
    """How this run's metrics went in earlier runs that may be compared, this one last; at most 50 points each."""
