"""A latency trial: inferences timed one by one, or several a clock read, until the limits are met."""

from __future__ import annotations

import gc
import time
from itertools import repeat
from typing import TYPE_CHECKING, List, NamedTuple, Optional

from edge_agent import command_runtime, telemetry
from edge_agent.interpreters import guard
from edge_agent.timing import MOST_READS, Call, RunLimits, batch_for, limits_of
from edge_agent.trial_setup import Numbers, Setting, prepare_timed

if TYPE_CHECKING:
    from edge_agent import spec

MOST_SINGLES = 2_000
SINGLES_SHARE = 0.1
"""Of the measuring time, for the pass with single reads."""
LEAST_SINGLES = 100
_CLOCK_READS = 1_000


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    model = prepare_timed(trial, setting)
    program = model.model.interpreter
    if isinstance(program, command_runtime.CommandRuntime):
        span = telemetry.Span(setting.root)
        return {
            **model.account,
            **command_runtime.measure(
                program, limits_of(trial), single_ns=model.single_ns, advance=model.advance, span=span
            ),
        }

    def timed() -> Numbers:
        cost_ns = clock_cost_ns()
        span = telemetry.Span(setting.root, read_state=trial.read_state)
        timings = measure(model.invoke, model.single_ns, limits_of(trial), Between(model.advance, span.look))
        return {
            "telemetry": span.end(),
            "batch": timings.batch,
            "samples_ns": timings.samples_ns,
            "singles_ns": timings.singles_ns,
            "n": timings.inferences,
            "clock_cost_ns": cost_ns,
        }

    return {**model.account, **guard("invoke", timed)}


class Timings(NamedTuple):
    """Nanoseconds of each read of ``batch`` inferences, and of single ones where batch > 1."""

    batch: int
    samples_ns: List[int]
    singles_ns: List[int]
    inferences: int


class Between(NamedTuple):
    """What happens between two clock reads, outside the timed spans: the next sample fed, now and then a look."""

    advance: Optional[Call] = None
    look: Optional[Call] = None
    """Called every LOOK_NS."""


def measure(invoke: Call, single_ns: int, limits: RunLimits, between: Between) -> Timings:
    """Time inferences until the limits are met.

    The pass with single reads, for batched models, is part of the minimum duration.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _measure(invoke, single_ns, limits, between)
    finally:
        if collecting:
            gc.enable()


def _measure(invoke: Call, single_ns: int, limits: RunLimits, between: Between) -> Timings:
    batch = batch_for(single_ns, limits.min_ns)
    if batch == 1:
        reads = _ClockReads(1)
        reads.run(invoke, limits, between)
        if reads.batch == 1:
            return Timings(1, reads.samples, [], reads.inferences)
        count = LEAST_SINGLES
    else:
        count = _singles(single_ns, limits)
        reads = _ClockReads(batch)
        least = max(limits.min_ns - count * single_ns, 0)
        reads.run(invoke, limits._replace(min_ns=least), between)
    alone = _ClockReads(1)
    alone.run(invoke, RunLimits(count, 0, limits.max_ns), between)
    return Timings(reads.batch, reads.samples, alone.samples, reads.inferences + alone.inferences)


def _singles(single_ns: int, limits: RunLimits) -> int:
    affordable = int(limits.min_ns * SINGLES_SHARE) // max(single_ns, 1)
    return min(max(affordable, LEAST_SINGLES), MOST_SINGLES)


class _ClockReads:
    """Clock reads of ``batch`` inferences each; neighbours are added up when there are too many to keep."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.samples: List[int] = []
        self.inferences = 0

    def run(self, invoke: Call, limits: RunLimits, between: Between) -> None:
        clock, (advance, look) = time.perf_counter_ns, between
        begun = now = clock()
        due = now + telemetry.LOOK_NS
        while True:
            calls = repeat(None, self.batch)
            started = clock()
            for _ in calls:
                invoke()
            now = clock()
            self.samples.append(now - started)
            self.inferences += self.batch
            passed = now - begun
            if passed >= limits.max_ns or (passed >= limits.min_ns and self.inferences >= limits.num_runs):
                return
            if len(self.samples) >= MOST_READS:
                self._pair_up()
            if advance is not None:
                advance()
            if look is not None and now >= due:
                look()
                due = now + telemetry.LOOK_NS

    def _pair_up(self) -> None:
        self.samples = [a + b for a, b in zip(self.samples[::2], self.samples[1::2])]
        self.batch *= 2


def clock_cost_ns() -> int:
    """The median cost of one read of the clock."""
    clock = time.perf_counter_ns
    costs = []
    for _ in range(_CLOCK_READS):
        started = clock()
        costs.append(clock() - started)
    return sorted(costs)[_CLOCK_READS // 2]
