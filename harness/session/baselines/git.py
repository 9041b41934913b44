"""What git is asked: which commit, whether the clone is whole, a worktree of a commit."""

import subprocess
from pathlib import Path

from harness.records.errors import UsageError

_PATIENCE_S = 120


def ask(*arguments: str, cwd: Path | None = None) -> str | None:
    """Git's answer in one line, None where it refused. Raises UsageError where there is no git."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
            cwd=cwd,
        )
    except OSError as error:
        raise UsageError(f"git cannot be run ({error.strerror}): install it, or give a file or folder") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"git {arguments[0]} did not end within {_PATIENCE_S} s") from error
    return done.stdout.strip() if done.returncode == 0 else None


def top() -> Path:
    """The repository's top folder. Raises UsageError outside one."""
    found = ask("rev-parse", "--show-toplevel")
    if not found:
        raise UsageError(f"--baseline: {Path.cwd()} is no git repository: give a file, a folder or a results.json")
    return Path(found)


def commit_of(revision: str) -> str | None:
    """The full hash of a revision's commit, None for one that git does not know."""
    return ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def is_shallow() -> bool:
    """Whether history was cut off when this clone was made."""
    return ask("rev-parse", "--is-shallow-repository") == "true"
