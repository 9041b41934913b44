"""What will be measured, fixed before the board is touched."""

from dataclasses import dataclass
from typing import Literal

from harness.records.base import Record
from harness.records.limit_test import LimitTest
from harness.records.metrics import TrialKind
from harness.records.settings import ENERGY_WINDOW_S

BESIDE_WINDOW_S = 6.0
"""The idle window of 3 s that comes before it, a second before each of both, loading and warming up."""


class RunnerSpec(Record):
    """Which interpreter runs a block of trials on the board, and how."""

    package: str
    """litert | compiled | tflite | system | command"""
    version: str
    python: str
    """The interpreter's executable on the board."""
    site: str | None
    """A folder put first on the module path, or None."""
    num_threads: int
    delegate: str
    delegate_options: dict[str, str] = {}
    env: dict[str, str] = {}
    cpus: str | None = None
    start: Literal["fork", "exec"] = "fork"
    command: tuple[str, ...] = ()
    """With package "command" the program that runs the model in place of an interpreter, and its arguments."""


class MeterCommand(Record):
    """A command that prints watts, and how often it is run."""

    command: tuple[str, ...]
    interval_s: float
    on_host: bool = False


class TrialSpec(Record):
    """One process' worth of measuring. File fields are sha256 of files in the board's store."""

    index: int
    arm: str
    kind: TrialKind
    model: str
    inputs: str | None = None
    """npz with inputs to cycle through; None: seeded random inputs."""
    expected: str | None = None
    """npz with golden outputs, for kind "check"."""
    expected_builtin: str | None = None
    """npz with the golden outputs of the built-in kernels, where they differ from XNNPACK's."""
    below: tuple[int | None, ...] = ()
    """For each input that is made up on the board: made-up indices are smaller than this; None: no table is known."""
    stages: str | None = None
    """The file with preprocess and postprocess, for kind "stages"."""
    stages_name: str | None = None
    """What the user calls that file, for messages."""
    raw: str | None = None
    """npz with raw samples r0, r1..., for kind "stages"."""
    seed: int = 0
    warmup_runs: int
    num_runs: int
    min_secs: float
    max_secs: float
    deadline_s: float
    """The process ends itself after so long."""
    sensors: tuple[str, ...] = ()
    meter: MeterCommand | None = None
    """For kind "energy": the user's command that prints watts, where the board runs it."""
    slice_s: float = 0.0
    """For kind "slices": least seconds of a slice."""
    read_state: bool = True
    """Whether the board's state is read around it; False only to find what reading costs."""
    first: int = 0
    """For kind "test_set": the first of its ``num_runs`` samples."""
    room_bytes: int = 0
    """For kind "slices": what the processes of both arms took of memory alone; 0: not known."""
    cold: bool = False
    """For kind "load": whether the model's file is put out of memory first."""
    memory_limit_bytes: int = 0
    """What its process, exec'd anew, may take of memory; 0: all there is."""


class BlockSpec(Record):
    """Trials that share one warm parent process."""

    index: int
    runner: RunnerSpec
    trials: tuple[TrialSpec, ...]


@dataclass(frozen=True)
class Arm:
    """One artifact among those that are measured interleaved; ``name`` is "candidate" or "baseline"."""

    name: str
    model_sha256: str
    inputs_sha256: str | None
    expected_sha256: str | None
    stages_sha256: str | None = None
    stages_name: str | None = None
    raw_sha256: str | None = None
    expected_builtin_sha256: str | None = None
    below: tuple[int | None, ...] = ()
    runner: RunnerSpec | None = None
    """What runs this arm, where it is another than the plan's."""


@dataclass(frozen=True)
class SlicesPlan:
    """Two processes that take turns: least seconds of a slice, and of each process' slices together."""

    slice_s: float
    process_s: float
    lengthened: bool = False
    """Whether the first blocks had shorter ones, in which an arm depended on the other's slice before it."""


@dataclass(frozen=True)
class Plan:
    """The whole of an entry's measuring: arms, number of trials an arm, order rule, and the per-trial words.

    ``trials`` an arm are measured at least; where there are ``questions`` measuring goes on until they are answered,
    for ``most_blocks`` blocks at most. ``balanced``: the first blocks show how long trials are worth being, else they
    are as long as ``num_runs`` and ``min_secs`` say.
    """

    arms: tuple[Arm, ...]
    trials: int
    trials_per_block: int
    order: Literal["single", "abba"]
    runner: RunnerSpec
    warmup_runs: int
    num_runs: int
    min_secs: float
    max_secs: float
    time_limit_s: float
    seed: int
    sensors: tuple[str, ...] = ()
    """Readable power sensors; empty: no energy pass."""
    energy_window_s: float = ENERGY_WINDOW_S
    energy_questions: tuple[LimitTest, ...] = ()
    """Limits that windows answer, pair by pair; then these have a time of their own, beside the time limit."""
    meter: MeterCommand | None = None
    """The profile's meter, where it is among the sensors."""
    rate: float | None = None
    """Inferences a second as the application asks for them."""
    questions: tuple[LimitTest, ...] = ()
    most_blocks: int | None = None
    balanced: bool = False
    fewest_reads: int = 1
    """Clock reads that each trial needs for the percentiles that questions are about."""
    slices: "SlicesPlan | None" = None
    """How relative questions of p50 and mean are measured by turns; None: by whole trials."""
    whole_trials: str = ""
    """Why limits against a baseline are not measured by turns; empty where they are, or where nobody asked for it."""
    cross_check: bool = False
    """Whether the vendor's own benchmark runs the candidate too."""
    operator_processes: int = 0
    """Processes an arm that time its operators; 0: that was not asked for."""
    energy_limited: bool = False
    """Whether there is a limit on energy, which whole trials answer when all is measured."""
    load_pairs: int = 0
    """Of each arm when all else is measured: a cold load of the model's file and a warm one after it."""
    memory_limit_bytes: int = 0
    """What each trial's process may take of memory; 0: all there is."""

    @property
    def energy_windows(self) -> int:
        """Windows of each arm with the best sensor, at most: how watts scatter only several tell."""
        return max((question.most_blocks or 1 for question in self.energy_questions), default=1)

    @property
    def energy_beside_s(self) -> float:
        """Seconds of windows that are no part of the time limit."""
        return self.energy_s if self.energy_questions else 0.0

    @property
    def energy_s(self) -> float:
        """Seconds of all windows at most, with what comes before each."""
        if not self.sensors:
            return 0.0
        windows = self.energy_windows if self.energy_questions else len(self.sensors)
        return windows * len(self.arms) * (self.energy_window_s + BESIDE_WINDOW_S)

    def runner_of(self, arm: str) -> RunnerSpec:
        """What runs an arm."""
        own = next((one.runner for one in self.arms if one.name == arm), None)
        return own or self.runner
