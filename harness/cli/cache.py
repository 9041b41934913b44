"""``harness cache``: what builds left on this machine, how much it takes, and how it goes."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.pipeline.cache import KINDS, REMADE, CachedFolder, list_cached, prune_folders
from harness.records.cache_dir import default_cache_dir
from harness.records.errors import UsageError
from harness.records.nearest import did_you_mean
from harness.records.text import visible
from harness.records.units import format_quantity

_KEY_LETTERS = 12


def list_cache(cache_dir: Path | None, *, as_json: bool) -> None:
    """Print each folder that builds left: kind, start of its key, size, when it was used, and for which model."""
    entries, now = list_cached(_folder(cache_dir)), time.time()
    if as_json:
        _print_json([_as_json(entry) for entry in entries])
        return
    for entry in entries:
        days = entry.days_unused(now)
        used, name = _ago(days), visible(entry.name or "-")
        sys.stdout.write(
            f"{entry.kind:10}{entry.key[:_KEY_LETTERS]}  {_size(entry.size_bytes):>9}  {used:12}  {name}\n"
        )
    if not entries:
        sys.stdout.write(f"nothing was built yet in {_folder(cache_dir)}\n")


def size_of_cache(cache_dir: Path | None, *, as_json: bool) -> None:
    """Print the bytes of each kind and of all."""
    folder = _folder(cache_dir)
    entries = list_cached(folder)
    sizes = {kind: [entry.size_bytes for entry in entries if entry.kind == kind] for kind in KINDS}
    if as_json:
        total = sum(map(sum, sizes.values()))
        by_kind = {kind: {"count": len(found), "bytes": sum(found)} for kind, found in sizes.items()}
        _print_json({"path": str(folder), "bytes": total, "kinds": by_kind})
        return
    for kind, found in sizes.items():
        sys.stdout.write(f"{kind:10}{len(found):6}  {_size(sum(found)):>9}\n")
    sys.stdout.write(f"{'all':10}{len(entries):6}  {_size(sum(map(sum, sizes.values()))):>9}  {folder}\n")


def prune_cache(kinds: Sequence[str], cache_dir: Path | None, *, older_than: float, as_json: bool) -> None:
    """Remove what was not used for some days; trained weights only where they are named. Raises UsageError."""
    for kind in kinds:
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS, after=" ")
            raise UsageError(f"the cache has no {kind}: {hint}kinds are {', '.join(KINDS)}")
    if older_than < 0:
        raise UsageError(f"--older-than {older_than:g}: expected days, 0 or more")
    pruned = prune_folders(_folder(cache_dir), kinds or REMADE, older_than_days=older_than)
    size = sum(entry.size_bytes for entry in pruned.removed)
    if as_json:
        told = {"removed": [_as_json(entry) for entry in pruned.removed], "bytes": size}
        _print_json(told | {"in_use": [_as_json(entry) for entry in pruned.in_use]})
        return
    sys.stdout.write(f"removed {len(pruned.removed)}, {_size(size)}\n")
    if pruned.in_use:
        sys.stdout.write(f"left {len(pruned.in_use)} that a build is at work on\n")


def _folder(cache_dir: Path | None) -> Path:
    return (cache_dir or default_cache_dir()).resolve()


def _as_json(entry: CachedFolder) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "key": entry.key,
        "name": entry.name,
        "path": str(entry.path),
        "bytes": entry.size_bytes,
        "used_at": entry.used_at,
    }


def _print_json(told: object) -> None:
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


def _size(size_bytes: int) -> str:
    return format_quantity(float(size_bytes), "B")


def _ago(days: float) -> str:
    return "today" if days < 1 else f"{days:.0f} days ago" if days >= 2 else "yesterday"
