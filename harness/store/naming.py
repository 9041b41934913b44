"""Names of run folders, and the pointer to the newest one."""

import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from harness.records.errors import UsageError
from harness.store.disk import disk_errors_named, write_whole
from harness.store.results_file import POINTER_NAME

_RUN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def new_run_id() -> str:
    """Six random hexadecimal digits."""
    return secrets.token_hex(3)


def folder_name(run_id: str, now: datetime) -> str:
    """``<UTC stamp>-<run id>``, e.g. 20261124T054500Z-3f9a1c; ``now`` carries its time zone."""
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(f"run id {run_id[:80]!r}: expected 1 to 64 letters, digits, '-', '_' or '.'")
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{run_id}"


def point_latest(folder: Path) -> None:
    """Make ``latest`` beside a run folder point to it; where symlinks fail, name it in latest.txt."""
    link = folder.parent / "latest"
    draft = folder.parent / f".latest.{os.getpid()}"
    pointer = folder.parent / POINTER_NAME
    try:
        draft.unlink(missing_ok=True)
        draft.symlink_to(folder.name, target_is_directory=True)
        draft.replace(link)
    except (OSError, NotImplementedError):
        draft.unlink(missing_ok=True)
        write_whole(pointer, f"{folder.name}\n".encode())
    else:
        with disk_errors_named(pointer):
            pointer.unlink(missing_ok=True)
