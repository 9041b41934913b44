"""On this machine a run either builds or measures, never both: building would show in every figure.

One session does them in turn anyway. With pytest-xdist one worker may build for a remote board while another measures
this machine, so they take turns by a lock in the run's folder.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.store.disk import disk_errors_named

_POLL_S = 0.2
_TOLD_AFTER_S = 1.0


@contextmanager
def host_lock(run_folder: Path, told: Callable[[], None]) -> Iterator[None]:
    """The turn to use this machine, when no other worker of the run has it; ``told`` is called where that lasts."""
    lock = FileLock(run_folder / "journal" / "this-machine.lock")
    began, said = time.monotonic(), False
    while True:
        try:
            lock.acquire(timeout=_POLL_S)
            break
        except Timeout:
            if not said and time.monotonic() - began > _TOLD_AFTER_S:
                told()
                said = True
        except OSError:
            with disk_errors_named(run_folder):
                raise
    try:
        yield
    finally:
        lock.release()
