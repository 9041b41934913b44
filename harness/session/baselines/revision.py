"""--baseline REV: the merge base of HEAD and a revision, its candidates built in a worktree with the same cache."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from harness.pipeline import candidates_from_paths
from harness.pipeline.building.shelf import Shelf
from harness.profiles import load
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.errors import GitError, UsageError
from harness.records.results import BaselineRecord, DeviceRecord, Entry
from harness.session.baselines.folder import from_shelf
from harness.session.baselines.opponent import Opponent, Surroundings
from harness.session.baselines.recorded import Recorded
from harness.store.git import ask, commit_of, is_shallow, top

_EXACTLY = "rev:"
_BUILDER = "from harness.cli.base import main; main()"
_SHORT = 12
_CONVERTERS = "the converters"


@dataclass(frozen=True)
class Commit:
    """The commit of a base, and what it is in words."""

    sha: str
    words: str


def resolve(given: str) -> Commit:
    """The commit that --baseline names. Raises UsageError for one that git does not know or cannot tell."""
    try:
        top()
        return _resolved(given)
    except GitError as error:
        raise UsageError(
            f"--baseline {given}: {error}: mend that, or give a file, a folder or a results.json"
        ) from error


def _resolved(given: str) -> Commit:
    exactly = given.startswith(_EXACTLY)
    revision = given.removeprefix(_EXACTLY)
    if is_shallow() and not (exactly and commit_of(revision)):
        raise UsageError(
            f"--baseline {given}: this clone is shallow, so that its history may not reach the base: deepen it with "
            "git fetch --unshallow (on GitHub: actions/checkout with fetch-depth: 0)"
        )
    commit = commit_of(revision)
    if not commit:
        raise UsageError(
            f"--baseline {given}: git knows no revision {revision!r} and there is no such file: expected a revision, "
            "rev:SHA, a .tflite file, a folder of artifacts or a results.json; git fetch may bring it"
        )
    if exactly:
        return Commit(commit, f"commit {commit[:_SHORT]}")
    base = ask("merge-base", "HEAD", commit)
    if not base:
        raise UsageError(
            f"--baseline {given}: HEAD and {revision} have no commit in common; rev:{revision} takes it as it is"
        )
    return Commit(base, f"commit {base[:_SHORT]}, the merge base with {revision}")


@dataclass(frozen=True)
class RevisionBase:
    """A commit's candidates, on a shelf, and the profiles that it has of the devices."""

    given: str
    commit: Commit
    shelf: Shelf | None
    failed: dict[str, str]
    profiles: dict[str, DeviceProfile | None]
    folder: Path
    around: Surroundings
    recorded: Recorded

    @classmethod
    def open(cls, given: str, around: Surroundings) -> Self:
        """Build the session's candidates as the commit has them. Raises UsageError."""
        commit = resolve(given)
        folder = Path(tempfile.mkdtemp(prefix="edge-harness-base-"))
        tree = folder / "tree"
        try:
            _check_out(commit, tree, given=given)
            try:
                told = _built(tree, folder / "artifacts", around)
                profiles = {name: _profile_at(tree, name, around) for name in around.settings.devices}
            finally:
                with suppress(GitError):  # the folder goes with the session, and git forgets it by itself
                    ask("worktree", "remove", "--force", str(tree))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shelf = Shelf.open(folder / "artifacts") if (folder / "artifacts" / "index.json").is_file() else None
        recorded = Recorded.at(commit.sha, around.settings)
        return cls(given, commit, shelf, told, profiles, folder, around, recorded)

    def opponent(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> Opponent:
        """The candidate as the commit has it: its artifact and the device's profile there."""
        label = str(candidate)
        if label in self.failed:
            reason = f"{label} at {self.commit.words} does not build: {self.failed[label]}"
            return self._told(Opponent(BaselineRecord(given=self.given, state="missing", sentence=reason)))
        if self.shelf is None:
            reason = f"{label} is new: not at {self.commit.words}"
            return self._told(Opponent(BaselineRecord(given=self.given, state="new", sentence=reason)))
        found = from_shelf(self.shelf, candidate, given=self.given, what=self.commit.words)
        name = device.profile.name
        told = self._told(found, profile=self.profiles.get(name))
        return self._as_measured_then(told, candidate, name)

    def close(self) -> None:
        """Remove the artifacts' copies; the cache keeps its own."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_measured_then(self, found: Opponent, candidate: Candidate, device: str) -> Opponent:
        """With the artifact that was measured at the commit, where it is another than what is built of it today."""
        if found.artifact is None:
            return found
        sha256 = self.recorded.other_than(found.artifact.sha256, device=device, candidate=str(candidate))
        if sha256 is None:
            return found
        then = f"the artifact that was measured at {self.commit.words} (sha256 {sha256[:_SHORT]})"
        file = self.recorded.file(sha256)
        if file is None:
            reason = f"{then}: it is not in the cache any more, and was built anew to another"
            record = found.record.model_copy(update={"not_compared": [*found.record.not_compared, reason]})
            return replace(found, record=record)
        given = self.around.build(candidates_from_paths([str(file)])[0])
        artifact = given.model_copy(update={"candidate": candidate.name, "recipe": candidate.recipe})
        told = "accuracy at the base: the file that was measured then is not scored again"
        kept = [reason for reason in found.record.not_compared if not reason.startswith(_CONVERTERS)]
        record = found.record.model_copy(update={"sentence": then, "not_compared": [*kept, told]})
        return replace(found, record=record, artifact=artifact)

    def _told(self, found: Opponent, *, profile: DeviceProfile | None = None) -> Opponent:
        left_out = [] if found.artifact is None else _left_out(found.artifact, profile)
        record = found.record.model_copy(update={"commit": self.commit.sha, "not_compared": left_out})
        return Opponent(record, found.artifact, profile)


def _check_out(commit: Commit, tree: Path, *, given: str) -> None:
    try:
        ask("worktree", "add", "--detach", "--force", str(tree), commit.sha)
    except GitError as error:
        raise UsageError(f"--baseline {given}: {commit.words} cannot be checked out in {tree}: {error}") from error


def _left_out(artifact: Artifact, profile: DeviceProfile | None) -> list[str]:
    """What the base may have had otherwise, and this comparison does not show."""
    told = [] if profile is not None else ["the profile: the base has none of its own for this device"]
    if artifact.recipe and artifact.versions:
        converters = ", ".join(f"{name} {version}" for name, version in sorted(artifact.versions.items()))
        told.append(f"{_CONVERTERS}: both models were made by those installed here ({converters})")
    return told


def _built(tree: Path, out: Path, around: Surroundings) -> dict[str, str]:
    """Build what the session expects and the tree has; the reasons of those that did not build, by label.

    Raises UsageError where the tree's benchmarks cannot be collected.
    """
    root = top()
    settings = around.settings
    there = [path for path in _relative(around.benchmarks, root) if (tree / path).exists()]
    if not there:
        return {}
    request = {
        "paths": [str(tree / path) for path in there],
        "only": [str(candidate) for candidate in around.expected],
        "out": str(out),
        "cache_dir": None if settings.cache_dir is None else str(settings.cache_dir.resolve()),
        "seed": settings.seed,
        "jobs": settings.jobs,
    }
    around.say("building the baseline")
    done = subprocess.run(
        [sys.executable, "-P", "-c", _BUILDER],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        cwd=_same_folder(tree, root),
        env=_environment(root, tree),
    )
    try:
        told = json.loads(done.stdout)
        return {str(label): str(reason) for label, reason in told["failed"].items()}
    except (ValueError, KeyError, AttributeError):
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {str(candidate): said for candidate in around.expected}


def _same_folder(tree: Path, root: Path) -> Path:
    """The current folder as the tree has it, the tree's top where it has none."""
    folder = tree / Path.cwd().resolve().relative_to(root.resolve())
    return folder if folder.is_dir() else tree


def _relative(benchmarks: tuple[Path, ...], root: Path) -> list[Path]:
    resolved = [path.resolve() for path in benchmarks]
    return [path.relative_to(root.resolve()) for path in resolved if path.is_relative_to(root.resolve())]


def _environment(root: Path, tree: Path) -> dict[str, str]:
    """The environment, with the user's own folders on the module path replaced by the tree's."""
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    moved = [
        str(tree / path.relative_to(root)) if (path := Path(place).resolve()).is_relative_to(root) else place
        for place in places
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(moved)}


def _profile_at(tree: Path, name: str, around: Surroundings) -> DeviceProfile | None:
    """The device's profile at the base, None where it has none that holds."""
    folder = around.settings.devices_dir or Path("devices")
    if not folder.resolve().is_relative_to(top().resolve()):
        return None
    try:
        return load(name, tree / folder.resolve().relative_to(top().resolve()))
    except UsageError:
        return None
