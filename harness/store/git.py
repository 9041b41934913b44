"""What git is asked; where it refuses, its own words are handed on."""

import os
import subprocess
from pathlib import Path
from typing import Final

from harness.records.errors import GitError

_PATIENCE_S = 120
_OF_A_HOOK: Final = ("GIT_INDEX_FILE", "GIT_PREFIX")
"""What git tells its hooks: a worktree that is made under them would take the user's own index."""


def ask(*arguments: str, cwd: Path | None = None) -> str | None:
    """Git's answer; None where it only says no, by exit code 1 without a word. Raises GitError."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
            cwd=cwd,
            env={name: value for name, value in os.environ.items() if name not in _OF_A_HOOK},
        )
    except OSError as error:
        raise GitError(f"git cannot be run ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} did not end within {_PATIENCE_S} s") from error
    if done.returncode == 0:
        return done.stdout.strip()
    words = " ".join(done.stderr.split())
    if done.returncode == 1 and not words:
        return None
    raise GitError(f"git says: {words or f'exit code {done.returncode}'}")


def top(folder: Path | None = None) -> Path:
    """The top folder of the work tree around a folder, the current one for None. Raises GitError outside one."""
    return Path(ask("rev-parse", "--show-toplevel", cwd=folder) or ".")


def commit_of(revision: str) -> str | None:
    """The full hash of a revision's commit, None for one that git does not know. Raises GitError."""
    return ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def is_shallow(folder: Path | None = None) -> bool:
    """Whether history was cut off when the clone was made. Raises GitError."""
    return ask("rev-parse", "--is-shallow-repository", cwd=folder) == "true"


def checked_out() -> str | None:
    """The checked-out commit of the current folder, with "+dirty" where files differ from it. Raises GitError."""
    return ask("describe", "--always", "--abbrev=40", "--dirty=+dirty", "--exclude=*")


def branch() -> str | None:
    """The checked-out branch of the current folder; None for a bare commit. Raises GitError."""
    return ask("symbolic-ref", "--quiet", "--short", "HEAD")


def around(folder: Path) -> Path | None:
    """The nearest folder upward in which git keeps something, whether git takes it for its own or not."""
    place = folder.resolve()
    return next((one for one in (place, *place.parents) if (one / ".git").exists()), None)
