"""A candidate and what it is compared with: which arms are measured, and what the entry says of the other one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.board import LiveBoard, choose_runner
from harness.gates import Limit, limit_tests_of, window_tests_of
from harness.measure import Progress, most_blocks
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.device import Tuning
from harness.records.entry import ArtifactRecord, BaselineRecord, Entry
from harness.records.errors import BoardUnfitError, ProfileError
from harness.records.limit_test import LimitTest
from harness.records.plan import RunnerSpec
from harness.records.settings import Settings
from harness.session.baselines import Baseline, BaselineArm, BaselineContext, open_baseline
from harness.session.describe import bare_entry, describe_device


@dataclass(frozen=True)
class MeasureRequest:
    """What one benchmark asks for. ``share`` is the chance of a false alarm that each limit may take.

    ``tuning`` is that of an operating point of its own; None: the profile's.
    """

    candidate: Candidate
    device: str
    test: str
    limits: tuple[Limit, ...]
    share: float
    tuning: Tuning | None = None


@dataclass(frozen=True)
class ArmPair:
    """The candidate's artifact and runner, the base's, and whether they are the same."""

    artifact: Artifact
    runner: RunnerSpec
    baseline: BaselineArm | None = None
    baseline_runner: RunnerSpec | None = None
    not_compared: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether both arms would run the same file, with the same stages, on the same runtime."""
        return self.baseline is not None and self.baseline.is_same(
            self.artifact, self.baseline_runner or self.runner, self.runner
        )

    @property
    def measured(self) -> Artifact | None:
        """The artifact of the second arm, None where there is none to measure."""
        return None if self.baseline is None or self.identical else self.baseline.artifact

    def questions(self, request: MeasureRequest, settings: Settings) -> tuple[LimitTest, ...]:
        """What the request's limits ask of trials."""
        paired = self.measured is not None
        most = most_blocks(settings, arms=2 if paired else 1)
        return limit_tests_of(request.limits, share=request.share, miss=settings.miss, most_blocks=most, paired=paired)

    def energy_questions(self, request: MeasureRequest, settings: Settings) -> tuple[LimitTest, ...]:
        """What the request's limits ask of a power sensor's windows."""
        return window_tests_of(
            request.limits,
            share=request.share,
            miss=settings.miss,
            most_windows=settings.energy_pairs,
            paired=self.measured is not None,
        )

    def add_comparison(self, entry: Entry) -> Entry:
        """The entry with what it was compared with, and with the trials of an earlier run where that is one."""
        if self.baseline is None:
            return entry
        record = self.baseline.record
        if self.identical:
            record = self._describe(record.model_copy(update={"state": "identical", "sentence": _same(record)}))
        elif record.state == "measured" and entry.baseline is not None:
            found = entry.baseline
            kept = {"given": record.given, "sentence": record.sentence, "commit": record.commit}
            record = found.model_copy(update=kept)
        record = record.model_copy(update={"not_compared": [*self.baseline.record.not_compared, *self.not_compared]})
        return entry.model_copy(
            update={
                "baseline": record,
                "trials": [*entry.trials, *self.baseline.trials],
                "figures": [*entry.figures, *self.baseline.figures],
            }
        )

    def _describe(self, record: BaselineRecord) -> BaselineRecord:
        return record.model_copy(
            update={
                "artifact": ArtifactRecord.of(self.artifact),
                "runtime": f"{self.runner.package} {self.runner.version}",
                "delegate": self.runner.delegate,
                "num_threads": self.runner.num_threads,
            }
        )


def _same(record: BaselineRecord) -> str:
    return f"artifact, runtime, delegate and stages are those of {record.sentence}"


@dataclass
class BaselineComparison:
    """The session's base, opened when the first candidate asks for it."""

    settings: Settings
    benchmarks: tuple[Path, ...]
    expected: Mapping[str, Sequence[Candidate]]
    say: Callable[[Progress], None]
    build: Callable[[Candidate], Artifact]
    _base: Baseline | None = field(default=None)

    def pair_arms(self, request: MeasureRequest, board: LiveBoard, artifact: Artifact, runner: RunnerSpec) -> ArmPair:
        """What the candidate is compared with, if anything. Raises UsageError, BuildError or ModelFileError."""
        if self.settings.baseline is None:
            return ArmPair(artifact, runner)
        device = describe_device(board)
        sketch = bare_entry(request.candidate, request.device, runner, test=request.test)
        baseline = self._open(request).arm_for(request.candidate, device, sketch)
        return self._with_runner(ArmPair(artifact, runner, baseline), board)

    def close(self) -> None:
        """Remove what the base made for the session alone."""
        if self._base is not None:
            self._base.close()
            self._base = None

    def _with_runner(self, pair: ArmPair, board: LiveBoard) -> ArmPair:
        """With the runtime of the device's profile at the base, where the board still has it."""
        baseline = pair.baseline
        if baseline is None or baseline.profile is None:
            return pair
        try:
            runner = choose_runner(
                baseline.profile, board.facts, num_threads=self.settings.num_threads, package=self.settings.runtime
            )
        except (BoardUnfitError, ProfileError) as error:
            told = f"the runtime of the base's profile: {error}"
            return ArmPair(pair.artifact, pair.runner, baseline, not_compared=(told,))
        return ArmPair(pair.artifact, pair.runner, baseline, runner)

    def _open(self, request: MeasureRequest) -> Baseline:
        if self._base is None:
            everyone = dict.fromkeys(one for expected in self.expected.values() for one in expected)
            context = BaselineContext(
                settings=self.settings,
                build=self.build,
                say=lambda what: self.say(Progress(request.device, what)),
                benchmarks=self.benchmarks,
                expected=tuple(dict.fromkeys([*everyone, request.candidate])),
            )
            self._base = open_baseline(self.settings.baseline or "", context)
        return self._base
