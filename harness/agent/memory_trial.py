"""A memory trial: what loading and running a model takes of this process' memory, in bytes.

VmHWM, not ru_maxrss, which is inherited over exec.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict

from edge_agent.interpreters import guard
from edge_agent.sysfs import kilobytes, read_text
from edge_agent.timing import limits_of, warm_up
from edge_agent.trial_setup import Numbers, Setting, prepare, read_samples

if TYPE_CHECKING:
    from edge_agent import spec

_STATUS = Path("/proc/self/status")
_ROLLUP = Path("/proc/self/smaps_rollup")


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    samples = read_samples(trial, setting, 1)
    before = high_water()
    prepared = prepare(trial, setting, samples)
    most_ns = limits_of(trial).max_ns
    guard("invoke", lambda: warm_up(prepared.model.invoke, trial.warmup_runs, most_ns))
    return {**prepared.account(), "n": max(trial.warmup_runs, 1), "memory": account(before)}


def high_water() -> int:
    """The largest resident set so far; 0 on a kernel that does not say."""
    return kilobytes(read_text(_STATUS), "VmHWM") or 0


def account(before: int) -> Dict[str, Any]:
    """The TrialMemory record; ``before`` is the high water mark from before the model was loaded."""
    status = read_text(_STATUS)
    rollup = read_text(_ROLLUP)
    return {
        "hwm_before_bytes": before,
        "hwm_bytes": kilobytes(status, "VmHWM") or 0,
        "rss_bytes": kilobytes(status, "VmRSS") or 0,
        "pss_bytes": kilobytes(rollup, "Pss"),
        "anonymous_bytes": kilobytes(rollup, "Anonymous"),
    }
