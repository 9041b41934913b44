"""What git is asked; where it refuses, its own words are handed on."""

import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

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


_SCP: Final = re.compile(r"(?:[^@/]*@)?(?P<host>[^:/]{2,}):(?P<path>(?!//).+)")
"""HOST:PATH, as SSH has it; one letter before a colon is a drive of Windows."""
_UNREADABLE: Final = re.compile(r"[^\w.-]+")
_NAME_LIMIT: Final = 60


def history_folder() -> Path:
    """Where histories are kept by default: outside of every work tree, in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("edge-harness", appauthor=False) / "history"


def history_file(folder: Path) -> Path | None:
    """The history of the repository around a folder, the same for all its clones; None outside of a repository."""
    name = repository_name(folder)
    if name is None:
        return None
    readable = _UNREADABLE.sub("-", name).strip("-.")[-_NAME_LIMIT:]
    return history_folder() / f"{readable}-{sha256(name.encode()).hexdigest()[:8]}.db"


def repository_name(folder: Path) -> str | None:
    """The origin's address without credentials ("example.org/team/models"), else the first commit, else the path."""
    top = around(folder)
    if top is None:
        return None
    try:
        return _origin(top) or _first_commit(top) or str(top)
    except GitError:
        return str(top)


def _origin(top: Path) -> str | None:
    url = ask("config", "--get", "remote.origin.url", cwd=top)
    return _address(url, top) if url else None


def _first_commit(top: Path) -> str | None:
    """The first of the commits without a parent; None in a clone that does not reach so far, or without commits."""
    if is_shallow(top):
        return None
    roots = ask("rev-list", "--max-parents=0", "--all", cwd=top)
    return f"commit-{min(roots.split())}" if roots else None


def _address(url: str, top: Path) -> str:
    """Host and path, however they are reached: alike for https, ssh and what a pipeline puts before the host."""
    scp = _SCP.fullmatch(url) if "://" not in url else None
    if scp is not None:
        host, path = scp["host"], scp["path"]
    elif "://" in url:
        parts = urlsplit(url)
        host, path = parts.netloc.rpartition("@")[2], parts.path
    else:
        host, path = "", (top / url).resolve().as_posix()
    path = path.rstrip("/").removesuffix(".git").rstrip("/")
    return f"{host.lower()}/{path.lstrip('/')}" if host else path
