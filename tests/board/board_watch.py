"""What tests see of a board from outside: its lease, and the processes that run on it."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

GONE_S = 20.0


def has_no_holder(lease: str) -> bool:
    """Whether nobody holds a lease."""
    with socket.socket(socket.AF_UNIX) as asker:
        try:
            asker.connect("\0" + lease)
        except ConnectionRefusedError:
            return True
    return False


def awaited(condition: Callable[[], bool], patience_s: float = GONE_S) -> bool:
    """Whether a condition comes true in time."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def commands_with(text: str) -> list[int]:
    """Ids of living processes that have a text anywhere in their words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
