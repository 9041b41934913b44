"""A process that builds: requests as JSON lines on stdin, answers as JSON lines on stdout.

TensorFlow is imported at the first request that needs it, once. Standard output is moved away at start, because the
converter prints on it; that text ends on stderr. When stdin ends, the process and all it started end at once.
"""

import os
import queue
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from harness.pipeline.worker.protocol import (
    REQUEST,
    Convert,
    FileData,
    Fix,
    Prepare,
    Quantize,
    Request,
    Stage,
    Verify,
    WorkerAnswer,
)
from harness.records.errors import EntryError
from harness.records.text import shorten

Say = Callable[[str], None]

_MESSAGE_CHARS = 1000


def main() -> None:
    """Serve requests until stdin ends. Arguments: the memory limit in bytes, a SavedModel's limit in CPU seconds."""
    memory, cpu_s = int(sys.argv[1]), float(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        threading.Thread(target=_listen, args=(lines,), daemon=True).start()
        while True:
            request = REQUEST.validate_json(lines.get())
            _answer(answers, _served(request, answers, memory=memory, cpu_s=cpu_s))


def _listen(lines: "queue.SimpleQueue[str]") -> None:
    """A thread of its own, so that the end of the one who asks is seen in the middle of a training too."""
    for line in sys.stdin:
        lines.put(line)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)  # started by hand: the group is not its own


@contextmanager
def _cpu_limit(request: Request, seconds: float) -> Iterator[None]:
    """End this process by SIGPROF where reading a SavedModel takes too long: no handler runs while a graph does."""
    strange = isinstance(request, Prepare) and request.job.model.kind == "saved_model"
    signal.setitimer(signal.ITIMER_PROF, seconds if strange else 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _served(request: Request, answers: TextIO, *, memory: int, cpu_s: float) -> WorkerAnswer:
    def say(message: str) -> None:
        _answer(answers, WorkerAnswer(event="progress", message=message))

    try:
        if isinstance(request, Prepare | Convert):
            _with_tensorflow(say)  # once for all, so no artifact's own seconds
        began = time.monotonic()
        with _cpu_limit(request, cpu_s):
            result = _do(request, say)
    except EntryError as error:
        return WorkerAnswer(event="error", message=shorten(str(error), _MESSAGE_CHARS))
    except MemoryError:
        said = f"{request.label} needs more memory than the {memory / 1e9:.1f} GB it may have"
        return WorkerAnswer(event="error", message=said)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        said = f"{request.label}: {where}{error.strerror or error}"
        return WorkerAnswer(event="error", message=shorten(said, _MESSAGE_CHARS))
    except Exception as error:  # whatever a library raises is one line for the user, and the next request is served
        traceback.print_exc()
        said = f"{request.label}: {type(error).__name__}: {error}"
        return WorkerAnswer(event="error", message=shorten(said, _MESSAGE_CHARS))
    return WorkerAnswer(event="done", seconds=round(time.monotonic() - began, 3), result=result)


def _do(request: Request, say: Say) -> str:
    work: dict[type, Callable[[Any, Say], str]] = {
        Prepare: _prepare,
        Convert: _convert,
        Quantize: _quantize,
        Fix: _fix,
        FileData: _file_data,
        Stage: _stage,
        Verify: _verify,
    }
    return work[type(request)](request, say)


def _prepare(request: Prepare, say: Say) -> str:
    from harness.pipeline.model.export.prepare import prepare

    prepare(request.job, say)
    return ""


def _convert(request: Convert, say: Say) -> str:
    from harness.pipeline.model.conversion.convert import convert

    say("converting")
    convert(request.job, Path(request.job.prepared))
    return ""


def _quantize(request: Quantize, say: Say) -> str:
    from harness.pipeline.model.conversion.quantize_client import quantize_file

    say("quantising")
    samples = Path(request.samples) if request.samples else None
    quantize_file(
        Path(request.source), request.recipe, Path(request.output), samples=samples, seed=request.seed, say=say
    )
    return ""


def _fix(request: Fix, say: Say) -> str:
    from harness.pipeline.model.conversion.fixed_file_client import write_fixed_file

    say("fixing its signature and sizes")
    samples = Path(request.samples) if request.samples else None
    write_fixed_file(Path(request.source), Path(request.output), signature=request.signature, samples=samples)
    return ""


def _file_data(request: FileData, say: Say) -> str:
    from harness.pipeline.model.export.file_data import write_file_data

    say("reading its data set")
    write_file_data(request)
    return ""


def _stage(request: Stage, _say: Say) -> str:
    from harness.pipeline.check.stages.stages_client import prepare_stages
    from harness.pipeline.worker.protocol import Staging

    found = prepare_stages(
        Path(request.stages),
        Path(request.raw),
        model=Path(request.model),
        sha256=request.sha256,
        cache_dir=Path(request.cache_dir),
    )
    return Staging(file=found.file, samples=str(found.samples)).model_dump_json()


def _verify(request: Verify, _say: Say) -> str:
    from harness.pipeline.worker.verify_worker import check

    return check(request).model_dump_json()


def _with_tensorflow(say: Say) -> None:
    if "tensorflow" not in sys.modules:
        from harness.pipeline.worker.determinism import start_tensorflow

        say("starting TensorFlow")
        start_tensorflow()


def _answer(answers: TextIO, answer: WorkerAnswer) -> None:
    answers.write(answer.model_dump_json() + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
