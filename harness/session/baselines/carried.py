"""A base that a folder of artifacts carries: ``harness build --out DIR --baseline REV`` writes it.

``--artifacts DIR --baseline REV`` finds it. The folder may come from anywhere: its commit must be the one that
--baseline names here; where this clone cannot tell, for it is shallow, the folder must be of the very commit that is
checked out.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import StringConstraints, ValidationError

from harness.pipeline.builder.artifact_folder import INDEX, ArtifactFolder
from harness.records.base import Record
from harness.records.errors import GitError, UsageError
from harness.records.files import read_bytes, replacing
from harness.session.baselines.worktree import SHORT, BaselineBuild, Commit, build_at, resolve_commit, worktree_at
from harness.store.git import ask

FOLDER: Final = "baseline"
NAME: Final = "commit.json"
_LIMIT: Final = 2**20


class _Record(Record):
    """What stands in commit.json: the base, how it was named, and which commit was compared with it."""

    schema_version: Literal[1] = 1
    given: str
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
    head: str
    failed: dict[str, str] = {}


@dataclass(frozen=True)
class CarriedBaseline:
    """The base of a folder of artifacts; ``artifacts`` None where none of its candidates was built."""

    given: str
    commit: str
    head: str
    failed: dict[str, str]
    artifacts: ArtifactFolder | None


def write_carried(
    out: Path, given: str, commit: Commit, request: BaselineBuild, *, say: Callable[[str], None]
) -> CarriedBaseline:
    """Build a commit's candidates into a folder of artifacts, in place of a base that it carried before.

    Raises UsageError.
    """
    folder = out / FOLDER
    if folder.is_symlink():
        raise UsageError(f"--out {out}: {folder} is a link: choose another folder")
    if (folder / NAME).is_file():
        shutil.rmtree(folder)
    with worktree_at(commit, given=given) as tree:
        failed = build_at(tree, folder, request, say=say)
    record = _Record(given=given, commit=commit.sha, head=ask("rev-parse", "HEAD") or "", failed=failed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / NAME) as file:
            file.write(record.model_dump_json(indent=2).encode())
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror}): choose another folder") from error
    return _open(folder, record)


def read_carried(artifacts: Path | None) -> CarriedBaseline | None:
    """The base that a folder of artifacts carries; None where there is none. Raises UsageError for a damaged one."""
    if artifacts is None:
        return None
    path = artifacts / FOLDER / NAME
    try:
        record = _Record.model_validate_json(read_bytes(path, max_bytes=_LIMIT))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        told = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise UsageError(f"{path} is damaged or of another version ({told}): write it again") from error
    return _open(path.parent, record)


def baseline_commit(given: str, artifacts: Path | None) -> Commit:
    """The commit that --baseline names, the same that --artifacts carries where it carries one. Raises UsageError."""
    carried = read_carried(artifacts)
    if carried is None:
        return resolve_commit(given)
    try:
        here = resolve_commit(given)
    except UsageError:
        if carried.given == given and carried.head and carried.head == _head():
            return Commit.of(carried.commit, given)
        raise
    if here.sha != carried.commit:
        raise UsageError(
            f"--baseline {given} is {here.words} here, and {artifacts} carries commit {carried.commit[:SHORT]} "
            f"(--baseline {carried.given}): write it again with harness build --out {artifacts} --baseline {given}"
        )
    return here


def _head() -> str | None:
    try:
        return ask("rev-parse", "HEAD")
    except GitError:
        return None


def _open(folder: Path, record: _Record) -> CarriedBaseline:
    artifacts = ArtifactFolder.open(folder) if (folder / INDEX).is_file() else None
    return CarriedBaseline(record.given, record.commit, record.head, record.failed, artifacts)
