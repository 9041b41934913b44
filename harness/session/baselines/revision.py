"""--baseline REV: the merge base of HEAD and a revision, its candidates built in a worktree or carried along."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from harness.pipeline import candidates_from_paths
from harness.pipeline.builder.artifact_folder import ArtifactFolder
from harness.pipeline.cache import ARTIFACTS, file_sha256, list_cached
from harness.records.artifact import Artifact
from harness.records.cache_dir import default_cache_dir
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.entry import BaselineRecord, Entry
from harness.records.errors import UsageError
from harness.records.files import real_path
from harness.records.results import DeviceRecord
from harness.records.settings import Settings
from harness.session.baselines.carried import CarriedBaseline, baseline_commit, read_carried
from harness.session.baselines.kinds import BaselineArm, BaselineContext, arm_of_folder
from harness.session.baselines.worktree import SHORT, BaselineBuild, Commit, build_at, profile_at, worktree_at
from harness.store.git import commit_of, top

_WAIT_S = 10.0


@dataclass(frozen=True)
class MeasuredArtifacts:
    """What was measured at a commit: sha256 of artifacts, by device and candidate; and where the cache is."""

    artifacts: dict[tuple[str, str], str]
    cache_dir: Path

    @classmethod
    def at(cls, commit: str, settings: Settings) -> Self:
        """What the history tells of a commit; nothing where it cannot be read."""
        from harness.store.history import open_history  # loads SQLAlchemy

        cache_dir = (settings.cache_dir or default_cache_dir()).resolve()
        try:
            opened = open_history(settings.reports_dir, settings.history, wait_s=_WAIT_S)
            return cls(opened.history.artifacts(commit), cache_dir)
        except (UsageError, OSError):
            return cls({}, cache_dir)

    def other_than(self, sha256: str, *, device: str, candidate: str) -> str | None:
        """The artifact that was measured at the commit, where it is another than this one."""
        recorded = self.artifacts.get((device, candidate))
        return None if recorded == sha256 else recorded

    def file(self, sha256: str) -> Path | None:
        """The cache's file of that content, None where it is not there any more."""
        models = (entry.path / "model.tflite" for entry in list_cached(self.cache_dir, (ARTIFACTS,)))
        return next((path for path in models if path.is_file() and file_sha256(path) == sha256), None)


_CONVERTERS = "the converters"
_NO_PROFILE = "the profile: the base has none of its own for this device"
_PROFILE_UNKNOWN = "the profile: this clone does not have the base's commit, and so not its profile"


