"""A candidate's own pre- and post-processing, run on the host once, in a limited process, before it goes to a board."""

import platform
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from harness.pipeline.cache import file_sha256, key, litert_version, lock, running_key
from harness.pipeline.check import sandbox
from harness.pipeline.check.inspection.model_file import inspect_file
from harness.pipeline.check.stages.stages_rules import check_stages
from harness.records.artifact import StagesFile, TensorInfo
from harness.records.base import Record
from harness.records.errors import BuildError
from harness.records.exit_status import describe_exit

Phase = Literal["preprocess", "inference", "postprocess"]
SAMPLES = 100
"""Raw samples that are preprocessed on the host: the model's outputs are checked with them."""
RAW_SAMPLES = 16
"""Raw samples that go to the board, where they are timed in turn and their answers compared with the host's."""
DEADLINE_S = 60.0
_GRACE_S = 60.0
"""For starting Python, and for the model."""
_MAIN = "harness.pipeline.check.stages.stages_main"
_ANSWER = "answer.json"
_RAW = "raw.npz"
_SAMPLES = "samples.npz"
_LINE = re.compile(r'File "<stages>", line (\d+)')


class StagesJob(Record):
    """A stages file, raw samples, and the model between the two stages."""

    stages: str
    """The file as the user knows it, for messages."""
    copy_path: str
    """The copy that is run."""
    raw: str
    model: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    keep: int
    """At most so many raw samples are preprocessed."""
    keep_raw: int
    """At most so many raw samples are kept for the board, with their answers."""
    raw_path: str
    samples_path: str
    seconds: float
    """For each of the user's two functions over all samples."""


class PhaseDone(Record):
    """A phase is over; the last one's ``answers`` are JSON texts. ``refused``: the model cannot be run here."""

    phase: Phase
    samples: int = 0
    """Raw samples kept for the board."""
    answers: tuple[str, ...] = ()
    refused: str | None = None


class StagesFault(Record):
    """What is wrong with the stages file or the raw samples, in one line that names the file."""

    fault: str


_TOLD: TypeAdapter[PhaseDone | StagesFault] = TypeAdapter(PhaseDone | StagesFault)


@dataclass(frozen=True)
class PreparedStages:
    """What the stages gave: the record for the artifact, and the preprocessed samples.

    ``samples`` is an .npz with i0, i1... in the model's own shapes and types, samples on the first axis: what the
    outputs of a model file are checked with, on the host and on the board.
    """

    file: StagesFile
    samples: Path
    cached: bool


def prepare_stages(  # noqa: PLR0913 - what the result depends on, by keyword
    stages: Path, raw: Path, *, model: Path, sha256: str, cache_dir: Path, deadline_s: float = DEADLINE_S
) -> PreparedStages:
    """Run preprocess, the model and postprocess on raw samples in a process that may crash or hang alone; kept once.

    ``raw`` is what ``staging_raw.read_raw`` reads: an .npz, an .npy, or any other file as its bytes.
    ``sha256`` is the model's. Each of the two functions has ``deadline_s`` for all samples.
    Where the host cannot run the model the answers are empty, and ``answers_reason`` says why; that is no error.
    Raises BuildError, one line with file and line, for a file that breaks the rules, raises, crashes or does not end,
    and for raw samples that cannot be read or whose preprocessed form does not fit the model.
    """
    check_stages(stages)
    stages_sha256 = file_sha256(stages)
    parts = [sha256, stages_sha256, file_sha256(raw), litert_version(), platform.machine(), running_key()]
    folder = cache_dir / "stages" / key(parts)
    with lock(folder):
        cached = (folder / _ANSWER).exists()
        done = PhaseDone.model_validate_json((folder / _ANSWER).read_text()) if cached else None
        if done is None:
            done = _run_stages(stages, raw, model=model, folder=folder, deadline_s=deadline_s)
    file = StagesFile(
        path=str(folder / stages.name),
        sha256=stages_sha256,
        raw_path=str(folder / _RAW),
        raw_sha256=file_sha256(folder / _RAW),
        samples=done.samples,
        answers=done.answers,
        answers_reason=done.refused,
    )
    return PreparedStages(file, folder / _SAMPLES, cached=cached)


def _run_stages(stages: Path, raw: Path, *, model: Path, folder: Path, deadline_s: float) -> PhaseDone:
    """Run the process into a folder beside, and give it its name when all went well."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    info = inspect_file(model)
    # What is measured later is what was run here, whatever becomes of the user's file meanwhile.
    copy = Path(shutil.copyfile(stages, partial / stages.name))
    job = StagesJob(
        stages=str(stages),
        copy_path=str(copy),
        raw=str(raw),
        model=str(model),
        inputs=info.inputs,
        outputs=info.outputs,
        keep=SAMPLES,
        keep_raw=RAW_SAMPLES,
        raw_path=str(partial / _RAW),
        samples_path=str(partial / _SAMPLES),
        seconds=deadline_s,
    )
    try:
        done = _ask(job)
        (partial / _ANSWER).write_text(done.model_dump_json())
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return done


def _ask(job: StagesJob) -> PhaseDone:
    reply = sandbox.run(_MAIN, job, sandbox.ProcessLimits(deadline_s=2 * job.seconds + _GRACE_S))
    told, how = _parse_phases(reply.lines), reply.ended or describe_exit(0)
    last = told[-1] if told else None
    if isinstance(last, StagesFault):
        raise BuildError(last.fault)
    if last is not None and last.phase == "postprocess":
        return last
    if last is not None and last.phase == "preprocess":
        # The model was at work when the process died: that is no fault of the user's two functions.
        return last.model_copy(update={"phase": "postprocess", "refused": f"{sandbox.LITERT} {how}"})
    raise BuildError(_how_it_died(job, "preprocess" if last is None else "postprocess", how, reply.printed))


def _parse_phases(lines: Iterable[str]) -> list[PhaseDone | StagesFault]:
    found = []
    for line in lines:
        try:
            found.append(_TOLD.validate_json(line))
        except ValidationError:
            break
    return found


def _how_it_died(job: StagesJob, phase: str, how: str, said: str) -> str:
    """The sentence for a process that gave no answer, with the line that the watchdog saw."""
    late, dump = said.rpartition("Timeout (")[1:], said.rpartition("most recent call first")[2]
    if late[0]:
        how, dump = f"did not end within {job.seconds:g} s", late[1]
    line = _LINE.search(dump)
    return f"{job.stages}{f', line {line.group(1)}' if line else ''}: {phase} {how}"
