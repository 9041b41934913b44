"""What a model gives on the host, from a limited process: golden outputs and scores, computed once and kept."""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from harness.pipeline.cache import GOLDEN, file_sha256, fill_folder, key, litert_version, lock, running_key
from harness.pipeline.check import sandbox
from harness.records.artifact import BuiltinOutputs, GoldenOutputs, TensorInfo
from harness.records.base import Record
from harness.records.errors import BuildError

GIVEN_SAMPLES: Final = 100
"""Of a file."""
RANDOM_SAMPLES: Final = 16
_MAIN: Final = "harness.pipeline.check.verification.golden_main"
_ANSWER = "answer.json"
_INPUTS, _OUTPUTS, _SCORES, _BUILTIN = "inputs.npz", "outputs.npz", "scores.npz", "builtin.npz"
_MOST_THREADS = 8
Score = Literal["top1", "auc", "own"]
"""How labelled samples are scored; of own their outputs are kept, which the user's metric takes all at once."""


class GoldenJob(Record):
    """A model to run on the host, and with what."""

    model: str
    samples: str | None
    """npz with i0, i1... and, for what is scored, labels; None: seeded random inputs."""
    keep: int
    """At most so many samples are kept with their outputs."""
    seed: int
    score: Score | None
    """How each labelled sample is scored; None: not at all."""
    threads: int
    inputs_path: str
    outputs_path: str
    scores_path: str
    builtin_path: str


class GoldenAnswer(Record):
    """How many samples were kept and what the outputs are; or the refusal. The first of all answers."""

    samples: int = 0
    outputs: tuple[TensorInfo, ...] = ()
    refused: str | None = None
    bad_samples: str | None = None
    """What is wrong with the samples that were given."""


class ScoreAnswer(Record):
    """How many samples were scored, or why none was."""

    n: int = 0
    reason: str | None = None


class BuiltinAnswer(Record):
    """How far the built-in kernels' outputs are from XNNPACK's; None where they are the same bits. The last answer."""

    sqnr_db: float | None = None
    reason: str | None = None
    """Why they are not known."""


@dataclass(frozen=True)
class HostInputs:
    """What a model is run on: an .npz or .npy file, or (None) random inputs from a seed.

    ``real`` says whether a file holds real samples, or ones that were made up before.
    """

    samples: Path | None
    seed: int
    real: bool = True


@dataclass(frozen=True)
class HostOutputs:
    """Golden outputs, or why there are none; a file with ``n`` samples' scores, or why it is not there."""

    golden: GoldenOutputs | None
    reason: str | None
    outputs: tuple[TensorInfo, ...] = ()
    scores: Path | None = None
    n: int = 0
    scores_reason: str | None = None
    cached: bool = False


class GoldenAnswers(Record):
    """What is kept of a run beside its arrays."""

    golden: GoldenAnswer
    score: ScoreAnswer | None
    builtin: BuiltinAnswer | None = None


def run_on_host(  # noqa: PLR0913 - by keyword
    model: Path,
    sha256: str,
    *,
    inputs: HostInputs,
    score: Score | None,
    cache_dir: Path,
    deadline_s: float,
) -> HostOutputs:
    """Run a model on samples, or on seeded random inputs, in a process that may crash or hang alone.

    With a ``score``, every labelled sample is scored. Raises BuildError for samples that do not fit the model;
    a model that cannot be run is no error here.
    """
    runtime = litert_version()
    if runtime is None:
        return HostOutputs(None, "this host has no LiteRT to compute them with")
    samples = inputs.samples
    given = [file_sha256(samples), inputs.real] if samples else inputs.seed
    folder = cache_dir / GOLDEN / key([sha256, given, score, runtime, platform.machine(), running_key()])
    with lock(folder):
        found = _read(folder)
        cached = found is not None
        found = found or _run(model, folder, inputs, score, deadline_s)
    if found.golden.bad_samples is not None:
        raise BuildError(f"the samples {samples} do not fit {model.name}: {found.golden.bad_samples}")
    if found.golden.refused is not None:
        return HostOutputs(None, found.golden.refused, cached=cached)
    scored = found.score or ScoreAnswer()
    return HostOutputs(
        golden=_golden(folder, found, runtime, real=samples is not None and inputs.real),
        reason=None,
        outputs=found.golden.outputs,
        scores=folder / _SCORES if scored.n else None,
        n=scored.n,
        scores_reason=scored.reason,
        cached=cached,
    )


