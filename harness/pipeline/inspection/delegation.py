"""Which operators XNNPACK takes, as LiteRT on this host hands them over, asked in a limited process.

A file does not say it: XNNPACK looks at types, shapes and options of each operator, and its rules change from version
to version. So LiteRT loads the model with its default delegate and allocates tensors, which is when operators are
handed over; nothing is run. The interpreter then lists the file's operators, followed by one DELEGATE node for each
part that XNNPACK took, with what that part reads and writes. An operator is in a part when walking back from what the
part writes meets it before anything the part reads: as parts are made (tensorflow/lite/graph_info.cc) that is exact,
save for operators whose results nobody reads.
"""

import platform
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from harness.pipeline.building.worker_process import child_environment
from harness.pipeline.cache import litert_version
from harness.pipeline.inspection.delegation_job import DelegationAnswer, DelegationJob
from harness.pipeline.inspection.model_file import ModelInfo
from harness.records.artifact import OperatorTally

DEADLINE_S: Final = 60.0
_PROCESS = "harness.pipeline.inspection.delegation_process"
_STDERR_BYTES = 2**16


@dataclass(frozen=True)
class Delegation:
    """How many operators of each name XNNPACK took, and in how many parts; or why that is not known."""

    taken: dict[str, int] | None
    parts: int
    told_by: str
    """e.g. "LiteRT 2.3.0 on this host (x86_64)"."""
    reason: str | None = None


def ask_xnnpack(path: Path, info: ModelInfo, *, deadline_s: float = DEADLINE_S) -> Delegation:
    """What XNNPACK takes of the model's first graph. Never raises: what goes wrong is the reason."""
    version = litert_version()
    told_by = f"LiteRT {version} on this host ({platform.machine()})"
    if version is None:
        return Delegation(None, 0, told_by, "this host has no LiteRT to ask")
    answer = _ask(DelegationJob(model=str(path.resolve())), deadline_s)
    if answer.refused is None and answer.operators == info.contents.order:
        taken = Counter(answer.operators[index] for index in answer.taken)
        return Delegation(dict(taken), answer.parts, told_by)
    reason = answer.refused or f"{told_by} lists other operators than the file"
    return Delegation(None, 0, told_by, reason)


def with_xnnpack(tallies: tuple[OperatorTally, ...], delegation: Delegation) -> tuple[OperatorTally, ...]:
    """The tallies with what XNNPACK took; unchanged where that is not known."""
    taken = delegation.taken
    if taken is None:
        return tallies
    return tuple(tally.model_copy(update={"xnnpack": taken.get(tally.name, 0)}) for tally in tallies)


def _ask(job: DelegationJob, deadline_s: float) -> DelegationAnswer:
    with tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", _PROCESS],
                input=job.model_dump_json().encode(),
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=deadline_s,
                check=False,
                env=child_environment(OPENBLAS_NUM_THREADS="1"),
            )
        except subprocess.TimeoutExpired:
            return DelegationAnswer(refused=f"LiteRT took longer than {deadline_s:g} s to load it")
        if done.returncode < 0:
            return DelegationAnswer(refused=f"LiteRT was killed by {_signal(-done.returncode)} while loading it")
        try:
            return DelegationAnswer.model_validate_json(done.stdout)
        except ValidationError:
            return DelegationAnswer(refused=f"LiteRT ended with status {done.returncode}: {_last_line(errors)}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read(_STDERR_BYTES).decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "no message"
