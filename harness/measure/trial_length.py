"""How long a trial is worth being: longer trials, or more of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, pi, sqrt
from typing import Final

import numpy as np

from harness.measure.trial_summary import batched_s
from harness.records.board import Trial
from harness.records.plan import BlockSpec, Plan

FEWEST_RUNS: Final = 20
SHORTEST_S: Final = 0.05
"""However much processes differ: below it, what the kernel does meanwhile weighs more than the model."""
_MEDIAN_OF_NORMAL: Final = pi / 2.0
"""The variance of a median over that of a mean, of many normal values."""


@dataclass(frozen=True)
class TrialLength:
    """Least inferences and least seconds of a trial."""

    num_runs: int
    min_secs: float

    def applied_to(self, block: BlockSpec) -> BlockSpec:
        """The block with its timed trials of this length."""
        changed = {"num_runs": self.num_runs, "min_secs": self.min_secs}
        trials = (
            trial.model_copy(update=changed) if trial.kind in ("latency", "stages") else trial for trial in block.trials
        )
        return block.model_copy(update={"trials": tuple(trials)})


def best_trial_length(plan: Plan, trials: Sequence[Trial], *, overhead_s: float) -> TrialLength:
    """The length at which so many seconds of measuring tell most of the medians' mean.

    ``overhead_s`` is what a trial takes beside its inferences. From the spread within processes, that between them
    and the cost of either: r = sqrt(c_process / c_inference x s_inference^2 / s_process^2) inferences a process
    (Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013, section 6; Cochran, "Sampling
    Techniques", section 10.6). Never longer than the plan's; the plan's own where processes do not differ beyond
    what their inferences explain. Pure.
    """
    whole = TrialLength(plan.num_runs, plan.min_secs)
    latency = [trial for trial in trials if trial.kind == "latency" and trial.died is None]
    arms = [[batched_s(t) for t in latency if t.arm == arm.name] for arm in plan.arms]
    known = [reads for reads in arms if len(reads) > 1]
    if not known:
        return whole
    batch = max(trial.batch for trial in latency)
    within = float(np.mean([np.var(np.log(one)) for reads in known for one in reads]))
    medians = [np.log([np.median(one) for one in reads]) for reads in known]
    reads_each = float(np.mean([one.size for reads in known for one in reads]))
    between = float(np.mean([m.var(ddof=1) for m in medians])) - _MEDIAN_OF_NORMAL * within / reads_each
    inference_s = float(np.mean([one.mean() for reads in known for one in reads])) * batch
    if between <= 0.0 or within <= 0.0:
        return whole
    reads = sqrt(max(overhead_s, 0.0) / inference_s * _MEDIAN_OF_NORMAL * within / between)
    runs = max(FEWEST_RUNS, plan.fewest_reads, ceil(reads)) * batch
    seconds = max(SHORTEST_S, reads * inference_s)
    return TrialLength(min(plan.num_runs, runs), min(plan.min_secs, seconds))
