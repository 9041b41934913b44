"""The limited process' own side: limits set before anything is imported, stdout kept for answers."""

import os
import resource
import sys
from collections.abc import Callable
from typing import Final, TypeVar

from harness.records.base import Record

MEMORY_BYTES: Final = 4 * 2**30
FILE_BYTES: Final = 2**28
CPU_SECONDS: Final = 4800
"""Of all threads: what a deadline of ten minutes allows eight of them. A process whose caller died ends by itself."""

Job = TypeVar("Job", bound=Record)


def serve(kind: type[Job], run: Callable[[Job, Callable[[Record], None]], None]) -> None:
    """Read one job from stdin and run it; what it tells goes to the caller, one JSON line each.

    Standard output is moved away, because native code may print on it.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        _limit()

        def tell(answer: Record) -> None:
            answers.write(answer.model_dump_json() + "\n")
            answers.flush()

        run(kind.model_validate_json(sys.stdin.read()), tell)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for what, most in (
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
    ):
        _, hard = resource.getrlimit(what)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, allowed))
