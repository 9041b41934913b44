"""What a process of tests does at its start where coverage is measured, on PYTHONPATH of `make coverage-all` alone.

A process that builds ends by SIGKILL, and would leave nothing of what it ran: it writes that down while it works.
"""

import contextlib
import os
import sys
import threading
import time

_ENDED_BY_FORCE = "harness.pipeline.worker.worker_main"
_EVERY_S = 0.2


def _write_down() -> None:
    import coverage

    while True:
        time.sleep(_EVERY_S)
        measuring = coverage.Coverage.current()
        if measuring:
            # Lines are added while they are counted: the next time they are all there.
            with contextlib.suppress(RuntimeError):
                measuring.save()


if "COVERAGE_PROCESS_CONFIG" in os.environ and _ENDED_BY_FORCE in sys.orig_argv:
    threading.Thread(target=_write_down, daemon=True).start()
