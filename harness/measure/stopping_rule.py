"""Whether measuring may end: every question of the plan answered by the trials so far.

The time limit, and trials that all died or stayed void, end it in ``harness.measure.run_blocks``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.measure.fitness import FitnessRule
from harness.measure.trial_summary import reads_by_parent, summarise, trial_metrics
from harness.measure.void_trials import void_reason
from harness.records.board import Trial
from harness.records.entry import TrialMetrics, TrialSummary
from harness.records.limit_test import LimitTest, bound_looks
from harness.records.metrics import METRICS
from harness.records.plan import Plan
from harness.stats.limit_test import run_limit_test
from harness.stats.percentile_bound import percentile_bound


@dataclass
class StoppingRule:
    """Keeps the summaries of trials that were seen, so that each is made once."""

    plan: Plan
    _trials: list[TrialSummary] = field(default_factory=list)
    _figures: list[TrialMetrics] = field(default_factory=list)
    _seen: int = 0

    def settled(self, trials: Sequence[Trial], rule: FitnessRule) -> bool:
        """Whether no question is open; ``trials`` are all that stand, those of earlier calls first."""
        for trial in trials[self._seen :]:
            self._keep(trial, rule)
        self._seen = len(trials)
        return all(self._is_answered(question, trials) for question in self.plan.questions)

    def _is_answered(self, question: LimitTest, trials: Sequence[Trial]) -> bool:
        found = run_limit_test(question, self._trials, self._figures)
        percentile = METRICS[question.metric].percentile
        if found.verdict != "pass" or question.relative or percentile is None:
            return found.verdict != "open"
        return self._is_bounded(question, percentile, trials)

    def _is_bounded(self, question: LimitTest, percentile: float, trials: Sequence[Trial]) -> bool:
        """Whether a percentile's own bound keeps the limit, looked at as rarely as its confidence reckons with."""
        own = [t for t in trials if t.kind == "latency" and t.arm == "candidate" and t.died is None]
        if len({trial.block for trial in own}) not in bound_looks(percentile):
            return False
        bound = percentile_bound(reads_by_parent(own), percentile)
        return bound.value is not None and bound.value <= question.limit

    def _keep(self, trial: Trial, rule: FitnessRule) -> None:
        void = void_reason(trial, rule)
        if trial.kind == "latency" and trial.died is None:
            self._trials.append(summarise(trial, void))
        told = trial_metrics(trial, void)
        if told is not None:
            self._figures.append(told)
