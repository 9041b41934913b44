"""What the host cache holds of builds, and what of it may go."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.pipeline.cache import KINDS, PARTIAL, WEIGHTS, forget_name, lock, noted_name

REMADE: Final = tuple(kind for kind in KINDS if kind != WEIGHTS)
"""Made again in seconds; trained weights are removed only where they are named."""
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Kept:
    """One folder of the cache: what kind, its bytes, and when it was last made or used (seconds since the epoch)."""

    kind: str
    key: str
    path: Path
    size_bytes: int
    used_at: float
    name: str | None = None
    """The candidate that it was used for last; None where that was not kept."""

    def days_unused(self, now: float) -> float:
        """Days since it was last used."""
        return max(0.0, now - self.used_at) / _DAY_S


@dataclass(frozen=True)
class Pruned:
    """What was removed, and what was left because a build holds it."""

    removed: tuple[Kept, ...]
    in_use: tuple[Kept, ...]


def kept(cache_dir: Path, kinds: Sequence[str] = KINDS) -> list[Kept]:
    """What stands in the cache, kind by kind, what was used last first."""
    found = [entry for kind in kinds for entry in _of_kind(cache_dir / kind, kind)]
    return sorted(found, key=lambda entry: (KINDS.index(entry.kind), -entry.used_at))


def prune(cache_dir: Path, kinds: Sequence[str], *, older_than_days: float = 0.0, now: float | None = None) -> Pruned:
    """Remove what was not used for so many days; what a build holds the lock of stays."""
    from filelock import Timeout

    moment = time.time() if now is None else now
    removed, in_use = [], []
    for entry in kept(cache_dir, kinds):
        if entry.days_unused(moment) < older_than_days:
            continue
        try:
            with lock(entry.path).acquire(timeout=0):
                shutil.rmtree(entry.path)
                forget_name(entry.path)
            removed.append(entry)
        except Timeout:
            in_use.append(entry)
    return Pruned(tuple(removed), tuple(in_use))


def _of_kind(folder: Path, kind: str) -> Iterator[Kept]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if not path.is_dir() or path.name.endswith(PARTIAL):
            continue
        with suppress(FileNotFoundError):  # another process may prune too
            yield Kept(kind, path.name, path, _size(path), path.stat().st_mtime, noted_name(path))


def _size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())
