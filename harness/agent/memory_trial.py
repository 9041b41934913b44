"""A memory trial: what loading and running a model takes of this process' memory, in bytes.

VmHWM, not ru_maxrss, which is inherited over exec.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from edge_agent import inputs, memory_parts
from edge_agent.interpreters import guard
from edge_agent.sysfs import kilobytes, read_text
from edge_agent.timing import limits_of, warm_up
from edge_agent.trial_setup import Numbers, Setting, load_fed, read_samples

if TYPE_CHECKING:
    from edge_agent import spec
    from edge_agent.model import BoardModel

_STATUS = Path("/proc/self/status")
_ROLLUP = Path("/proc/self/smaps_rollup")
_CLEAR = Path("/proc/self/clear_refs")
_NEW_PEAK = "5"
_MEAN_S = 0.1
_MOST_READS = 50


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    account = _Account()
    stored = read_samples(trial, setting, 2)
    account.begin()
    model, _ = load_fed(trial, setting, stored, account.loaded)
    first_s = model.first_invoke()
    account.ran()
    model.feed(stored[-1] if stored else inputs.random_sample(model.inputs, trial.seed + 1, trial.below))
    most_ns = limits_of(trial).max_ns
    guard("invoke", lambda: warm_up(model.invoke, trial.warmup_runs, most_ns))
    mean = _mean(model, most_ns / 1e9)
    record = {"mean_rss_bytes": mean, **account.end(setting.file(trial.model))}
    told = {"first_inference_s": first_s, **model.account()}
    return {**told, "n": max(trial.warmup_runs, 1), "memory": record}


class _Account:
    """High water marks of loading and of running, each its own, and what memory consists of in the end."""

    def __init__(self) -> None:
        self._imports = self._before = self._first = 0
        self._load: Optional[int] = None
        self._unknown: Optional[str] = None
        self._base: Optional[memory_parts.Snapshot] = None
        self._contents: List[memory_parts.Content] = []

    def begin(self) -> None:
        """Before the model is loaded."""
        self._imports = high_water()
        try:
            # The first one warms up what reading needs itself.
            memory_parts.read_content(memory_parts.take_snapshot())
            self._reserve = memory_parts.reserve()
            memory_parts.settle()
            self._base = memory_parts.take_snapshot()
        except memory_parts.PartsUnknownError as error:
            self._unknown = str(error)
        self._apart = _forget_peak()
        self._before = high_water()

    def loaded(self) -> None:
        """When tensors are allocated and nothing has been fed or run."""
        self._load = high_water() if self._apart else None
        self._read_content()

    def ran(self) -> None:
        """When the model has run once."""
        self._first = high_water()
        self._read_content()

    def _read_content(self) -> None:
        if self._base is not None:
            self._contents.append(memory_parts.read_content(self._base))
        if self._apart:
            # What reading took is no part of the model's peak.
            _forget_peak()

    def end(self, model: Optional[Path]) -> Dict[str, Any]:
        """The TrialMemory record of a model that has run on two inputs."""
        peak = max(high_water(), self._first)
        status, rollup = read_text(_STATUS), read_text(_ROLLUP)
        parts = None
        if self._base is not None and model is not None:
            loaded, ran = self._contents
            stages = memory_parts.Snapshots(self._base, loaded, ran, memory_parts.take_snapshot())
            parts = memory_parts.parts_of(stages, model)
        return {
            "hwm_before_bytes": self._before,
            "hwm_bytes": max(peak, self._imports, self._load or 0),
            "load_hwm_bytes": self._load,
            "run_hwm_bytes": peak if self._apart else None,
            "rss_bytes": kilobytes(status, "VmRSS") or 0,
            "pss_bytes": kilobytes(rollup, "Pss"),
            "anonymous_bytes": kilobytes(rollup, "Anonymous"),
            "parts": parts,
            "parts_reason": self._unknown,
        }


def high_water() -> int:
    """The largest resident set since it was last forgotten; 0 on a kernel that does not say."""
    return kilobytes(read_text(_STATUS), "VmHWM") or 0


def _forget_peak() -> bool:
    """Let the high water mark begin anew at what is resident now; whether the kernel does that."""
    try:
        _CLEAR.write_text(_NEW_PEAK)
    except OSError:
        return False
    return True


def _mean(model: BoardModel, most_s: float) -> Optional[float]:
    """The mean resident set after each of some inferences, bytes."""
    begun = time.monotonic()
    read: List[int] = []
    while not read or (len(read) < _MOST_READS and time.monotonic() - begun < min(_MEAN_S, most_s)):
        guard("invoke", model.invoke)
        read.append(kilobytes(read_text(_STATUS), "VmRSS") or 0)
    return sum(read) / len(read) if all(read) else None