def _read(folder: Path) -> GoldenAnswers | None:
    try:
        return GoldenAnswers.model_validate_json((folder / _ANSWER).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError, ValueError):
        return None


def _run(model: Path, folder: Path, inputs: HostInputs, score: Score | None, deadline_s: float) -> GoldenAnswers:
    """Run the process. What it answers is kept; how it died is not, since that may have been the machine's load."""
    with fill_folder(folder) as partial:
        job = GoldenJob(
            model=str(model),
            samples=str(inputs.samples) if inputs.samples else None,
            keep=GIVEN_SAMPLES if inputs.samples else RANDOM_SAMPLES,
            seed=inputs.seed,
            score=score,
            threads=min(_MOST_THREADS, len(os.sched_getaffinity(0))),
            inputs_path=str(partial / _INPUTS),
            outputs_path=str(partial / _OUTPUTS),
            scores_path=str(partial / _SCORES),
            builtin_path=str(partial / _BUILTIN),
        )
        limits = sandbox.ProcessLimits(deadline_s=deadline_s, file_bytes=2**31 if score == "own" else 2**28)
        reply = sandbox.run(_MAIN, job, limits)
        found, whole = _parse_answers(reply, scored=score is not None)
        if whole:
            (partial / _ANSWER).write_text(found.model_dump_json(), encoding="utf-8")
    if not whole and found.golden.refused is not None:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _parse_answers(reply: sandbox.Reply, *, scored: bool) -> tuple[GoldenAnswers, bool]:
    """What was answered before the process ended, and whether it was all."""
    lines = reply.lines
    if not lines:
        return GoldenAnswers(golden=GoldenAnswer(refused=reply.failure()), score=None), False
    try:
        answer = GoldenAnswer.model_validate_json(lines[0])
        score = ScoreAnswer.model_validate_json(lines[1]) if scored and len(lines) > 1 else None
        last = BuiltinAnswer.model_validate_json(lines[-1]) if len(lines) > 1 + scored else None
    except ValidationError:
        return GoldenAnswers(
            golden=GoldenAnswer(refused="LiteRT on this host gave an answer that is none"), score=None
        ), False
    if reply.ended is not None and scored and score is None:
        score = ScoreAnswer(reason=f"{reply.failure()} while its test samples were run")
    return GoldenAnswers(golden=answer, score=score, builtin=last), reply.ended is None


def _golden(folder: Path, found: GoldenAnswers, runtime: str, *, real: bool) -> GoldenOutputs:
    return GoldenOutputs(
        inputs_path=str(folder / _INPUTS),
        inputs_sha256=file_sha256(folder / _INPUTS),
        outputs_path=str(folder / _OUTPUTS),
        outputs_sha256=file_sha256(folder / _OUTPUTS),
        samples=found.golden.samples,
        real=real,
        runtime=f"litert {runtime}",
        arch=platform.machine(),
        num_threads=1,
        delegate="xnnpack",
        builtin=_builtin(folder / _BUILTIN, found.builtin),
    )


def _builtin(outputs: Path, answer: BuiltinAnswer | None) -> BuiltinOutputs | None:
    if answer is None or answer.sqnr_db is None:
        return None
    return BuiltinOutputs(outputs_path=str(outputs), outputs_sha256=file_sha256(outputs), sqnr_db=answer.sqnr_db)
