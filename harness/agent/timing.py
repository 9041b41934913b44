"""When timing ends, how a model warms up, and how many inferences a clock read takes: for all kinds of trials."""

from __future__ import annotations

import time
from itertools import repeat
from typing import TYPE_CHECKING, Callable, List, NamedTuple

if TYPE_CHECKING:
    from edge_agent import spec

BATCH_BELOW_NS = 50_000
"""A single invoke shorter than this is batched: the clock and the loop would be too much of it."""
SPAN_NS = 100_000
"""The span of a batched read."""
MOST_READS = 20_000
_PROBE_CALLS = 20

Call = Callable[[], None]


class RunLimits(NamedTuple):
    """When to stop: both minima are reached, or the maximum."""

    num_runs: int
    min_ns: int
    max_ns: int


def limits_of(trial: spec.Trial) -> RunLimits:
    """When timing ends by what the trial was asked."""
    return RunLimits(trial.num_runs, round(trial.min_secs * 1e9), round(trial.max_secs * 1e9))


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
