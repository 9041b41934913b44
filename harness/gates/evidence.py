"""What a gate looks at: the entry's measurements, and what they are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.gates.limits import Limit
from harness.records.metrics import METRICS, is_exact
from harness.records.results import Entry, Measurement
from harness.records.settings import Settings


@dataclass(frozen=True)
class Evidence:
    """An entry with its baseline, and the chance of a false alarm that each limit may take (``share``)."""

    entry: Entry
    settings: Settings
    share: float

    def measured(self, metric: str) -> Measurement | None:
        """The entry's measurement of a metric, None where it took none."""
        return _find(self.entry.measurements, metric)

    def baseline_of(self, metric: str) -> Measurement | None:
        """The baseline's measurement of a metric."""
        return _find(self.entry.baseline.measurements if self.entry.baseline else (), metric)


def why_not_judged(measurement: Measurement | None, limit: Limit) -> str:
    """Why this limit cannot judge what was measured; empty where it can.

    A modelled joule gates only where the budget asks for it by name.
    """
    if measurement is None:
        without = ": no pre- or post-processing was given" if limit.definition.kind == "stages" else ""
        return f"not measured{without}"
    if measurement.value is None:
        return f"unknown: {measurement.reason or 'no reason was given'}"
    if limit.source == "model" or not is_modelled(measurement):
        return ""
    return 'from the profile\'s power model, not from a sensor; to gate on it write { max = "...", source = "model" }'


def is_modelled(measurement: Measurement) -> bool:
    """True where the value comes from a model of the board, not from a reading."""
    return measurement.source is not None and measurement.source.split(":")[0].strip() == "model"


def needs_interval(measurement: Measurement) -> bool:
    """True for a metric that varies and came without an interval: one trial cannot be judged."""
    settled = METRICS[measurement.metric].repeats in ("exact", "identical")
    return not settled and (measurement.ci_low is None or measurement.ci_high is None)


def interval_of(value: float, measurement: Measurement) -> tuple[float, float]:
    """The measurement's interval, or its value twice where it has none or needs none."""
    low, high = measurement.ci_low, measurement.ci_high
    if is_exact(measurement.metric):
        return value, value
    return (value, value) if low is None or high is None else (low, high)


def _find(measurements: Sequence[Measurement], metric: str) -> Measurement | None:
    return next((m for m in measurements if m.metric == metric), None)
