"""Questions whose judge reads records of trials: a stored base, a percentile's bound, memory and energy.

Each metric's figures are written into the records that a results file has, and answered by what answers them in a
session: ``harness.stats.limit_test`` and ``harness.stats.percentile_bound``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from harness.records.entry import TrialMetrics, TrialSummary
from harness.records.limit_test import LimitTest, bound_looks
from harness.records.metrics import METRICS
from harness.stats import independent_samples, percentile_bound, run_spread
from harness.stats.limit_test import run_limit_test
from harness.stats.single_look import unpaired_test
from harness.testing.gatelab.trace import PROCESSES_A_BLOCK
from harness.testing.gatelab.trial_summaries import READS, trial_summary

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
RecordQuestion = Literal["stored", "percentile", "memory", "energy"]
Logs = Callable[[Flags], Array]
"""From the arm of each process to the logarithms that the noise gives, (metrics, processes)."""
Answer = tuple[str, int]
"""A verdict and after how many blocks."""

MEMORY_BYTES: Final = 8800 * 4096.0
_PAGE: Final = METRICS["peak_memory"].step
_FIRST_ANSWER: Final = 5
"""Blocks of ten trials an arm, before which a session asks for no answer."""
_WITHIN: Final = 0.05
"""The standard deviation of reads within a process."""
_TRUTH_PROCESSES: Final = 1_000_000


@dataclass(frozen=True)
class RecordSession:
    """What metrics of one kind are asked: the question, its errors, and what the board does to both runs of a base.

    ``limit`` is the share that may be lost. ``run_sd`` is by how much two runs of one artifact differ by themselves,
    as a standard deviation of logarithms, ``history_runs`` how many earlier runs tell of it.
    """

    question: RecordQuestion
    limit: float
    alpha: float
    miss: float
    max_blocks: int
    percentile: float
    run_sd: float
    history_runs: int

    def answers(self, logs: Logs, shift: Array, rng: np.random.Generator) -> Iterator[Answer]:
        """The verdict on each metric, where the candidate is truly slower by ``shift`` (metrics,)."""
        return {
            "stored": self._stored,
            "percentile": self._percentile,
            "memory": self._memory,
            "energy": self._energy,
        }[self.question](logs, shift, rng)

    def _asked(self, metric: str, *, limit: float | None = None, most_blocks: int | None = None) -> LimitTest:
        return LimitTest(
            metric=metric,
            better="lower",
            limit=self.limit if limit is None else limit,
            relative=limit is None,
            alpha=self.alpha,
            miss=self.miss,
            most_blocks=most_blocks,
        )

    def _stored(self, logs: Logs, shift: Array, rng: np.random.Generator) -> Iterator[Answer]:
        """Two runs of one arm each, on different days, four trials a parent."""
        processes = self.max_blocks * PROCESSES_A_BLOCK

        def run(arm: bool) -> Array:
            other_day: Array = rng.normal(0.0, self.run_sd, (shift.size, 1))
            return logs(np.full(processes, arm)) + other_day

        own, base = run(True) + shift[:, np.newaxis], run(False)
        earlier = np.array([run(False).mean(axis=1) for _ in range(self.history_runs)]).reshape(-1, shift.size).T
        asked = self._asked("latency_p50")
        for mine, theirs, before in zip(np.exp(own), np.exp(base), np.exp(earlier).tolist(), strict=True):
            trials = [*_summaries("candidate", mine), *_summaries("baseline", theirs)]
            found = unpaired_test(asked, trials, between=run_spread([before]))
            yield found.verdict, self.max_blocks

    def _percentile(self, logs: Logs, shift: Array, rng: np.random.Generator) -> Iterator[Answer]:
        """An absolute limit on the percentile over all processes, one arm, four trials a parent."""
        processes, q = self.max_blocks * PROCESSES_A_BLOCK, self.percentile
        arm = np.ones(processes, dtype=np.bool_)
        truth = self._true_percentile(logs, arm, rng, rows=shift.size)
        asked = self._asked(f"latency_p{100 * q:g}", limit=truth * (1.0 + self.limit), most_blocks=self.max_blocks)
        for one in logs(arm) + shift[:, np.newaxis]:
            reads = np.exp(one[:, np.newaxis] + rng.normal(0.0, _WITHIN, (processes, READS)))
            yield _bounded(asked, reads, q)

    def _true_percentile(self, logs: Logs, arm: Flags, rng: np.random.Generator, *, rows: int) -> float:
        times = max(1, _TRUTH_PROCESSES // (rows * arm.size))
        everything = np.concatenate([logs(arm).ravel() for _ in range(times)])
        return float(np.quantile(np.exp(everything + rng.normal(0.0, _WITHIN, everything.shape)), self.percentile))

    def _memory(self, logs: Logs, shift: Array, rng: np.random.Generator) -> Iterator[Answer]:
        """A process an arm and block; what it takes comes in whole pages."""
        asked = self._asked("peak_memory", most_blocks=self.max_blocks)
        for told in self._by_turns(logs, shift, metric="peak_memory"):
            early = [one for one in told if one.block < _FIRST_ANSWER]
            first = run_limit_test(asked, [], early)
            found = first if first.verdict != "open" else run_limit_test(asked, [], told, final=True)
            yield found.verdict, found.blocks

    def _energy(self, logs: Logs, shift: Array, rng: np.random.Generator) -> Iterator[Answer]:
        """A sensor's window an arm and block, looked at after every pair."""
        asked = self._asked("energy_per_inference", most_blocks=self.max_blocks)
        for windows in self._by_turns(logs, shift, metric="energy_per_inference"):
            found = run_limit_test(asked, [], windows, final=True)
            yield found.verdict, found.blocks

    def _by_turns(self, logs: Logs, shift: Array, *, metric: str) -> Iterator[list[TrialMetrics]]:
        """Of each metric the figures of blocks of two processes, the candidate first in every other block."""
        pairs = np.arange(self.max_blocks) % 2 == 0
        arm = np.column_stack([pairs, ~pairs]).ravel()
        figures = np.exp(logs(arm) + shift[:, np.newaxis] * arm)
        kind: Literal["memory", "energy"] = "memory" if metric == "peak_memory" else "energy"
        if kind == "memory":
            figures = np.round(MEMORY_BYTES * figures / _PAGE) * _PAGE
        names = np.where(arm, "candidate", "baseline").tolist()
        for row in figures.tolist():
            yield [
                TrialMetrics(kind=kind, arm=names[at], block=at // 2, values={metric: figure})
                for at, figure in enumerate(row)
            ]


def _summaries(arm: str, figures: Array) -> list[TrialSummary]:
    return [trial_summary(arm, at // PROCESSES_A_BLOCK, figure) for at, figure in enumerate(figures.tolist())]


def _bounded(asked: LimitTest, reads: Array, q: float) -> Answer:
    """As a session stops: FAIL by the trials' own percentiles, PASS where they and the bound keep the limit."""
    found = run_limit_test(asked, _with_percentiles(reads, q))
    if found.verdict == "fail":
        return found.verdict, found.blocks
    most = asked.most_blocks or 0
    least = found.blocks if found.verdict == "pass" else inf
    parents = reads.reshape(most, PROCESSES_A_BLOCK, -1)
    for look in sorted({*(one for one in bound_looks(q) if one < most), most}):
        if look >= least:
            bound = percentile_bound([list(parent) for parent in parents[:look]], q).value
            if bound is not None and bound <= asked.limit:
                return "pass", look
    return "open", most


def _with_percentiles(reads: Array, q: float) -> Sequence[TrialSummary]:
    name = f"p{100 * q:g}"
    middles, highs = np.quantile(reads, 0.5, axis=1), np.quantile(reads, q, axis=1)
    return [
        trial_summary(
            "candidate",
            at // PROCESSES_A_BLOCK,
            float(middles[at]),
            quantiles={name: float(highs[at])},
            independent=independent_samples(one),
        )
        for at, one in enumerate(reads)
    ]
