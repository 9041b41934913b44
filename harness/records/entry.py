"""An entry of results.json: one candidate on one device, with its trials, figures and findings."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field

from harness.records.artifact import (
    Artifact,
    Inside,
    Rival,
    TensorInfo,
    Training,
    Verification,
)
from harness.records.base import Record
from harness.records.board import TrialMemory, TrialTelemetry, TwoSpeeds
from harness.records.conditions import WarmUp
from harness.records.cross_check import CrossCheck
from harness.records.energy import PowerSource
from harness.records.limit_test import RunSpread
from harness.records.memory import MemoryAccount
from harness.records.metrics import METRICS, Better
from harness.records.nearest import did_you_mean
from harness.records.operating_point import OperatingPoint
from harness.records.operators import OperatorChange, OperatorProfile
from harness.records.status import Status
from harness.records.units import format_interval, format_quantity


class Finding(Record):
    """What one gate says of one metric; numbers in the metric's SI base unit."""

    gate: str
    """budget | regression | accuracy_drop | outputs | fitness | memory_limit | measuring"""
    metric: str | None
    status: Status
    reason: str
    """One line, figures first: "latency_p50: 4.31 ms (4.28-4.35 ms), 7.8 % above limit 4 ms"."""
    detail: str = ""
    """What stands behind it, for a second line: blocks, error rates, seed, where the limit stands. Empty in runs of an
    earlier harness, whose ``reason`` has it all."""
    limit: float | None = None
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    bound_low: float | None = None
    """The ends of the interval that was judged, after ``blocks``: the one towards a FAIL holds at ``alpha``, the other
    at ``miss``. Value and interval are those that are shown: of all blocks, at one level."""
    bound_high: float | None = None
    alpha: float | None = None
    """This finding's own share of the chance of a false alarm; None where nothing is left to chance."""
    miss: float | None = None
    """The chance that a metric beyond its limit passes."""
    blocks: int | None = None
    """Blocks of trials that counted when it was decided."""
    needed: int | None = None
    """Of an INCONCLUSIVE: about how many blocks would have settled it."""
    detectable: float | None = None
    """The value that would have been found beyond the limit with the chance 1 - miss; a share for regressions."""
    origin: str | None = None
    """Where the limit stands: a budgets file's table and key, or the marker of a test and its key."""
    waiver: str | None = None
    """The waiver that stands in for the budget's own limit, in one sentence."""


class Measurement(Record):
    """One metric of one entry. ``value`` is null with a reason where it cannot be known."""

    metric: str
    unit: str
    better: Better
    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    confidence: float | None = None
    """The interval's confidence level, e.g. 0.95."""
    n: int = 0
    """Number of trials behind the value."""
    obtained: str = ""
    source: str | None = None
    band: float | None = None
    """Relative uncertainty of the source itself, e.g. 0.15."""
    idle_share: float | None = None
    power_source: PowerSource | None = None
    """Of an energy or a power: where it comes from, and what its band is made of."""
    upper_bound: float | None = None
    """Of a percentile: with 99 % the percentile over all processes lies below it; None where too few draws tell."""
    independent: int | None = None
    """Of a percentile: how many draws its bound rests on, parents for p90 and processes for p99."""
    speeds: TwoSpeeds | None = None
    """Of a latency over all inferences: the board's two speeds, where these fall into two."""
    reason: str | None = None

    def __repr__(self) -> str:
        """Short: "<latency_p50 52 µs (51.79-52.21 µs)>"."""
        return f"<{self.metric} {self._told}>"

    __str__ = __repr__

    @property
    def _told(self) -> str:
        if self.value is None:
            return f"unknown: {self.reason or 'no reason was given'}"
        value = format_quantity(self.value, self.unit)
        if self.ci_low is None or self.ci_high is None:
            return value
        return f"{value} ({format_interval(self.ci_low, self.ci_high, self.unit)})"


