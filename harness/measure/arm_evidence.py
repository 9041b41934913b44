"""What metrics are computed from, and how figures become a measurement."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.artifact import Artifact
from harness.records.board import BoardFacts, Trial
from harness.records.device import DeviceProfile
from harness.records.metrics import METRICS, TrialKind
from harness.records.plan import ENERGY_WINDOW_S
from harness.records.results import Measurement
from harness.stats import median_interval, quantile

CONFIDENCE = 0.95


@dataclass(frozen=True)
class ArmEvidence:
    """One arm's trials that count (void ones are left out), the artifact, the profile and the board's facts."""

    trials: tuple[Trial, ...]
    artifact: Artifact
    profile: DeviceProfile
    facts: BoardFacts
    energy_window_s: float = ENERGY_WINDOW_S
    """The shortest window of a sensor that counts: the plan's."""

    def lived(self, kind: TrialKind) -> tuple[Trial, ...]:
        """The trials of a kind that brought numbers back."""
        return tuple(trial for trial in self.trials if trial.kind == kind and trial.died is None)

    def absence(self, kind: TrialKind) -> str:
        """Why there is no trial of a kind to compute from."""
        deaths = [trial.died for trial in self.trials if trial.kind == kind and trial.died is not None]
        return f"every {kind} trial died: {deaths[0]}" if deaths else f"no {kind} trial counts"


def over_trials(metric: str, values: Sequence[float], note: str = "") -> Measurement:
    """The median over at least one trial's values, with its interval over trials; no interval for one."""
    interval = median_interval(values, CONFIDENCE)
    known = METRICS[metric]
    return Measurement(
        metric=metric,
        unit=known.unit,
        better=known.better,
        value=quantile(values, 0.5),
        ci_low=interval.low if interval else None,
        ci_high=interval.high if interval else None,
        confidence=CONFIDENCE if interval else None,
        n=len(values),
        obtained=_obtained(metric, note),
    )


def exactly(metric: str, value: float, note: str = "") -> Measurement:
    """A value that is no sample of anything."""
    known = METRICS[metric]
    return Measurement(
        metric=metric, unit=known.unit, better=known.better, value=value, obtained=_obtained(metric, note)
    )


def unknown(metric: str, reason: str) -> Measurement:
    """A metric that cannot be known, with the reason."""
    known = METRICS[metric]
    return Measurement(
        metric=metric,
        unit=known.unit,
        better=known.better,
        value=None,
        obtained=known.obtained,
        reason=reason,
    )


def _obtained(metric: str, note: str) -> str:
    return f"{METRICS[metric].obtained}; {note}" if note else METRICS[metric].obtained
