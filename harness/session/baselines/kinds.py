"""What a base offers for one candidate."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from harness.pipeline import candidates_from_paths
from harness.pipeline.builder.artifact_folder import ArtifactFolder
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.comparable import parse_across, set_apart, unlike
from harness.records.device import DeviceProfile
from harness.records.entry import BaselineRecord, Entry, Measurement, TrialMetrics, TrialSummary
from harness.records.errors import BuildError, UsageError
from harness.records.limit_test import RunSpread
from harness.records.plan import RunnerSpec
from harness.records.results import DeviceRecord, Results
from harness.records.settings import Settings
from harness.records.status import Status
from harness.store import load_run


@dataclass(frozen=True)
class BaselineArm:
    """The other arm. ``artifact`` None: nothing to measure, ``record`` says why or holds what an earlier run found.

    ``profile`` is the device's at the base, where it had one of its own. ``trials`` and ``figures`` are an earlier
    run's, as arm "baseline".
    """

    record: BaselineRecord
    artifact: Artifact | None = None
    profile: DeviceProfile | None = None
    trials: tuple[TrialSummary, ...] = ()
    figures: tuple[TrialMetrics, ...] = ()

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
class BaselineContext:
    """What a base may need: the settings, how artifacts are built, which benchmark files the session runs."""

    settings: Settings
    build: Callable[[Candidate], Artifact]
    say: Callable[[str], None]
    benchmarks: tuple[Path, ...] = ()
    expected: tuple[Candidate, ...] = ()


class Baseline(Protocol):
    """One kind of base, opened once a session."""

    def arm_for(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> BaselineArm:
        """What the candidate is compared with on a device.

        ``entry`` is a sketch of the candidate's own entry: runtime, delegate, threads. Raises UsageError.
        """
        ...

    def close(self) -> None:
        """Remove what was made for the session alone."""
        ...


@dataclass(frozen=True)
class FileBaseline:
    """A model file as given."""

    given: str
    context: BaselineContext

    def arm_for(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> BaselineArm:
        """The file, whatever the candidate is. Raises ModelFileError."""
        artifact = self.context.build(candidates_from_paths([self.given])[0])
        record = BaselineRecord(given=self.given, state="measured", sentence=f"the file {self.given}")
        return BaselineArm(record, artifact)

    def close(self) -> None:
        """Nothing was made."""


@dataclass(frozen=True)
class FolderBaseline:
    """A folder whose artifacts have the candidates' names."""

    given: str
    artifacts: ArtifactFolder

    @classmethod
    def open(cls, given: str) -> Self:
        """The folder. Raises UsageError for one that is none."""
        return cls(given, ArtifactFolder.open(Path(given)))

    def arm_for(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> BaselineArm:
        """The artifact of the same name; NEW where there is none, missing where its files are not what they were."""
        what = f"the artifacts in {self.given}"
        return arm_of_folder(self.artifacts, candidate, given=self.given, what=what)

    def close(self) -> None:
        """Nothing was made."""


def arm_of_folder(
    artifacts: ArtifactFolder, candidate: Candidate, *, given: str, what: str, code: frozenset[str] | None = frozenset()
) -> BaselineArm:
    """What a folder has under a candidate's name.

    ``code`` are sha256 of stages files that may run beside the candidate's own; None: all, since the session wrote it.
    """
    if str(candidate) not in artifacts.entries:
        record = BaselineRecord(given=given, state="new", sentence=f"{candidate} is new: not among {what}")
        return BaselineArm(record)
    try:
        artifact = artifacts.take_own(str(candidate)) if code is None else artifacts.take_like(candidate, code)
    except BuildError as error:
        return BaselineArm(BaselineRecord(given=given, state="missing", sentence=str(error)))
    return BaselineArm(BaselineRecord(given=given, state="measured", sentence=what), artifact)


_NOT_FIT = (Status.ERROR, Status.INVALID)
_WAIT_S = 10.0
"""For a database of earlier runs that does not answer."""


@dataclass(frozen=True)
class StoredBaseline:
    """A stored run."""

    given: str
    results: Results
    settings: Settings | None = None
    """Whose history tells how far two runs differ by themselves; None: nothing does."""

    @classmethod
    def open(cls, given: str, settings: Settings) -> Self:
        """The run; "latest" is that of the settings' reports. Raises UsageError."""
        parse_across(settings.across)
        return cls(given, load_run(given, settings.reports_dir), settings)

    def arm_for(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> BaselineArm:
        """The run's entry of the same candidate on a device of the same name, where the boards are alike.

        Of several, in several tests, that of the same test, else the last.
        """
        run = self.results.run
        what = f"run {run.id} of {run.created_at}"
        name = device.profile.name
        wanted = (name, candidate.name, candidate.recipe)
        found = [one for one in self.results.entries if (one.device, one.candidate, one.recipe) == wanted]
        if not found and run.outcome is not None and run.outcome.lacking:
            return BaselineArm(self._record("missing", f"{candidate} on {name} is not in {what}, which is not whole"))
        if not found:
            return BaselineArm(self._record("new", f"{candidate} on {name} is new: not in {what}"))
        before = next((one for one in reversed(found) if one.test == entry.test), found[-1])
        if before.status in _NOT_FIT:
            return BaselineArm(self._record("missing", f"{candidate} on {name} was {before.status} in {what}"))
        if name not in self.results.devices:
            return BaselineArm(self._record("unlike", f"{what}: nothing is known of the board {name} there"))
        across = parse_across(self.settings.across if self.settings is not None else None)
        refusing, named = set_apart(unlike(self.results.devices[name], before, device, entry), across)
        if refusing:
            return BaselineArm(self._record("unlike", f"{what} was on another setup: {'; '.join(refusing)}"))
        if named:
            what += f" on another setup, compared all the same: {'; '.join(named)}"
        record = BaselineRecord(
            given=self.given,
            state="stored",
            sentence=f"{what}, measured at another time: what the board's state had of it is in the figures",
            commit=run.commit,
            artifact=before.artifact,
            runtime=before.runtime,
            delegate=before.delegate,
            num_threads=before.num_threads,
            measurements=_figures(before),
            run_spread=self._run_spread(device, entry),
        )
        return BaselineArm(
            record,
            trials=tuple(t.model_copy(update={"arm": "baseline"}) for t in before.trials if t.arm == "candidate"),
            figures=tuple(f.model_copy(update={"arm": "baseline"}) for f in before.figures if f.arm == "candidate"),
        )

    def close(self) -> None:
        """Nothing was made."""

    def _run_spread(self, device: DeviceRecord, entry: Entry) -> dict[str, RunSpread]:
        """By how much runs differ by themselves, by metric, as far as the history tells; nothing of one that fails."""
        if self.settings is None:
            return {}
        from harness.stats import run_spread
        from harness.store.history import open_history

        try:
            history = open_history(self.settings.reports_dir, self.settings.history, wait_s=_WAIT_S).history
            found = history.figures_by_artifact(device, entry)
        except (UsageError, OSError):
            return {}
        spreads = {metric: run_spread(groups) for metric, groups in found.items()}
        return {metric: spread for metric, spread in spreads.items() if spread is not None}

    def _record(self, state: str, sentence: str) -> BaselineRecord:
        return BaselineRecord.model_validate({"given": self.given, "state": state, "sentence": sentence})


def _figures(before: Entry) -> list[Measurement]:
    """The candidate's by this estimator, from its trials alone: of what it was compared with nothing is taken over."""
    from harness.measure.arm_evidence import restate  # loads numpy, which collecting benchmarks is spared

    trials = [one for one in before.trials if one.arm == "candidate"]
    return restate(before.measurements, "candidate", trials, [one for one in before.figures if one.arm == "candidate"])
