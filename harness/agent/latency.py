"""Timing inferences: how many a clock read, and the loop itself."""

from __future__ import annotations

import gc
import time
from itertools import repeat
from typing import Callable, List, NamedTuple, Optional

BATCH_BELOW_NS = 50_000
"""A single invoke shorter than this is batched: the clock and the loop would be too much of it."""
SPAN_NS = 100_000
"""The span of a batched read."""
MOST_READS = 20_000
MOST_SINGLES = 2_000
SINGLES_SHARE = 0.1
"""Of the measuring time, for the pass with single reads."""
LEAST_SINGLES = 100
_PROBE_CALLS = 20
_CLOCK_READS = 1_000

Call = Callable[[], None]


class RunLimits(NamedTuple):
    """When to stop: both minima are reached, or the maximum."""

    num_runs: int
    min_ns: int
    max_ns: int


class Timings(NamedTuple):
    """Nanoseconds of each read of ``batch`` inferences, and of single ones where batch > 1."""

    batch: int
    samples_ns: List[int]
    singles_ns: List[int]
    inferences: int


def warm_up(invoke: Call, runs: int, most_ns: int) -> int:
    """Invoke ``runs`` times, at most so long; an inference's typical nanoseconds."""
    clock = time.perf_counter_ns
    begun = clock()
    took: List[int] = []
    while not took or (len(took) < runs and clock() - begun < most_ns):
        started = clock()
        invoke()
        took.append(clock() - started)
    typical = sorted(took)[len(took) // 2]
    if typical >= 4 * BATCH_BELOW_NS:
        return typical
    # Close to where batching begins, one read of many calls says more than a few single ones.
    started = clock()
    for _ in repeat(None, _PROBE_CALLS):
        invoke()
    return min(typical, (clock() - started) // _PROBE_CALLS)


def batch_for(single_ns: int, min_ns: int) -> int:
    """Inferences per clock read: one for slow models, unless their reads would be too many to keep."""
    batch = 1 if single_ns >= BATCH_BELOW_NS else max(round(SPAN_NS / max(single_ns, 1)), 2)
    reads = min_ns // max(batch * single_ns, 1)
    return batch if reads <= MOST_READS else batch * -(-reads // MOST_READS)


def measure(invoke: Call, single_ns: int, limits: RunLimits, advance: Optional[Call]) -> Timings:
    """Time inferences until the limits are met; ``advance`` feeds the next sample, outside the timed span.

    The pass with single reads, for batched models, is part of the minimum duration.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _measure(invoke, single_ns, limits, advance)
    finally:
        if collecting:
            gc.enable()


def _measure(invoke: Call, single_ns: int, limits: RunLimits, advance: Optional[Call]) -> Timings:
    batch = batch_for(single_ns, limits.min_ns)
    if batch == 1:
        reads = _Reads(1)
        reads.run(invoke, limits, advance)
        if reads.batch == 1:
            return Timings(1, reads.samples, [], reads.inferences)
        count = LEAST_SINGLES
    else:
        count = _singles(single_ns, limits)
        reads = _Reads(batch)
        least = max(limits.min_ns - count * single_ns, 0)
        reads.run(invoke, limits._replace(min_ns=least), advance)
    alone = _Reads(1)
    alone.run(invoke, RunLimits(count, 0, limits.max_ns), advance)
    return Timings(reads.batch, reads.samples, alone.samples, reads.inferences + alone.inferences)


def _singles(single_ns: int, limits: RunLimits) -> int:
    affordable = int(limits.min_ns * SINGLES_SHARE) // max(single_ns, 1)
    return min(max(affordable, LEAST_SINGLES), MOST_SINGLES)


class _Reads:
    """Clock reads of ``batch`` inferences each; neighbours are added up when there are too many to keep."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.samples: List[int] = []
        self.inferences = 0

    def run(self, invoke: Call, limits: RunLimits, advance: Optional[Call]) -> None:
        clock = time.perf_counter_ns
        begun = now = clock()
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