class TrialSummary(Record):
    """One latency trial without its raw samples (those stand in trials.jsonl)."""

    arm: str
    block: int
    n: int
    batch: int
    mean_s: float
    quantiles: dict[str, float]
    """p50, p90, p99 in seconds; p90 and p99 only from single reads."""
    histogram: "Histogram"
    independent: int | None = None
    """How many independent single reads the trial's reads are worth, as they resemble their neighbours."""
    init_s: float | None = None
    first_inference_s: float | None = None
    memory: TrialMemory | None = None
    telemetry: TrialTelemetry | None = None
    void: str | None = None


class TrialMetrics(Record):
    """What one trial that is no latency trial measured: its own figure of each metric, in SI base units.

    Of kind slices two that follow each other are a pair, the processes of both arms that took turns.
    """

    kind: Literal["memory", "stages", "energy", "slices", "load"]
    arm: str
    block: int
    values: dict[str, float]
    void: str | None = None
    hidden: float = 0.0
    """Of a power sensor's window: the share by which its steps may shift all figures of it alike."""
    telemetry: TrialTelemetry | None = None
    """Of slices and stages; with the rest of the board's state where the trial is void."""


class CarryOver(Record):
    """The share by which an arm's slices are slower after the other arm's than after its own, with a 95 % interval."""

    arm: str
    share: float
    low: float
    high: float
    processes: int


class Ratio(Record):
    """The candidate against its baseline in one metric: candidate / baseline, block by block."""

    metric: str
    better: Better
    ratio: float
    ci_low: float | None
    ci_high: float | None
    confidence: float | None
    blocks: int
    """Blocks that counted."""
    by_block: list[float]
    """Each block's ratio, those that did not count left out."""
    by_turns: bool = False
    """Whether the arms took turns in slices: then it is no ratio of their absolute values, which are other trials'."""
    changed: bool | None = None
    """Whether it is not 1 at an error rate that all ratios of the run share; None in runs of an earlier harness."""


class Histogram(Record):
    """Counts of inferences per latency bin; ``edges_s`` has one more element than ``counts``."""

    edges_s: list[float]
    counts: list[int] = Field(max_length=256)


class ArtifactRecord(Record):
    """The artifact an entry measured."""

    path: str
    sha256: str
    size_bytes: int
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    inside: Inside | None = None
    verification: Verification = Verification()
    """Of runs of schema version 1 without ``golden``, which those did not keep."""
    trainings: tuple[Training, ...] = ()
    rival: Rival | None = None
    notes: tuple[str, ...] = ()
    cached: bool = False
    build_s: float = 0.0
    versions: dict[str, str] = {}

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """What a results file keeps of an artifact."""
        shared = set(cls.model_fields) & set(Artifact.model_fields)
        return cls.model_validate(artifact.model_dump(include=shared), strict=False)


class Comparison(Record):
    """One entry's latency against another's of the same run: what a recipe step gained, as a ratio."""

    against: str
    """The other entry's candidate and recipe, e.g. "digits_cnn/int8"."""
    metric: str
    ratio: float
    ci_low: float | None
    ci_high: float | None
    confidence: float | None
    sentence: str
    """e.g. "no speed gained by prune(0.8): 1.00 of int8's latency (0.99 to 1.01)"."""


