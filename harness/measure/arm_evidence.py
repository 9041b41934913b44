"""What metrics are computed from, and how figures become a measurement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.records.artifact import Artifact
from harness.records.board import BoardFacts, Trial
from harness.records.device import DeviceProfile
from harness.records.entry import Measurement, TrialMetrics, TrialSummary
from harness.records.metrics import ESTIMATOR, METRICS, TrialKind
from harness.records.results import Results
from harness.records.settings import ENERGY_WINDOW_S
from harness.stats.estimates import Estimate, figure_of, mean_over_trials


@dataclass(frozen=True)
class ArmEvidence:
    """One arm's trials that count (void ones are left out), the artifact, the profile and the board's facts."""

    trials: tuple[Trial, ...]
    artifact: Artifact
    profile: DeviceProfile
    facts: BoardFacts
    energy_window_s: float = ENERGY_WINDOW_S
    """The shortest window of a sensor that counts: the plan's."""
    rate: float | None = None
    """Inferences a second as the application asks for them."""

    def lived(self, kind: TrialKind) -> tuple[Trial, ...]:
        """The trials of a kind that brought numbers back."""
        return tuple(trial for trial in self.trials if trial.kind == kind and trial.died is None)

    def absence(self, kind: TrialKind) -> str:
        """Why there is no trial of a kind to compute from."""
        deaths = [trial.died for trial in self.trials if trial.kind == kind and trial.died is not None]
        return f"every {kind} trial died: {deaths[0]}" if deaths else f"no {kind} trial counts"


def over_trials(metric: str, values: Sequence[float], note: str = "") -> Measurement:
    """The geometric mean of at least one trial's values, with its interval over trials; no interval for one.

    Of values that are not all positive, such as memory that did not grow, the arithmetic one.
    """
    known = METRICS[metric]
    whole = Measurement(
        metric=metric, unit=known.unit, better=known.better, value=None, n=len(values), obtained=_obtained(metric, note)
    )
    return with_estimate(whole, mean_over_trials(values))


def with_estimate(measurement: Measurement, found: Estimate) -> Measurement:
    """The measurement with an estimate's value, interval and number of trials."""
    ends = {"ci_low": found.low, "ci_high": found.high, "confidence": found.confidence}
    return measurement.model_copy(update={"value": found.value, "n": found.trials, **ends})


def restate(
    measurements: Iterable[Measurement], arm: str, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics]
) -> list[Measurement]:
    """One arm's measurements with the figures that its trials, as results.json keeps them, give by this estimator.

    What cannot be known stays so, and what has no positive figure of single trials as it was.
    """
    return [_restated(one, arm, trials, figures) for one in measurements]


def restate_run(results: Results) -> Results:
    """The run with the figures that this estimator makes of its trials; as it is where it made them.

    What an entry was compared with stays as it was.
    """
    if results.run.estimator == ESTIMATOR:
        return results
    entries = [
        entry.model_copy(update={"measurements": restate(entry.measurements, "candidate", entry.trials, entry.figures)})
        for entry in results.entries
    ]
    return results.model_copy(update={"entries": entries})


def _restated(
    one: Measurement, arm: str, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics]
) -> Measurement:
    known = METRICS.get(one.metric)
    if one.value is None or known is None or known.kind is None:
        return one
    found = figure_of(one.metric, trials, figures, arm)
    if found is None:
        return one
    _, _, note = one.obtained.partition("; ")
    return with_estimate(one, found).model_copy(update={"obtained": _obtained(one.metric, note)})


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
