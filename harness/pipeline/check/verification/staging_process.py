"""The limited process that runs a candidate's own stages on the host, telling each phase as it ends.

The user's code may crash, eat memory or never end: a watchdog ends it and says in which line it was.
"""

import faulthandler
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.pipeline.check.sandbox import Tell
from harness.pipeline.check.verification.running import Model, RefusedError, repeatable_outputs
from harness.pipeline.check.verification.staging_arrays import Array, MisfitError, answer_text, as_floats, as_inputs
from harness.pipeline.check.verification.staging_job import PhaseDone, StagingFault, StagingJob
from harness.pipeline.check.verification.staging_raw import BadRawError, read_raw
from harness.records.text import shorten

FILENAME = "<stages>"
"""Of the user's code in tracebacks: short and ASCII, so that it is found again in what a watchdog prints."""
_KEPT_BYTES = 64 * 2**20
"""Raw samples travel to the board: at most so much of them, and at least one."""


class FaultError(Exception):
    """The stages file or the raw samples are at fault; the message names the file, and the line where there is one."""


def main(text: str, tell: Tell) -> None:
    """Run one job, a StagingJob."""
    faulthandler.enable()
    try:
        _run(StagingJob.model_validate_json(text), tell)
    except FaultError as fault:
        tell(StagingFault(fault=str(fault)))


def _run(job: StagingJob, tell: Tell) -> None:
    raws = _raw_samples(job)
    with _watched(job):
        functions = _functions(job)
        samples = [_preprocessed(job, functions, at, raw) for at, raw in enumerate(raws)]
    kept = _within(raws[: job.keep_raw])
    _write(job.raw_path, {f"r{at}": raw for at, raw in enumerate(kept)})
    _write(job.samples_path, {f"i{at}": np.stack(column) for at, column in enumerate(zip(*samples, strict=True))})
    tell(PhaseDone(phase="preprocess", samples=len(kept)))
    try:
        outputs = _inferred(job, samples[: len(kept)])
    except RefusedError as refusal:
        tell(PhaseDone(phase="postprocess", samples=len(kept), refused=str(refusal)))
        return
    tell(PhaseDone(phase="inference", samples=len(kept)))
    with _watched(job):
        answers = _answers(job, functions, outputs)
    tell(PhaseDone(phase="postprocess", samples=len(kept), answers=answers))


@contextmanager
def _watched(job: StagingJob) -> Iterator[None]:
    """End the process, with the line it was in on stderr, where the user's code takes too long."""
    faulthandler.dump_traceback_later(job.seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _raw_samples(job: StagingJob) -> list[Array]:
    try:
        return read_raw(Path(job.raw), job.keep)
    except BadRawError as error:
        raise FaultError(f"the samples {job.raw} {error}") from error


def _functions(job: StagingJob) -> dict[str, Callable[[Any], object]]:
    """Preprocess and postprocess, as far as the file defines them."""
    source = Path(job.copy_path).read_bytes()
    namespace: dict[str, Any] = {"__name__": "stages", "__file__": FILENAME}
    with _blaming(job, "the file"):
        exec(compile(source, FILENAME, "exec", dont_inherit=True), namespace)  # noqa: S102 - what this process is for
    return {name: namespace[name] for name in ("preprocess", "postprocess") if callable(namespace.get(name))}


def _preprocessed(job: StagingJob, functions: dict[str, Callable[[Any], object]], at: int, raw: Array) -> list[Array]:
    preprocess = functions.get("preprocess")
    with _blaming(job, "preprocess", f" for sample {at}"):
        given = raw if preprocess is None else preprocess(raw)
    try:
        return [np.array(value) for value in as_inputs(given, job.inputs)]
    except MisfitError as error:
        subject = "preprocess gives" if preprocess else "there is no preprocess, and the raw samples are"
        raise FaultError(f"{job.stages}: {subject} {error} (sample {at})") from error


def _answers(
    job: StagingJob, functions: dict[str, Callable[[Any], object]], outputs: list[list[Array]]
) -> tuple[str, ...]:
    """One JSON text a sample; none at all where there is no postprocess."""
    postprocess = functions.get("postprocess")
    if postprocess is None:
        return ()
    texts = []
    for at, values in enumerate(outputs):
        with _blaming(job, "postprocess", f" for sample {at}"):
            answer = postprocess(as_floats(values, job.outputs))
        try:
            texts.append(answer_text(answer))
        except MisfitError as error:
            raise FaultError(f"{job.stages}: postprocess gives {error} (sample {at})") from error
    return tuple(texts)


@contextmanager
def _blaming(job: StagingJob, what: str, where: str = "") -> Iterator[None]:
    """What the user's code raises becomes a FaultError with the line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILENAME]
        line = f", line {lines[-1]}" if lines else ""
        said = shorten(str(error))
        raise FaultError(
            f"{job.stages}{line}: {what} raised {type(error).__name__}{': ' if said else ''}{said}{where}"
        ) from error


def _within(raws: list[Array]) -> list[Array]:
    kept: list[Array] = []
    total = 0
    for raw in raws:
        total += raw.nbytes
        if kept and total > _KEPT_BYTES:
            break
        kept.append(raw)
    return kept


def _inferred(job: StagingJob, samples: list[list[Array]]) -> list[list[Array]]:
    """The model's outputs for each sample, the first on a fresh interpreter. Raises RefusedError."""
    return repeatable_outputs(Model(job.model), samples)


def _write(path: str, arrays: dict[str, Array]) -> None:
    try:
        np.savez(path, allow_pickle=False, **arrays)
    except (OSError, ValueError) as error:
        raise FaultError(f"{path} cannot be written: {error}") from error