class BaselineRecord(Record):
    """What an entry was compared with.

    ``state``: measured (interleaved on the same board), stored (figures of an earlier run), identical (nothing was
    measured), new (there is no such candidate at the base), missing (there should be, and there is none), unlike (an
    earlier run of another board, or of one that was set up otherwise).
    """

    given: str
    """As --baseline had it."""
    state: Literal["measured", "stored", "identical", "new", "missing", "unlike"]
    sentence: str
    """What it is in words, e.g. "commit 1a2b3c4d, the merge base with origin/main"."""
    commit: str | None = None
    artifact: ArtifactRecord | None = None
    runtime: str | None = None
    delegate: str | None = None
    num_threads: int | None = None
    measurements: list[Measurement] = []
    ratios: list[Ratio] = []
    run_spread: dict[str, RunSpread] = {}
    """Of a stored run, by metric: by how much runs of one artifact differ by themselves, where the history tells."""
    measured_by: str = ""
    """How both arms were measured against each other, in words, and what is to be known of it."""
    carry_over: list[CarryOver] = []
    """Of arms that took turns in slices."""
    operators: OperatorProfile | None = None
    operator_changes: tuple[OperatorChange, ...] = ()
    """The entry's operators against the baseline's, slowest growth first; empty without such a pass."""
    not_compared: list[str] = []
    """What of the base could not be reproduced, a sentence each."""


def _first_figure(measurements: Sequence[Measurement]) -> str:
    known = [one for one in measurements if one.value is not None]
    return f", {known[0].metric} {format_quantity(known[0].value or 0.0, known[0].unit)}" if known else ""


class Entry(Record):
    """One candidate on one device."""

    device: str
    test: str
    test_label: str = ""
    """What tells the test apart where others of the run measured the same candidate on this device, else empty."""
    candidate: str
    recipe: str | None
    artifact: ArtifactRecord | None
    runtime: str | None
    """e.g. "litert 2.3.0"."""
    delegate: str | None
    num_threads: int | None
    memory_limit_bytes: int | None = None
    """What each process was allowed of memory; None: all there is."""
    status: Status
    reason: str
    findings: list[Finding] = []
    measurements: list[Measurement] = []
    trials: list[TrialSummary] = []
    figures: list[TrialMetrics] = []
    most_blocks: int | None = None
    """The plan's largest number of blocks, for which the looks were paid."""
    most_windows: int | None = None
    """Likewise of a power sensor's windows, one of each arm; None where no limit was answered by them."""
    baseline: BaselineRecord | None = None
    memory: MemoryAccount | None = None
    """What a process that ran it consists of; None where no board told."""
    operators: OperatorProfile | None = None
    """Where the time of an inference goes; None where it was not asked for."""
    cross_check: CrossCheck | None = None
    """The vendor's own benchmark beside ours, where that was asked for."""
    outputs: str = "outputs unchecked"
    """How the outputs were checked, a sentence."""
    answers: tuple[str, ...] = ()
    """What postprocess gave on the board, sample by sample, as JSON texts; only with stages."""
    comparisons: tuple[Comparison, ...] = ()
    operating_point: OperatingPoint | None = None
    """Where it is another than the device's own."""
    warm_up: WarmUp | None = None
    """Whether the first trials had a trend; None where nothing was timed, and in runs of an earlier harness."""
    seconds: dict[str, float] = {}

    def __getitem__(self, metric: str) -> Measurement:
        """The measurement of a metric, e.g. ``entry["latency_p50"].value``. Raises KeyError for another word."""
        __tracebackhide__ = True  # the test's own line is what pytest is to show
        for measurement in self.measurements:
            if measurement.metric == metric:
                return measurement
        measured = [measurement.metric for measurement in self.measurements]
        hint = did_you_mean(metric, measured) or f"measured: {', '.join(measured) or 'nothing'}"
        what = "was not measured" if metric in METRICS else "is no metric"
        raise KeyError(f"{metric} {what}: {hint}")

    def __repr__(self) -> str:
        """Short, for a test's failure: "<Entry digits_cnn/int8 on local: PASS, latency_p50 52 µs>"."""
        return f"<Entry {self.subject} on {self.device}: {self.status.value}{_first_figure(self.measurements)}>"

    __str__ = __repr__

    @property
    def subject(self) -> str:
        """What budgets are matched with: "candidate/recipe", or the candidate alone."""
        return f"{self.candidate}/{self.recipe}" if self.recipe else self.candidate


TrialSummary.model_rebuild()
