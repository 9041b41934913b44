"""Which repository a folder belongs to, and where the history of all its clones is kept."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from harness.records.errors import GitError
from harness.store.git import around, ask, is_shallow

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
