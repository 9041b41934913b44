"""Whether measuring may end: every question of the plan answered by the trials so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.measure.fitness import FitnessRule, voids
from harness.measure.summaries import figures_of, summarise
from harness.records.board import Trial
from harness.records.plan import Plan
from harness.records.results import TrialFigures, TrialSummary
from harness.stats.questions import answer


@dataclass
class Settling:
    """Keeps the summaries of trials that were seen, so that each is made once."""

    plan: Plan
    _trials: list[TrialSummary] = field(default_factory=list)
    _figures: list[TrialFigures] = field(default_factory=list)
    _seen: int = 0

    def settled(self, trials: Sequence[Trial], rule: FitnessRule) -> bool:
        """Whether no question is open; ``trials`` are all that stand, those of earlier calls first."""
        for trial in trials[self._seen :]:
            self._keep(trial, rule)
        self._seen = len(trials)
        return all(answer(one, self._trials, self._figures).verdict != "open" for one in self.plan.questions)

    def _keep(self, trial: Trial, rule: FitnessRule) -> None:
        void = ", ".join(one.detail for one in voids(trial, rule)) or None
        if trial.kind == "latency" and trial.died is None:
            self._trials.append(summarise(trial, void))
        told = figures_of(trial, void)
        if told is not None:
            self._figures.append(told)
