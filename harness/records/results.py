"""results.json, schema version 1: what a run found. Kept readable for ever."""

from typing import Literal

from pydantic import Field

from harness.records.artifact import (
    AccuracyDrop,
    AccuracyResult,
    Fidelity,
    Inside,
    LayerError,
    Rival,
    TensorInfo,
    Training,
)
from harness.records.base import Record
from harness.records.board import BoardFacts, TrialMemory, TrialTelemetry
from harness.records.device import DeviceProfile
from harness.records.metrics import Better, Unit
from harness.records.status import Status

SCHEMA_VERSION = 1


class Finding(Record):
    """What one gate says of one metric; numbers in the metric's SI base unit."""

    gate: str
    """budget | outputs | fitness | measuring"""
    metric: str | None
    status: Status
    reason: str
    limit: float | None = None
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None


class Measurement(Record):
    """One metric of one entry. ``value`` is null with a reason where it cannot be known."""

    metric: str
    unit: Unit
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
    reason: str | None = None


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
    init_s: float | None = None
    first_inference_s: float | None = None
    memory: TrialMemory | None = None
    telemetry: TrialTelemetry | None = None
    void: str | None = None


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
    accuracy: AccuracyResult | None = None
    accuracy_reason: str | None = None
    accuracy_drop: AccuracyDrop | None = None
    fidelity: Fidelity | None = None
    fidelity_reason: str | None = None
    worst_layers: tuple[LayerError, ...] = ()
    layers_reason: str | None = None
    trainings: tuple[Training, ...] = ()
    rival: Rival | None = None
    cached: bool = False
    build_s: float = 0.0
    versions: dict[str, str] = {}


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


class Entry(Record):
    """One candidate on one device."""

    device: str
    test: str
    candidate: str
    recipe: str | None
    artifact: ArtifactRecord | None
    runtime: str | None
    """e.g. "litert 2.3.0"."""
    delegate: str | None
    num_threads: int | None
    status: Status
    reason: str
    findings: list[Finding] = []
    measurements: list[Measurement] = []
    trials: list[TrialSummary] = []
    outputs: str = "outputs unchecked"
    """How the outputs were checked, a sentence."""
    answers: tuple[str, ...] = ()
    """What postprocess gave on the board, sample by sample, as JSON texts; only with stages."""
    comparisons: tuple[Comparison, ...] = ()
    seconds: dict[str, float] = {}


class DeviceRecord(Record):
    """A device of the run: its profile, what it said of itself, and where the two differ."""

    profile: DeviceProfile
    facts: BoardFacts | None
    fingerprint: str | None
    differences: list[str] = []
    label: str | None = None
    """"simulated board", "this machine, no edge board"... shown wherever the device is named."""


class Run(Record):
    """One invocation. ``seconds`` says where the time went."""

    id: str
    created_at: str
    harness_version: str
    commit: str | None
    command: str
    settings: dict[str, str | int | float | None | list[str]]
    status: Status | Literal["EMPTY"]
    exit_code: int
    seconds: dict[str, float]
    bytes_sent: dict[str, int]
    """Per device, bytes of files sent to it."""
    notes: list[str] = []


class Results(Record):
    """The whole file."""

    schema_version: Literal[1] = 1
    run: Run
    devices: dict[str, DeviceRecord]
    entries: list[Entry]


TrialSummary.model_rebuild()