@dataclass(frozen=True)
class RevisionBaseline:
    """A commit's candidates, in a folder of artifacts, and the profiles that it has of the devices."""

    given: str
    commit: Commit
    artifacts: ArtifactFolder | None
    failed: dict[str, str]
    profiles: dict[str, DeviceProfile | None] | None
    """None where this clone does not have the commit."""
    folder: Path | None
    """Made for the session alone; None for what --artifacts carries."""
    context: BaselineContext
    recorded: MeasuredArtifacts
    code: frozenset[str] | None = None
    """Of the stages files that the commit has, the sha256; None where the session built its artifacts itself."""

    @classmethod
    def open(cls, given: str, context: BaselineContext) -> Self:
        """The commit's candidates: those that --artifacts carries, else built here. Raises UsageError."""
        commit = baseline_commit(given, context.settings.artifacts)
        carried = read_carried(context.settings.artifacts)
        if carried is not None:
            return cls._open_carried(given, commit, carried, context)
        folder = Path(tempfile.mkdtemp(prefix="edge-harness-base-"))
        settings = context.settings
        request = BaselineBuild(context.benchmarks, context.expected, settings.cache_dir, settings.seed, settings.jobs)
        try:
            with worktree_at(commit, given=given) as tree:
                failed = build_at(tree, folder / "artifacts", request, say=context.say)
                profiles = _profiles(tree, context)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        artifacts = (
            ArtifactFolder.open(folder / "artifacts") if (folder / "artifacts" / "index.json").is_file() else None
        )
        recorded = MeasuredArtifacts.at(commit.sha, context.settings)
        return cls(given, commit, artifacts, failed, profiles, folder, context, recorded)

    @classmethod
    def _open_carried(cls, given: str, commit: Commit, carried: CarriedBaseline, context: BaselineContext) -> Self:
        """What a folder of artifacts carries; of the commit itself only the profiles are looked at."""
        profiles, code = None, frozenset[str]()
        if commit_of(commit.sha) is not None:
            with worktree_at(commit, given=given) as tree:
                profiles, code = _profiles(tree, context), _stages_hashes(tree, context)
        recorded = MeasuredArtifacts.at(commit.sha, context.settings)
        return cls(given, commit, carried.artifacts, carried.failed, profiles, None, context, recorded, code)

    def arm_for(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> BaselineArm:
        """The candidate as the commit has it: its artifact and the device's profile there."""
        label = str(candidate)
        if label in self.failed:
            reason = f"{label} at {self.commit.words} does not build: {self.failed[label]}{self._elsewhere()}"
            return self._describe(BaselineArm(BaselineRecord(given=self.given, state="missing", sentence=reason)))
        if self.artifacts is None:
            reason = f"{label} is new: not at {self.commit.words}"
            return self._describe(BaselineArm(BaselineRecord(given=self.given, state="new", sentence=reason)))
        found = arm_of_folder(self.artifacts, candidate, given=self.given, what=self.commit.words, code=self.code)
        name = device.profile.name
        told = self._describe(found, profile=(self.profiles or {}).get(name))
        return self._as_measured_then(told, candidate, name)

    def close(self) -> None:
        """Remove the artifacts' copies; the cache keeps its own."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _as_measured_then(self, found: BaselineArm, candidate: Candidate, device: str) -> BaselineArm:
        """With the artifact that was measured at the commit, where it is another than what is built of it today."""
        if found.artifact is None:
            return found
        sha256 = self.recorded.other_than(found.artifact.sha256, device=device, candidate=str(candidate))
        if sha256 is None:
            return found
        then = f"the artifact that was measured at {self.commit.words} (sha256 {sha256[:SHORT]})"
        file = self.recorded.file(sha256)
        if file is None:
            reason = f"{then}: it is not in the cache any more, and was built anew to another"
            record = found.record.model_copy(update={"not_compared": [*found.record.not_compared, reason]})
            return replace(found, record=record)
        given = self.context.build(candidates_from_paths([str(file)])[0])
        artifact = given.model_copy(update={"candidate": candidate.name, "recipe": candidate.recipe})
        told = "accuracy at the base: the file that was measured then is not scored again"
        kept = [reason for reason in found.record.not_compared if not reason.startswith(_CONVERTERS)]
        record = found.record.model_copy(update={"sentence": then, "not_compared": [*kept, told]})
        return replace(found, record=record, artifact=artifact)

    def _elsewhere(self) -> str:
        """What helps a machine that only measures and was handed no base."""
        if self.folder is None or self.context.settings.artifacts is None:
            return ""
        return f"; harness build --out {self.context.settings.artifacts} --baseline {self.given} carries the base along"

    def _describe(self, found: BaselineArm, *, profile: DeviceProfile | None = None) -> BaselineArm:
        without = _PROFILE_UNKNOWN if self.profiles is None else _NO_PROFILE
        left_out = [] if found.artifact is None else _left_out(found.artifact, None if profile else without)
        record = found.record.model_copy(update={"commit": self.commit.sha, "not_compared": left_out})
        return BaselineArm(record, found.artifact, profile)


def _profiles(tree: Path, context: BaselineContext) -> dict[str, DeviceProfile | None]:
    return {name: profile_at(tree, name, context.settings.devices_dir) for name in context.settings.devices}


def _stages_hashes(tree: Path, context: BaselineContext) -> frozenset[str]:
    """The sha256 of the candidates' stages files as the commit has them."""
    root = real_path(top())
    named = {Path(one.stages) for one in context.expected if one.stages and Path(one.stages).is_absolute()}
    then = [tree / path.relative_to(root) for path in map(real_path, named) if path.is_relative_to(root)]
    return frozenset(file_sha256(file) for file in then if file.is_file())


def _left_out(artifact: Artifact, no_profile: str | None) -> list[str]:
    """What the base may have had otherwise, and this comparison does not show."""
    told = [no_profile] if no_profile else []
    if artifact.recipe and artifact.versions:
        converters = ", ".join(f"{name} {version}" for name, version in sorted(artifact.versions.items()))
        told.append(f"{_CONVERTERS}: both models were made by the same ({converters})")
    return told
