"""Names of run folders, and the pointer to the newest one."""

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from harness.records.errors import UsageError
from harness.records.files import read_text, real_path, replace_link
from harness.store.disk import disk_errors_named, write_whole

POINTER_NAME = "latest.txt"
_LINK_NAME = "latest"
_MOST_POINTER_BYTES = 4096

_RUN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_FOLDER_NAME = re.compile(r"[0-9TZ]{1,32}-[A-Za-z0-9_.-]{1,64}")


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
    pointer = folder.parent / POINTER_NAME
    try:
        replace_link(folder.parent / _LINK_NAME, folder.name)
    except (OSError, NotImplementedError):
        write_whole(pointer, f"{folder.name}\n".encode())
    else:
        with disk_errors_named(pointer):
            pointer.unlink(missing_ok=True)


def latest_run(reports_dir: Path) -> Path | None:
    """The folder of the run that ended last, by the link or by latest.txt; None where no run has ended.

    Raises UsageError where they name anything but a folder beside them: reports may be another's.
    """
    link, pointer = reports_dir / _LINK_NAME, reports_dir / POINTER_NAME
    if link.is_dir():
        folder = real_path(link)
        if link.is_symlink() and folder.parent != real_path(reports_dir):
            raise UsageError(f"{link} leads out of its folder, to {folder}: name the run itself")
        return folder
    if not pointer.exists():
        return None
    try:
        name = read_text(pointer, max_bytes=_MOST_POINTER_BYTES, follow=False).strip()
    except OSError as error:
        raise UsageError(f"{pointer}: cannot be read: {error.strerror}; name the run itself") from error
    if not _FOLDER_NAME.fullmatch(name):
        raise UsageError(f"{pointer}: names no run's folder, such as 20261124T054500Z-3f9a1c; name the run itself")
    return reports_dir / name
