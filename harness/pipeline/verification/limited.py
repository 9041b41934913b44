"""The caller's side of a limited process: one job on its stdin, answers as they come, a deadline, and how it died.

What it runs may be a stranger's: it can crash, eat memory or never end.
"""

import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO, Final

from harness.pipeline.building.worker_process import child_environment, last_words
from harness.records.base import Record

_TAIL_BYTES: Final = 2**16
_MOST_ANSWER_BYTES: Final = 2**24


@dataclass(frozen=True)
class Reply:
    """Whole lines that the process answered; ``died`` says how it ended, None where it ended well."""

    lines: tuple[str, ...]
    died: str | None


def ask(module: str, job: Record, *, deadline_s: float, who: str = "LiteRT on this host") -> Reply:
    """Run a module as a process of its own, with a job, for at most ``deadline_s``; ``died`` begins with ``who``."""
    with tempfile.TemporaryFile() as answers, tempfile.TemporaryFile() as errors:
        how = _run(module, job, deadline_s=deadline_s, answers=answers, errors=errors)
        answers.seek(0)
        *lines, _torn = answers.read(_MOST_ANSWER_BYTES).decode("utf-8", "replace").split("\n")
        return Reply(tuple(lines), None if how is None else f"{who} {how}{_last_words(errors)}")


def _run(module: str, job: Record, *, deadline_s: float, answers: IO[bytes], errors: IO[bytes]) -> str | None:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module],
            input=job.model_dump_json().encode(),
            stdout=answers,
            stderr=errors,
            timeout=deadline_s,
            check=False,
            env=child_environment(OPENBLAS_NUM_THREADS="1"),
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {deadline_s:g} s"
    if done.returncode < 0:
        return f"was killed by {_signal_name(-done.returncode)}"
    return f"ended with status {done.returncode}" if done.returncode else None


def _last_words(errors: IO[bytes]) -> str:
    size = errors.seek(0, 2)
    errors.seek(max(0, size - _TAIL_BYTES))
    text = last_words(errors.read().decode("utf-8", "replace"))
    return f': "{text}"' if text else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
