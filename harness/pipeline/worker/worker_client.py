"""The caller's side of a worker: starts it at the first request, feeds it, ends it."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from types import TracebackType
from typing import IO, Final, Self

from pydantic import ValidationError

from harness.pipeline.check.sandbox import child_environment, last_words
from harness.pipeline.worker.determinism import ENVIRONMENT
from harness.pipeline.worker.protocol import Convert, Prepare, Request, WorkerAnswer
from harness.records.errors import BuildError
from harness.records.exit_status import describe_exit

SILENCE_S: Final = 1800.0
"""A worker that neither tells nor prints anything for so long is given up."""
MEMORY_BYTES: Final = 6 * 10**9
"""For all workers together, where the caller does not say."""
CPU_S: Final = 300.0
"""What reading a SavedModel and running it on a few samples may take of all cores together: it may be a stranger's."""
_MODULE = "harness.pipeline.worker.worker_main"
_STOP_SECONDS = 10.0
_LOOK_S = 1.0
_STDERR_TAIL = 2**16
_CRASHED: Final = ": its number format is too much for the converter: choose another, such as float16 or dynamic_int8"


class SilentError(Exception):
    """Nothing was heard of the worker for too long."""


class WorkerClient:
    """A process for one request after another; nothing is started before the first, and a dead one is replaced.

    ``memory_bytes`` limits its data (RLIMIT_DATA); ``silence_s`` is how long it may give no sign of life; ``cpu_s``
    limits the processor's time for reading a SavedModel. ``module`` is what the process runs.
    """

    def __init__(
        self,
        *,
        memory_bytes: int = MEMORY_BYTES,
        silence_s: float = SILENCE_S,
        cpu_s: float = CPU_S,
        module: str = _MODULE,
    ) -> None:
        self._module = module
        self._memory_bytes = memory_bytes
        self._cpu_s = cpu_s
        self._silence_s = silence_s
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._killing = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, request: Request, progress: Callable[[str], None]) -> WorkerAnswer:
        """Do one request, telling the steps as they begin. Raises BuildError."""
        process = self._started(request)
        try:
            if process.stdin is not None:
                process.stdin.write(request.model_dump_json().encode() + b"\n")
                process.stdin.flush()
            for answer in self._answers(process):
                if answer.event == "error":
                    raise BuildError(answer.message)
                if answer.event == "done":
                    return answer
                progress(answer.message)
        except SilentError:
            _end(process)
            raise BuildError(
                f"{request.label}: nothing was heard of its process for {_spoken(self._silence_s)}, so it was ended: "
                "let the factory print its progress, or train beforehand and give weights="
            ) from None
        except BrokenPipeError:
            pass  # it is dead, and how it died is told below
        except ValidationError:
            _end(process)
            raise BuildError(f"{request.label}: the process that builds it talks nonsense and was ended") from None
        raise BuildError(self._death(process, request))

    def kill(self) -> None:
        """End the process and all it started, for good; may be called while another thread asks."""
        with self._killing:
            self._closed = True
            process = self._process
        if process is not None:
            _end(process)

    def close(self) -> None:
        """End the process, if there is one, and give back what it held."""
        self.kill()
        self._forget()

    def _started(self, request: Request) -> subprocess.Popen[bytes]:
        if isinstance(request, Prepare | Convert) and find_spec("tensorflow") is None:
            raise BuildError(
                "building needs TensorFlow, which is not installed: pip install 'edge-harness[convert]', "
                "give a .tflite file, or name a folder of built ones with --artifacts"
            )
        with self._killing:
            if self._closed:
                raise BuildError(f"{request.label}: building was cancelled")
            if self._process is None or self._process.poll() is not None:
                self._forget()
                self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", self._module, str(self._memory_bytes), str(self._cpu_s)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    env=child_environment(**ENVIRONMENT),
                    start_new_session=True,
                )
            return self._process

    def _answers(self, process: subprocess.Popen[bytes]) -> Iterator[WorkerAnswer]:
        """Lines as they come, until there are no more. Raises SilentError."""
        if process.stdout is None:
            return
        waiting, heard, printed = b"", time.monotonic(), self._printed()
        while True:
            if not select.select([process.stdout], [], [], min(_LOOK_S, self._silence_s))[0]:
                if self._printed() != printed:
                    heard, printed = time.monotonic(), self._printed()
                if time.monotonic() - heard > self._silence_s:
                    raise SilentError
                continue
            heard = time.monotonic()
            content = os.read(process.stdout.fileno(), 2**16)
            if not content:
                return
            *lines, waiting = (waiting + content).split(b"\n")
            for line in lines:
                yield WorkerAnswer.model_validate_json(line)

    def _printed(self) -> int:
        """How much was printed so far: a sign of life too."""
        return os.fstat(self._errors.fileno()).st_size if self._errors is not None else 0

    def _death(self, process: subprocess.Popen[bytes], request: Request) -> str:
        """How it ended, with its last words."""
        _let_it_end(process)
        _end(process)
        if self._closed:
            return f"{request.label}: building was cancelled"
        words = self._last_words()
        status = process.returncode
        if "bad_alloc" in words or "MemoryError" in words:
            return f"{request.label} needs more memory than the {self._memory_bytes / 1e9:.1f} GB it may have"
        if status == -signal.SIGPROF:
            return (
                f"{request.label}: reading it and running it on a few samples took more than the {self._cpu_s:g} s of "
                "processor time that it may have: does it hold a loop without end?"
            )
        how = describe_exit(status)
        instead = _CRASHED if status < 0 and isinstance(request, Convert) else ""
        return f"{request.label}: the process that builds it {how}" + (f': "{words}"' if words else "") + instead

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        end = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, end - _STDERR_TAIL))
        return last_words(self._errors.read().decode("utf-8", "replace"))

    def _forget(self) -> None:
        if self._errors is not None:
            self._errors.close()
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(BrokenPipeError):
                    if pipe is not None:
                        pipe.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with all it started (a model being run must not live on), and take its status."""
    if process.returncode is None:
        # Until its status is taken, nobody else can have its number.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)


def _let_it_end(process: subprocess.Popen[bytes]) -> None:
    """Wait a moment for one that closed its pipes, without taking its status."""
    until = time.monotonic() + _STOP_SECONDS
    while process.returncode is None and time.monotonic() < until:
        with suppress(ChildProcessError):
            if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
                return
        time.sleep(0.01)


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:g} s"
