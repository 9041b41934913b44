"""Measurements as people read them: value, interval, number of trials, source."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from harness.records.metrics import METRICS, Unit
from harness.records.results import Entry, Measurement
from harness.records.units import format_interval, format_quantity


@dataclass(frozen=True)
class Number:
    """One metric of one entry as texts; ``value`` is "–" with a reason where it is not known."""

    metric: str
    title: str
    value: str
    interval: str
    trials: str
    confidence: str
    reason: str
    source: str
    band: str
    """``±40 %``: what the source itself may be off by; empty where nothing is said."""
    change: str = ""
    """``-1.11 pt``: of an accuracy, the points gained or lost against float32; empty where they are not known."""


def number(entry: Entry, metric: str) -> Number | None:
    """The entry's measurement of a metric as texts, or None if it has none."""
    for measurement in entry.measurements:
        if measurement.metric == metric:
            shown = number_of(measurement)
            return replace(shown, change=_change(entry)) if metric == "accuracy" else shown
    return None


def number_of(measurement: Measurement) -> Number:
    """A measurement as texts."""
    known = METRICS.get(measurement.metric)
    value = measurement.value
    return Number(
        metric=measurement.metric,
        title=known.title if known else measurement.metric,
        value="–" if value is None else format_value(value, measurement.unit),
        interval=interval_text(measurement),
        trials=f"n {measurement.n}" if measurement.n else "",
        confidence="" if measurement.confidence is None else f"{measurement.confidence:.4g}",
        reason=measurement.reason or "",
        source=_source(measurement),
        band=_band(measurement),
    )


def interval_text(measurement: Measurement) -> str:
    """``153.6-154.8 µs``, with both units where they differ; empty without an interval."""
    if measurement.ci_low is None or measurement.ci_high is None:
        return ""
    return format_interval(measurement.ci_low, measurement.ci_high, measurement.unit)


@lru_cache(maxsize=4096)
def format_value(value: float, unit: Unit) -> str:
    """A value with its prefixed unit; the same numbers stand in several places of a report."""
    return format_quantity(value, unit)


def value_of(entry: Entry, metric: str) -> Measurement | None:
    """The entry's measurement of a metric where its value is known."""
    return known_measurement(entry.measurements, metric)


def known_measurement(measurements: Iterable[Measurement], metric: str) -> Measurement | None:
    """The measurement of a metric among those of an entry, or of one arm, where its value is known."""
    return next((one for one in measurements if one.metric == metric and one.value is not None), None)


def points(share: float) -> str:
    """A difference of two shares in percentage points with its sign, at most eight characters: ``-1.11 pt``."""
    value = 100 * share
    decimals = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    written_value = f"{value:+.{decimals}f}"
    return f"{'0.00' if float(written_value) == 0 else written_value} pt"


def _change(entry: Entry) -> str:
    drop = entry.artifact.verification.accuracy_drop if entry.artifact else None
    return "" if drop is None else points(-drop.value)


def _source(measurement: Measurement) -> str:
    parts = [measurement.source or "", _band(measurement)]
    if measurement.idle_share is not None:
        parts.append(f"idle share {format_value(measurement.idle_share, '1')}")
    return ", ".join(part for part in parts if part)


def _band(measurement: Measurement) -> str:
    return "" if measurement.band is None else f"±{format_value(measurement.band, '1')}"
