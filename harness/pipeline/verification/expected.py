"""What a model gives on the host, from a limited process: golden outputs and accuracy, computed once."""

import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from harness.pipeline.building.worker_process import child_environment
from harness.pipeline.cache import file_sha256, key, litert_version, lock, running_key
from harness.pipeline.verification.golden_job import GoldenAnswer, GoldenJob
from harness.records.artifact import GoldenOutputs
from harness.records.errors import BuildError

REAL_SAMPLES = 100
RANDOM_SAMPLES = 16
_ANSWER = "answer.json"
_STDERR_BYTES = 2**20


@dataclass(frozen=True)
class Expected:
    """Golden outputs, or why there are none; of ``n`` labelled samples how many were right."""

    golden: GoldenOutputs | None
    reason: str | None
    n: int
    correct: int | None
    cached: bool


@dataclass(frozen=True)
class Inputs:
    """What a model is run on: an .npz or .npy file, or (None) random inputs from a seed."""

    samples: Path | None
    seed: int


def expected_outputs(model: Path, sha256: str, *, inputs: Inputs, cache_dir: Path, deadline_s: float) -> Expected:
    """Run a model on samples, or on seeded random inputs, in a process that may crash or hang alone.

    Raises BuildError for samples that do not fit the model; a model that cannot be run is no error here.
    """
    runtime = litert_version()
    if runtime is None:
        return Expected(None, "this host has no LiteRT to compute them with", 0, None, cached=False)
    samples = inputs.samples
    parts = [sha256, file_sha256(samples) if samples else inputs.seed, runtime, platform.machine(), running_key()]
    folder = cache_dir / "golden" / key(parts)
    with lock(folder):
        cached = (folder / _ANSWER).exists()
        answer = (
            GoldenAnswer.model_validate_json((folder / _ANSWER).read_text())
            if cached
            else _run(model, folder, inputs, deadline_s)
        )
    if answer.bad_samples is not None:
        raise BuildError(f"the samples {samples} do not fit {model.name}: {answer.bad_samples}")
    if answer.refused is not None:
        return Expected(None, answer.refused, 0, None, cached=cached)
    return Expected(
        GoldenOutputs(
            inputs_path=str(folder / "inputs.npz"),
            inputs_sha256=file_sha256(folder / "inputs.npz"),
            outputs_path=str(folder / "outputs.npz"),
            outputs_sha256=file_sha256(folder / "outputs.npz"),
            samples=answer.samples,
            real=samples is not None,
            runtime=f"litert {runtime}",
            arch=platform.machine(),
            num_threads=1,
            delegate="xnnpack",
        ),
        None,
        answer.n,
        answer.correct,
        cached=cached,
    )


def _run(model: Path, folder: Path, inputs: Inputs, deadline_s: float) -> GoldenAnswer:
    """Run the process; what it answers is kept, how it died is not (it may have been the machine's load)."""
    samples, partial = inputs.samples, folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    job = GoldenJob(
        model=str(model),
        samples=str(samples) if samples else None,
        keep=REAL_SAMPLES if samples else RANDOM_SAMPLES,
        seed=inputs.seed,
        inputs_path=str(partial / "inputs.npz"),
        outputs_path=str(partial / "outputs.npz"),
    )
    answer, died = _ask(job, deadline_s)
    if answer is None:
        shutil.rmtree(partial, ignore_errors=True)
        return GoldenAnswer(refused=died)
    (partial / _ANSWER).write_text(answer.model_dump_json())
    partial.rename(folder)
    return answer


def _ask(job: GoldenJob, deadline_s: float) -> tuple[GoldenAnswer | None, str]:
    """The process' answer, or None and how it died."""
    with tempfile.TemporaryFile() as errors:
        return _ask_into(job, deadline_s, errors)


def _ask_into(job: GoldenJob, deadline_s: float, errors: IO[bytes]) -> tuple[GoldenAnswer | None, str]:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "harness.pipeline.verification.golden"],
            input=job.model_dump_json(),
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
            timeout=deadline_s,
            check=False,
            env=child_environment(OPENBLAS_NUM_THREADS="1"),
        )
    except subprocess.TimeoutExpired:
        return None, f"LiteRT on this host took longer than {deadline_s:.0f} s"
    if done.returncode < 0:
        return None, f"LiteRT on this host was killed by {_signal_name(-done.returncode)}"
    try:
        return GoldenAnswer.model_validate_json(done.stdout), ""
    except ValidationError:
        errors.seek(0)
        lines = errors.read(_STDERR_BYTES).decode("utf-8", "replace").strip().splitlines()
        last = lines[-1][:300] if lines else "no message"
        return None, f"LiteRT on this host ended with status {done.returncode}: {last}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
