"""A job done in a process of its own, with limits on memory, files and time, since what it runs may be a stranger's.

It can crash, eat memory or never end. This is the caller's side; ``sandbox_main`` is what the process starts with.
The job's own side is a module named ``..._main``, whose ``main(text, tell)`` reads the job and tells its answers.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeVar

from pydantic import ValidationError

from harness.records.base import Record
from harness.records.exit_status import describe_exit
from harness.records.text import shorten

Tell = Callable[[Record], None]
"""How a job's own side hands an answer to the caller, at once."""
Answer = TypeVar("Answer", bound=Record)

LITERT: Final = "LiteRT on this host"
_START: Final = "harness.pipeline.check.sandbox_main"
_MOST_ANSWER_BYTES: Final = 2**24
_PRINTED_BYTES: Final = 2**20
_WARNING: Final = re.compile(r"^\S.*:\d+: \w*Warning: ")
_NOTICE: Final = re.compile(rf"INFO: |[IW]\d{{4}} |\d{{4}}-\d\d-\d\d .*: [IW] |{_WARNING.pattern}")


@dataclass(frozen=True)
class ProcessLimits:
    """What a process may take: seconds of the clock, bytes of address space, bytes of each file, processor seconds.

    ``cpu_s`` is of all threads: what a deadline of ten minutes allows eight of them. By it a process whose caller died
    ends by itself.
    """

    deadline_s: float
    memory_bytes: int = 4 * 2**30
    file_bytes: int = 2**28
    cpu_s: int = 4800


@dataclass(frozen=True)
class Reply:
    """Whole lines that a process answered, how it ended where it did not end well, and the last of what it printed."""

    lines: tuple[str, ...] = ()
    ended: str | None = None
    printed: str = ""

    def first(self, kind: type[Answer]) -> Answer | None:
        """The first answer; None where there is none that is one."""
        try:
            return kind.model_validate_json(self.lines[0] if self.lines else "")
        except ValidationError:
            return None

    def failure(self, who: str = LITERT) -> str:
        """Why there is no answer, or no further one, with the process' last words; begins with ``who``."""
        if self.ended is None:
            return f"{who} gave no answer"
        words = last_words(self.printed)
        return f"{who} {self.ended}" + (f': "{words}"' if words else "")


def run(module: str, job: Record, limits: ProcessLimits) -> Reply:
    """Have a job done by a module's ``main`` in a process with limits; never raises for what becomes of it."""
    with tempfile.TemporaryFile() as answers, tempfile.TemporaryFile() as errors:
        ended = _ended(module, job, limits, answers=answers, errors=errors)
        answers.seek(0)
        *lines, _torn = answers.read(_MOST_ANSWER_BYTES).decode("utf-8", "replace").split("\n")
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _PRINTED_BYTES))
        return Reply(tuple(lines), ended, errors.read().decode("utf-8", "replace"))


def _ended(module: str, job: Record, limits: ProcessLimits, *, answers: IO[bytes], errors: IO[bytes]) -> str | None:
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-m", _START, module),
                *map(str, (limits.memory_bytes, limits.file_bytes, limits.cpu_s)),
            ],
            input=job.model_dump_json().encode(),
            stdout=answers,
            stderr=errors,
            timeout=limits.deadline_s,
            check=False,
            env=child_environment(OPENBLAS_NUM_THREADS="1"),
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {limits.deadline_s:g} s"
    return describe_exit(done.returncode) if done.returncode else None


def child_environment(**extra: str) -> dict[str, str]:
    """This process' environment, with the harness importable and other names set."""
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **extra}


def last_words(printed: str) -> str:
    """The last line that a process printed of its own end, on one line; "" where it printed none.

    Notices of a runtime and warnings, each with the source line that Python prints below, tell nothing of it.
    """
    lines = [line for line in printed.splitlines() if line.strip()]
    told = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if not _NOTICE.match(line) and not (_WARNING.search(before) and line.startswith("  "))
    ]
    return shorten("".join(char for char in told[-1] if char.isprintable())) if told else ""
