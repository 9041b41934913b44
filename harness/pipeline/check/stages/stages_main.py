"""The limited process that runs a candidate's own stages on the host, telling each phase as it ends.

The user's code may crash, eat memory or never end: a watchdog ends it and says in which line it was. Raw samples, which
preprocess starts from, are read in whatever form they come.
"""

import faulthandler
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.check.sandbox import Tell
from harness.pipeline.check.stages.stages_arrays import Array, MisfitError, answer_text, as_floats, as_inputs
from harness.pipeline.check.stages.stages_client import PhaseDone, StagesFault, StagesJob
from harness.pipeline.check.verification.litert import LiteRTModel, RefusedError, repeatable_outputs
from harness.records.text import shorten

MOST_SAMPLE_BYTES = 64 * 2**20
FILENAME = "<stages>"
"""Of the user's code in tracebacks: short and ASCII, so that it is found again in what a watchdog prints."""
_KEPT_BYTES = 64 * 2**20
"""Raw samples travel to the board: at most so much of them, and at least one."""


class BadRawError(Exception):
    """The raw samples cannot be read; the message says why."""


class FaultError(Exception):
    """The stages file or the raw samples are at fault; the message names the file, and the line where there is one."""


def main(text: str, tell: Tell) -> None:
    """Run one job, a StagingJob."""
    faulthandler.enable()
    try:
        _run(StagesJob.model_validate_json(text), tell)
    except FaultError as fault:
        tell(StagesFault(fault=str(fault)))


def _run(job: StagesJob, tell: Tell) -> None:
    raws = _raw_samples(job)
    with _watch(job):
        functions = _functions(job)
        samples = [_preprocess(job, functions, at, raw) for at, raw in enumerate(raws)]
    kept = _within(raws[: job.keep_raw])
    _write(job.raw_path, {f"r{at}": raw for at, raw in enumerate(kept)})
    _write(job.samples_path, {f"i{at}": np.stack(column) for at, column in enumerate(zip(*samples, strict=True))})
    tell(PhaseDone(phase="preprocess", samples=len(kept)))
    try:
        outputs = _infer(job, samples[: len(kept)])
    except RefusedError as refusal:
        tell(PhaseDone(phase="postprocess", samples=len(kept), refused=str(refusal)))
        return
    tell(PhaseDone(phase="inference", samples=len(kept)))
    with _watch(job):
        answers = _answers(job, functions, outputs)
    tell(PhaseDone(phase="postprocess", samples=len(kept), answers=answers))


@contextmanager
def _watch(job: StagesJob) -> Iterator[None]:
    """End the process, with the line it was in on stderr, where the user's code takes too long."""
    faulthandler.dump_traceback_later(job.seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _raw_samples(job: StagesJob) -> list[Array]:
    try:
        return read_raw(Path(job.raw), job.keep)
    except BadRawError as error:
        raise FaultError(f"the samples {job.raw} {error}") from error


def _functions(job: StagesJob) -> dict[str, Callable[[Any], object]]:
    """Preprocess and postprocess, as far as the file defines them."""
    source = Path(job.copy_path).read_bytes()
    namespace: dict[str, Any] = {"__name__": "stages", "__file__": FILENAME}
    with _turn_into_fault(job, "the file"):
        exec(compile(source, FILENAME, "exec", dont_inherit=True), namespace)  # noqa: S102 - what this process is for
    return {name: namespace[name] for name in ("preprocess", "postprocess") if callable(namespace.get(name))}


def _preprocess(job: StagesJob, functions: dict[str, Callable[[Any], object]], at: int, raw: Array) -> list[Array]:
    preprocess = functions.get("preprocess")
    with _turn_into_fault(job, "preprocess", f" for sample {at}"):
        given = raw if preprocess is None else preprocess(raw)
    try:
        return [np.array(value) for value in as_inputs(given, job.inputs)]
    except MisfitError as error:
        subject = "preprocess gives" if preprocess else "there is no preprocess, and the raw samples are"
        raise FaultError(f"{job.stages}: {subject} {error} (sample {at})") from error


def _infer(job: StagesJob, samples: list[list[Array]]) -> list[list[Array]]:
    """The model's outputs for each sample, the first on a fresh interpreter. Raises RefusedError."""
    return repeatable_outputs(LiteRTModel(job.model), samples)


def _answers(
    job: StagesJob, functions: dict[str, Callable[[Any], object]], outputs: list[list[Array]]
) -> tuple[str, ...]:
    """One JSON text a sample; none at all where there is no postprocess."""
    postprocess = functions.get("postprocess")
    if postprocess is None:
        return ()
    texts = []
    for at, values in enumerate(outputs):
        with _turn_into_fault(job, "postprocess", f" for sample {at}"):
            answer = postprocess(as_floats(values, job.outputs))
        try:
            texts.append(answer_text(answer))
        except MisfitError as error:
            raise FaultError(f"{job.stages}: postprocess gives {error} (sample {at})") from error
    return tuple(texts)


@contextmanager
def _turn_into_fault(job: StagesJob, what: str, where: str = "") -> Iterator[None]:
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


def _write(path: str, arrays: dict[str, Array]) -> None:
    try:
        np.savez(path, allow_pickle=False, **arrays)
    except (OSError, ValueError) as error:
        raise FaultError(f"{path} cannot be written: {error}") from error


def read_raw(path: Path, limit: int) -> list[NDArray[Any]]:
    """At most ``limit`` samples, read-only.

    An .npz holds r0, r1... (one array a sample, of any shape each) or one array with samples on its first axis,
    an .npy the latter. Any other file is one sample: its bytes as uint8.
    Raises BadRawError.
    """
    try:
        found = _read(path, limit)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadRawError(f"cannot be read: {shorten(str(error))}") from error
    if not found:
        raise BadRawError("hold no sample")
    for at, sample in enumerate(found):
        if sample.nbytes > MOST_SAMPLE_BYTES:
            raise BadRawError(f"have {sample.nbytes} bytes in sample {at}; at most {MOST_SAMPLE_BYTES} go to a board")
        sample.setflags(write=False)
    return found


def _read(path: Path, limit: int) -> list[NDArray[Any]]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return _from_archive(archive, limit)
    if path.suffix == ".npy":
        return _rows(np.load(path, allow_pickle=False), limit)
    return [np.frombuffer(path.read_bytes(), dtype=np.uint8)]


def _from_archive(archive: Any, limit: int) -> list[NDArray[Any]]:  # noqa: ANN401 - numpy's NpzFile
    names = list(archive.files)
    numbered = [f"r{number}" for number in range(len(names))]
    if names and sorted(names) == sorted(numbered):
        return [archive[name] for name in numbered[:limit]]
    if len(names) == 1:
        return _rows(archive[names[0]], limit)
    raise BadRawError(f"hold {', '.join(sorted(names)[:8])}, where r0, r1... or one array was expected")


def _rows(array: NDArray[Any], limit: int) -> list[NDArray[Any]]:
    if array.ndim == 0:
        raise BadRawError("are one number, where samples on the first axis were expected")
    return [np.array(row) for row in array[:limit]]
