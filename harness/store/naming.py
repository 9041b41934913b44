"""Names of run folders."""

import re
import secrets
from datetime import UTC, datetime

from harness.records.errors import UsageError

_RUN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def new_run_id() -> str:
    """Six random hexadecimal digits."""
    return secrets.token_hex(3)


def folder_name(run_id: str, now: datetime) -> str:
    """``<UTC stamp>-<run id>``, e.g. 20261124T054500Z-3f9a1c; ``now`` carries its time zone."""
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(f"run id {run_id[:80]!r}: expected 1 to 64 letters, digits, '-', '_' or '.'")
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{run_id}"
