"""A program on the board that runs a model in place of an interpreter; docs/command-runtime.md has its words.

It is not trusted: every line is bounded and checked, what it times is held against this process' clock, and each answer
has a deadline. It dies with the trial.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from edge_agent import telemetry
from edge_agent.interpreters import TrialFailedError
from edge_agent.process import describe_exit, die_with
from edge_agent.wire import one_line

if TYPE_CHECKING:
    from edge_agent.interfaces import Array, Details
    from edge_agent.spec import Runner
    from edge_agent.timing import RunLimits

MODEL = "{model}"
"""What stands for the model's path among the words of a command."""
_LONGEST_LINE = 1 << 20
_LONGEST_NAME = 128
_MOST_TENSORS = 64
_MOST_BYTES = 1 << 30
_MOST_AXES = 8
_MOST_RUNS = 1000
_CHUNK_NS = 50_000_000
_TYPES = (
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float16", "float32", "float64"),
)
_CLOCK_TOLERANCE = 1.05
_CLOCK_SLACK_NS = 2_000_000
_PATIENCE_S = 600.0
"""Where the trial has no deadline of its own."""
_BEFORE_DEADLINE_S = 0.5
_SAID_BYTES = 4096


class _Told(NamedTuple):
    """A tensor as the program tells it."""

    name: str
    dtype: str
    shape: List[int]
    size_bytes: int


