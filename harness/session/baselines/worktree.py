"""A base's commit: which one --baseline means, its worktree, what is built there."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.profiles import load
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.errors import GitError, UsageError
from harness.store.git import ask, commit_of, is_shallow, top

SHORT = 12
"""Letters of a commit or hash, in sentences."""
_EXACTLY = "rev:"
_BUILDER = "from harness.session.baselines.worktree_main import main; main()"


@dataclass(frozen=True)
class Commit:
    """The commit of a base, and what it is in words."""

    sha: str
    words: str

    @classmethod
    def of(cls, sha: str, given: str) -> "Commit":
        """A commit that --baseline gave so: itself, or the merge base with a revision."""
        if given.startswith(_EXACTLY):
            return cls(sha, f"commit {sha[:SHORT]}")
        return cls(sha, f"commit {sha[:SHORT]}, the merge base with {given}")


def resolve_commit(given: str) -> Commit:
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
        return Commit.of(commit, given)
    base = ask("merge-base", "HEAD", commit)
    if not base:
        raise UsageError(
            f"--baseline {given}: HEAD and {revision} have no commit in common; rev:{revision} takes it as it is"
        )
    return Commit.of(base, given)


@dataclass(frozen=True)
class BaselineBuild:
    """What is built of a base: the session's benchmark files and candidates, as far as the commit has them."""

    benchmarks: Sequence[Path]
    expected: Sequence[Candidate]
    cache_dir: Path | None
    seed: int
    jobs: int


@contextmanager
def worktree_at(commit: Commit, *, given: str) -> Iterator[Path]:
    """A worktree of a commit, removed at the end. Raises UsageError with git's words where there can be none."""
    folder = Path(tempfile.mkdtemp(prefix="edge-harness-tree-"))
    tree = folder / "tree"
    try:
        try:
            ask("worktree", "add", "--detach", "--force", str(tree), commit.sha)
        except GitError as error:
            raise UsageError(f"--baseline {given}: {commit.words} cannot be checked out in {tree}: {error}") from error
        yield tree
    finally:
        with suppress(GitError):  # git forgets a worktree whose folder is gone
            ask("worktree", "remove", "--force", str(tree))
        shutil.rmtree(folder, ignore_errors=True)


def build_at(tree: Path, out: Path, wanted: BaselineBuild, *, say: Callable[[str], None]) -> dict[str, str]:
    """Build what is wanted and the tree has into a folder of artifacts; returns why some did not build, by label.

    Raises UsageError where the tree's benchmarks cannot be collected.
    """
    root = top()
    there = [path for path in _relative(wanted.benchmarks, root) if (tree / path).exists()]
    if not there:
        return {}
    request = {
        "paths": [str(tree / path) for path in there],
        "only": [str(candidate) for candidate in wanted.expected],
        "out": str(out.resolve()),
        "cache_dir": None if wanted.cache_dir is None else str(wanted.cache_dir.resolve()),
        "seed": wanted.seed,
        "jobs": wanted.jobs,
    }
    say("building the baseline")
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
        return {str(candidate): said for candidate in wanted.expected}


def _same_folder(tree: Path, root: Path) -> Path:
    """The current folder as the tree has it, the tree's top where it has none."""
    folder = tree / Path.cwd().resolve().relative_to(root.resolve())
    return folder if folder.is_dir() else tree


def _relative(benchmarks: Sequence[Path], root: Path) -> list[Path]:
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


def profile_at(tree: Path, name: str, devices_dir: Path | None) -> DeviceProfile | None:
    """The device's profile at the base, None where it has none that holds."""
    folder = devices_dir or Path("devices")
    if not folder.resolve().is_relative_to(top().resolve()):
        return None
    try:
        return load(name, tree / folder.resolve().relative_to(top().resolve()))
    except UsageError:
        return None
