"""What a gate looks at: the entry's measurements, and what they are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.gates.limits import ACCURACY, Limit
from harness.records.entry import Entry, Measurement
from harness.records.metrics import METRICS, is_exact
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

    def called(self, metric: str) -> str:
        """What the user calls their own metric that stands for this one; empty where it is ours."""
        artifact = self.entry.artifact if metric == ACCURACY else None
        accuracy = artifact.verification.accuracy if artifact else None
        return accuracy.metric.name if accuracy is not None and accuracy.metric is not None else ""

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
    if limit.metric == ACCURACY and limit.kind == "absolute":
        return misfit(limit, unit=measurement.unit) or _other_way(limit, measurement)
    if limit.source == "model" or not is_modelled(measurement):
        return ""
    return 'from the profile\'s power model, not from a sensor; to gate on it write { max = "...", source = "model" }'


def misfit(limit: Limit, *, unit: str) -> str:
    """Why a limit on accuracy is in another unit than the candidate's own metric; empty where it is in that one."""
    if (limit.unit or "1") == unit:
        return ""
    wanted = "a share, to be limited in % or pt" if unit == "1" else f"in {unit}"
    return f"what scores this candidate is {wanted}, and the limit is {limit.text}"


def _other_way(limit: Limit, measurement: Measurement) -> str:
    if limit.is_floor == (measurement.better == "higher"):
        return ""
    less_or_more, bound = ("less", "max") if measurement.better == "lower" else ("more", "min")
    return f'of what scores this candidate {less_or_more} is better: write {{ {bound} = "..." }}'


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
