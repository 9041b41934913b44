"""One arm of two that take turns in slices of time, in a process of its own: waits, works when it is told to."""

from __future__ import annotations

import gc
import os
import time
from itertools import repeat
from typing import Any, Dict, List

from edge_agent import processor_time, spec, wire
from edge_agent.interpreters import TrialFailedError, guard
from edge_agent.timing import batch_for
from edge_agent.trial_setup import Setting, Timed, prepare_timed

END = b"end"
ANEW = b"anew"
LONG_NS = 20_000_000
"""A slice of an inference longer than this is two of them, the first dropped."""
LEAST_KEPT = 10
LEAST_DROPPED = 2
_DROPPED_PART = 20
"""One part in so many of a slice is dropped at its begin: the other arm's data are in the caches."""
_COMMAND = 64


def serve(trial: spec.Trial, setting: Setting, commands: int, answers: wire.LineWriter) -> None:
    """Load and warm up, say so; then a slice for each command, until the one that ends; the last line is the record.

    A command is the slice's nanoseconds. The parent's end of the pipe closed means that it is not needed any more.
    """
    try:
        timed = guard("load", lambda: prepare_timed(trial, setting))
        reads = _SliceReads(timed)
        answers.send({"ready": timed.single_ns})
        span = processor_time.ProcessSpan()
        gc.disable()
        while True:
            command = os.read(commands, _COMMAND)
            if not command:
                return
            if command == END:
                break
            if command == ANEW:
                span = processor_time.ProcessSpan()
                reads = _SliceReads(timed)
                answers.send({"anew": True})
            else:
                answers.send(guard("invoke", lambda: reads.run(int(command))))  # noqa: B023
        record = {**spec.heading(trial, None), **timed.account, "telemetry": span.end(), **reads.record()}
    except TrialFailedError as error:
        record = spec.heading(trial, str(error))
    except MemoryError:
        record = spec.heading(trial, "the board's memory does not suffice")
    answers.send({"trial": record})


class _SliceReads:
    """Clock reads of all slices of this process."""

    def __init__(self, timed: Timed) -> None:
        self._timed = timed
        self._batch = batch_for(timed.single_ns, 0)
        self._kept: List[int] = []

    def run(self, slice_ns: int) -> Dict[str, Any]:
        """One slice: some inferences that are dropped, then at least so many nanoseconds of others."""
        long = self._timed.single_ns > LONG_NS
        self._read(1 if long else LEAST_DROPPED, slice_ns // _DROPPED_PART)
        took = self._read(1 if long else LEAST_KEPT, slice_ns)
        self._kept += took
        return {"n": len(took) * self._batch, "sum_ns": sum(took), "median_ns": _median(took) / self._batch}

    def record(self) -> Dict[str, Any]:
        """What all slices together say: p50 and mean of an inference, in nanoseconds."""
        inferences = len(self._kept) * self._batch
        turns = {
            "p50_ns": _median(self._kept) / self._batch if self._kept else None,
            "mean_ns": sum(self._kept) / inferences if self._kept else None,
        }
        return {"batch": self._batch, "n": inferences, "turns": turns}

    def _read(self, least: int, least_ns: int) -> List[int]:
        invoke, advance, batch = self._timed.invoke, self._timed.advance, self._batch
        clock = time.perf_counter_ns
        took: List[int] = []
        begun = now = clock()
        while len(took) * batch < least or now - begun < least_ns:
            calls = repeat(None, batch)
            started = clock()
            for _ in calls:
                invoke()
            now = clock()
            took.append(now - started)
            if advance is not None:
                advance()
        return took


def _median(took: List[int]) -> float:
    ordered = sorted(took)
    middle = len(ordered) // 2
    return float(ordered[middle]) if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0
