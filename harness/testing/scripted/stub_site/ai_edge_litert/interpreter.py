"""The real interpreter, whose inferences last work / (clock x threads) by the scripted clock.

Outputs are the real ones. The clock is read while the inference lasts, so that a change in its midst counts from then
on. The time that real computing takes is part of it: a model must be quicker than its work.
"""

import importlib.util
import json
import mmap
import os
import struct
import sys
import time
from pathlib import Path
from typing import Any

import ai_edge_litert

_spec = importlib.util.spec_from_file_location(
    "ai_edge_litert._real_interpreter", Path(ai_edge_litert.__path__[-1]) / "interpreter.py"
)
if _spec is None or _spec.loader is None:
    raise ImportError("the real ai_edge_litert has no interpreter")
_real = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _real
_spec.loader.exec_module(_real)

load_delegate = _real.load_delegate
OpResolverType = _real.OpResolverType


class _Pace:
    """How fast the board is now, for a model on so many threads."""

    def __init__(self, threads: int) -> None:
        board = json.loads(Path(os.environ["EDGE_SCRIPTED_BOARD"]).read_text(encoding="ascii"))
        self.cycles = float(board["stub_cycles"])
        cpus = sorted(os.sched_getaffinity(0), key=lambda cpu: -board["capacities"][cpu])
        used = [cpus[number % len(cpus)] for number in range(threads)]
        self.threads = min(threads, len(cpus))
        # Threads that wait for each other are as fast as the slowest of them.
        self._parts = sorted({(board["policies"][cpu], board["capacities"][cpu] / 1024) for cpu in used})
        with open(board["live"], "r+b") as file:  # noqa: PTH123 - a file descriptor is what mmap takes
            self._live = mmap.mmap(file.fileno(), 0)

    def cycles_per_ns(self) -> float:
        """What all threads do together."""
        slowest: float = min(self._khz(policy) * share for policy, share in self._parts)
        return self.threads * slowest / 1e6

    def tell(self, threads: int) -> None:
        """Tell the board how many threads work now: its rails and governors follow."""
        struct.pack_into("<qI", self._live, 32, time.monotonic_ns(), threads)

    def _khz(self, policy: int) -> int:
        return int(struct.unpack_from("<I", self._live, 4 * policy)[0])


class Interpreter(_real.Interpreter):  # type: ignore[misc,name-defined]
    """ai_edge_litert's, with another sense of time."""

    def __init__(self, *words: Any, num_threads: int | None = None, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*words, num_threads=num_threads, **options)
        self._pace = _Pace(num_threads or 1)

    def invoke(self) -> None:
        """Compute, and last as long as the scripted board would."""
        clock, pace = time.perf_counter_ns, self._pace
        last = clock()
        left = pace.cycles
        super().invoke()
        while left > 0:
            pace.tell(pace.threads)
            now = clock()
            left -= (now - last) * pace.cycles_per_ns()
            last = now
