"""The caller's side of the worker: starts it at the first job, feeds it, ends it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from harness.pipeline.building.jobs import BuildJob, WorkerAnswer
from harness.records.errors import BuildError

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
}
_STOP_SECONDS = 5.0


def child_environment(**extra: str) -> dict[str, str]:
    """This process' environment, with the harness importable and other names set."""
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **extra}


class Worker:
    """A TensorFlow process for one job after another; nothing is started before the first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, job: BuildJob, progress: Callable[[str], None]) -> None:
        """Do one job, telling the steps as they begin. Raises BuildError."""
        process = self._started()
        if process.stdin is None or process.stdout is None:
            raise BuildError(f"{job.model.label}: the converter's process has no pipes")
        try:
            process.stdin.write(job.model_dump_json() + "\n")
            process.stdin.flush()
            for line in process.stdout:
                answer = WorkerAnswer.model_validate_json(line)
                if answer.event == "error":
                    raise BuildError(answer.message)
                if answer.event == "done":
                    return
                progress(answer.message)
        except (BrokenPipeError, ValidationError):
            process.kill()
        raise BuildError(self._death(process, job))

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            _stop(process)
        self._errors.close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            if find_spec("tensorflow") is None:
                raise BuildError(
                    "building needs TensorFlow, which is not installed: pip install 'edge-harness[convert]', "
                    "or give a .tflite file"
                )
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "harness.pipeline.building.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                env=child_environment(**_ENVIRONMENT),
                start_new_session=True,
            )
        return self._process

    def _death(self, process: subprocess.Popen[str], job: BuildJob) -> str:
        status = process.wait(_STOP_SECONDS)
        _close_pipes(process)
        self._process = None
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        last = f': "{lines[-1].strip()[:300]}"' if lines else ""
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"{job.model.label}/{job.recipe}: the converter's process {how}{last}"


def _stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(_STOP_SECONDS)
    _close_pipes(process)


def _close_pipes(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # what was still in the buffer has no reader any more
