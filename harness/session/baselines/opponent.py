"""What a base offers for one candidate."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.plan import RunnerSpec
from harness.records.results import BaselineRecord, DeviceRecord, Entry, TrialFigures, TrialSummary
from harness.records.settings import Settings


@dataclass(frozen=True)
class Opponent:
    """The other arm. ``artifact`` None: nothing to measure, ``record`` says why or holds what an earlier run found.

    ``profile`` is the device's at the base, where it had one of its own. ``trials`` and ``figures`` are an earlier
    run's, as arm "baseline".
    """

    record: BaselineRecord
    artifact: Artifact | None = None
    profile: DeviceProfile | None = None
    trials: tuple[TrialSummary, ...] = ()
    figures: tuple[TrialFigures, ...] = ()

    def is_same(self, artifact: Artifact, runner: RunnerSpec, own_runner: RunnerSpec) -> bool:
        """Whether both arms would run the same file, with the same stages, on the same runtime."""
        other = self.artifact
        return (
            other is not None
            and other.sha256 == artifact.sha256
            and runner == own_runner
            and (other.stages and other.stages.sha256) == (artifact.stages and artifact.stages.sha256)
        )


@dataclass(frozen=True)
class Surroundings:
    """What a base may need: the settings, how artifacts are built, which benchmark files the session runs."""

    settings: Settings
    build: Callable[[Candidate], Artifact]
    say: Callable[[str], None]
    benchmarks: tuple[Path, ...] = ()
    expected: tuple[Candidate, ...] = ()


class Base(Protocol):
    """One kind of base, opened once a session."""

    def opponent(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> Opponent:
        """What the candidate is compared with on a device.

        ``entry`` is a sketch of the candidate's own entry: runtime, delegate, threads. Raises UsageError.
        """
        ...

    def close(self) -> None:
        """Remove what was made for the session alone."""
        ...