class CommandRuntime:
    """A running program, used like an interpreter; it times its inferences itself."""

    def __init__(self, runner: Runner, model: str) -> None:
        words = [word.replace(MODEL, model) for word in runner.command]
        parent = os.getpid()
        self._program = words[0]
        self._errors, path = tempfile.mkstemp()
        Path(path).unlink()
        self._pending = b""
        self._inputs: List[_Told] = []
        self._outputs: List[_Told] = []
        self._results: List[bytes] = []
        self.last_ns: Optional[int] = None
        """What the program says that the last inference took."""
        environment = {**os.environ, **runner.env, "EDGE_HARNESS_THREADS": str(runner.num_threads)}
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=environment,
                preexec_fn=lambda: die_with(parent),  # noqa: PLW1509 - this process has no threads of its own
            )  # fmt: skip
        except OSError as error:
            # Python 3.7 puts the file into strerror.
            why = os.strerror(error.errno or 0)
            raise TrialFailedError("the program %s cannot be started: %s" % (self._program, why)) from error
        self._greet()

    def allocate_tensors(self) -> None:
        """The program did when it started."""

    def invoke(self) -> None:
        """Run one inference."""
        self.run(1)

    def run(self, count: int) -> List[int]:
        """Run so many inferences; nanoseconds of each, as the program tells them. Outputs are the last one's."""
        started = time.perf_counter_ns()
        self._send(b"run %d\n" % count)
        words = self._words("durations", "run %d" % count)
        found = [int(word) for word in words if word.isdigit() and len(word) < 18]
        passed = time.perf_counter_ns() - started
        if len(found) != count or len(words) != count or min(found) <= 0:
            raise self._nonsense("%d durations to run %d" % (len(found), count))
        if sum(found) > passed * _CLOCK_TOLERANCE + _CLOCK_SLACK_NS:
            raise self._nonsense("inferences of %.3g s in %.3g s" % (sum(found) / 1e9, passed / 1e9))
        self._results = [self._bytes(place, tensor) for place, tensor in enumerate(self._outputs)]
        self.last_ns = found[-1]
        return found

    def get_input_details(self) -> List[Details]:
        """The inputs as the program told them."""
        return [_details(place, tensor) for place, tensor in enumerate(self._inputs)]

    def get_output_details(self) -> List[Details]:
        """The outputs; their numbers follow those of the inputs."""
        return [_details(len(self._inputs) + place, tensor) for place, tensor in enumerate(self._outputs)]

    def resize_tensor_input(self, input_index: int, tensor_size: Sequence[int]) -> None:
        """Raises ValueError: a program's inputs are as it told them."""
        told = self._inputs[input_index]
        raise ValueError("%s takes %s of %s, not %s" % (self._program, told.name, told.shape, list(tensor_size)))

    def set_tensor(self, tensor_index: int, value: Array) -> None:
        """Send an input; raises ValueError where it does not fit."""
        told = self._inputs[tensor_index]
        if list(value.shape) != told.shape or value.dtype.name != told.dtype:
            raise ValueError("%s of %s does not fit %s of %s" % (value.shape, value.dtype, told.shape, told.dtype))
        data = value.tobytes()
        self._send(b"input %d %d\n" % (tensor_index, len(data)) + data)

    def get_tensor(self, tensor_index: int) -> Array:
        """An output of the last inference."""
        import numpy as np

        place = tensor_index - len(self._inputs)
        told = self._outputs[place]
        return np.frombuffer(self._results[place], dtype=told.dtype).reshape(told.shape).copy()

    def _greet(self) -> None:
        """Read its inputs and outputs, up to the word ready."""
        while True:
            kind, _, rest = self._line("its greeting").partition(" ")
            if kind == "ready":
                break
            tensors = {"input": self._inputs, "output": self._outputs}.get(kind)
            if tensors is None or len(tensors) >= _MOST_TENSORS:
                raise self._nonsense("%r, where input, output or ready was expected" % (kind + " " + rest)[:80])
            tensors.append(self._tensor(rest))
        if not self._inputs or not self._outputs:
            raise self._nonsense("%d inputs and %d outputs" % (len(self._inputs), len(self._outputs)))

    def _tensor(self, text: str) -> _Told:
        words = text.split()
        sizes = words[2].split("x") if len(words) == 3 else []
        if not sizes or len(sizes) > _MOST_AXES or not all(size.isdigit() and 0 < len(size) < 10 for size in sizes):
            raise self._nonsense('%r, where "NAME TYPE 1x224x224x3" was expected' % text[:80])
        name, dtype, shape = one_line(words[0])[:_LONGEST_NAME], words[1], [int(size) for size in sizes]
        if dtype not in _TYPES:
            raise self._nonsense("%s of type %s, expected one of %s" % (name, dtype[:20], ", ".join(_TYPES)))
        size_bytes = _width(dtype)
        for size in shape:
            size_bytes *= size
        if not 0 < size_bytes <= _MOST_BYTES:
            raise self._nonsense("%s of %d bytes" % (name, size_bytes))
        return _Told(name, dtype, shape, size_bytes)

    def _bytes(self, place: int, tensor: _Told) -> bytes:
        if self._words("output", "run") != [str(place), str(tensor.size_bytes)]:
            raise self._nonsense("no line output %d %d before that output" % (place, tensor.size_bytes))
        while len(self._pending) < tensor.size_bytes:
            self._pending += self._read("output %d" % place)
        data, self._pending = self._pending[: tensor.size_bytes], self._pending[tensor.size_bytes :]
        return data

    def _words(self, kind: str, asked: str) -> List[str]:
        line = self._line(asked)
        found, _, rest = line.partition(" ")
        if found != kind:
            raise self._nonsense("%r to %s, where %s was expected" % (line[:80], asked, kind))
        return rest.split()

    def _line(self, asked: str) -> str:
        while b"\n" not in self._pending:
            if len(self._pending) > _LONGEST_LINE:
                raise self._nonsense("a line of more than %d bytes" % _LONGEST_LINE)
            self._pending += self._read(asked)
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace").strip()

    def _read(self, asked: str) -> bytes:
        stdout = self._process.stdout
        left = (signal.getitimer(signal.ITIMER_REAL)[0] or _PATIENCE_S) - _BEFORE_DEADLINE_S
        if stdout is None or not select.select([stdout], [], [], max(left, 0.0))[0]:
            raise TrialFailedError("the program %s gave no answer to %s in time" % (self._program, asked))
        data = os.read(stdout.fileno(), 1 << 18)
        if not data:
            raise self._ended()
        return data

    def _send(self, data: bytes) -> None:
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(data)
                self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended() from error

    def _ended(self) -> TrialFailedError:
        """How it ended, and the last line that it wrote on stderr."""
        self._process.kill()
        status = self._process.wait()
        how = describe_exit(-status) if status < 0 else "ended with exit status %d" % status
        end = os.lseek(self._errors, 0, os.SEEK_END)
        written = os.pread(self._errors, _SAID_BYTES, max(0, end - _SAID_BYTES))
        said = [line for line in written.decode("utf-8", "replace").splitlines() if line.strip()]
        last = ": " + one_line(said[-1]) if said else ""
        return TrialFailedError("the program %s %s%s" % (self._program, _was(how), last))

    def _nonsense(self, told: str) -> TrialFailedError:
        return TrialFailedError("the program %s answers nonsense: %s" % (self._program, one_line(told)))


def _was(how: str) -> str:
    return "was " + how if how.startswith("killed") else how


def _width(dtype: str) -> int:
    import numpy as np

    return int(np.dtype(dtype).itemsize)


def _details(number: int, tensor: _Told) -> Details:
    import numpy as np

    return {
        "index": number,
        "name": tensor.name,
        "shape": tensor.shape,
        "dtype": np.dtype(tensor.dtype).type,
        "quantization": (0.0, 0),
    }


def measure(
    program: CommandRuntime,
    limits: RunLimits,
    single_ns: int,
    advance: Optional[Callable[[], None]],
    span: telemetry.Span,
) -> Dict[str, Any]:
    """What a latency trial brings: the program's own durations, inferences by the chunk until the limits are met."""
    samples: List[int] = []
    chunk = max(1, min(_MOST_RUNS, _CHUNK_NS // max(single_ns, 1)))
    begun = time.perf_counter_ns()
    while True:
        samples += program.run(chunk)
        passed = time.perf_counter_ns() - begun
        if passed >= limits.max_ns or (passed >= limits.min_ns and len(samples) >= limits.num_runs):
            break
        if advance is not None:
            advance()
    return {"telemetry": span.end(), "batch": 1, "samples_ns": samples, "n": len(samples)}
