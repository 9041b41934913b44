"""Measurements as people read them: value, interval, number of trials, source; and an entry's stages, a line each."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from harness.records.artifact import AccuracyDrop, AccuracyResult
from harness.records.entry import Entry, Measurement
from harness.records.metrics import METRICS
from harness.records.units import ShownUnit, format_interval, format_quantity

STAGES = ("preprocess", "inference", "postprocess")
WHOLE = "end_to_end"
SUM = "their sum"


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
    modelled: bool = False
    """Whether the band is of a model of the board's power, and not of a sensor."""
    change: str = ""
    """``-1.11 pt``: how an accuracy differs from float32's, in its unit; empty where that is not known."""

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value != "–"


def number(entry: Entry, metric: str) -> Number | None:
    """The entry's measurement of a metric as texts, or None if it has none."""
    for measurement in entry.measurements:
        if measurement.metric == metric:
            shown = number_of(measurement)
            return _of_accuracy(shown, entry) if metric == "accuracy" else shown
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
        modelled=measurement.power_source is None or measurement.power_source.kind == "model",
    )


def interval_text(measurement: Measurement) -> str:
    """``153.6-154.8 µs``, with both units where they differ; empty without an interval."""
    if measurement.ci_low is None or measurement.ci_high is None:
        return ""
    return format_interval(measurement.ci_low, measurement.ci_high, measurement.unit)


@lru_cache(maxsize=4096)
def format_value(value: float, unit: ShownUnit) -> str:
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


@dataclass(frozen=True)
class StageLine:
    """One line under an entry: what, how long, and its interval where there is one."""

    title: str
    value: str
    interval: str = ""
    trials: str = ""


def has_stages(entry: Entry) -> bool:
    """Whether the entry was measured with its stages."""
    return any(measurement.metric in (*STAGES, WHOLE) for measurement in entry.measurements)


def stage_lines(entry: Entry) -> list[StageLine]:
    """The three stages, their sum, and the end to end timed as a whole; none for an entry without stages."""
    if not has_stages(entry):
        return []
    total = stage_sum(entry)
    summed = StageLine(SUM, "–" if total is None else format_value(total, "s"))
    return [*(_stage_line(entry, stage) for stage in STAGES), summed, _stage_line(entry, WHOLE)]


def stage_sum(entry: Entry) -> float | None:
    """The three stages' times added up, in seconds; None where one is not known."""
    values = [found.value for stage in STAGES if (found := value_of(entry, stage)) and found.value is not None]
    return sum(values) if len(values) == len(STAGES) else None


def _stage_line(entry: Entry, metric: str) -> StageLine:
    shown = number(entry, metric)
    title = METRICS[metric].title
    return StageLine(title, shown.value, shown.interval, shown.trials) if shown else StageLine(title, "–")


def scored(entry: Entry) -> AccuracyResult | None:
    """The accuracy of the entry's artifact, by top-1 or by a metric of the user's own."""
    return entry.artifact.verification.accuracy if entry.artifact else None


def gained_text(lost: float, accuracy: AccuracyResult | None) -> str:
    """What a loss did to the figure, with its sign: ``-1.11 pt``, ``+0.3 px`` where less is better."""
    unit, change = (accuracy.unit, -accuracy.sign * lost) if accuracy else ("1", -lost)
    return points(change) if unit == "1" else f"{change:+.3g} {unit}"


def loss_interval(drop: AccuracyDrop, accuracy: AccuracyResult | None) -> str:
    """Both ends of what a loss did to the figure, the lower first: ``-1.5 to -0.3 pt``; empty without an interval."""
    if drop.ci_low is None or drop.ci_high is None:
        return ""
    ends = (drop.ci_high, drop.ci_low) if accuracy is None or accuracy.sign > 0 else (drop.ci_low, drop.ci_high)
    low, high = (gained_text(end, accuracy) for end in ends)
    return f"{low.rpartition(' ')[0]} to {high}"


def lost_text(lost: float, unit: str) -> str:
    """How large a loss or a gain is, without its sign: ``1.11 pt``, ``0.3 px``."""
    return points(abs(lost)).lstrip("+") if unit == "1" else f"{abs(lost):.3g} {unit}"


def _of_accuracy(shown: Number, entry: Entry) -> Number:
    """An accuracy's texts with what its metric is called and how it differs from float32's."""
    accuracy = scored(entry)
    drop = entry.artifact.verification.accuracy_drop if entry.artifact else None
    change = "" if drop is None else gained_text(drop.value, accuracy)
    if accuracy is None or accuracy.metric is None:
        return replace(shown, change=change)
    value = f"{shown.value} {accuracy.title}" if shown.known else shown.value
    return replace(shown, change=change, title=accuracy.title, value=value)


def _source(measurement: Measurement) -> str:
    says = measurement.power_source.band_says if measurement.power_source else ""
    parts = [measurement.source or "", " ".join(filter(None, [_band(measurement), says]))]
    if measurement.idle_share is not None:
        parts.append(f"idle share {format_value(measurement.idle_share, '1')}")
    return ", ".join(part for part in parts if part)


def _band(measurement: Measurement) -> str:
    return "" if measurement.band is None else f"±{format_value(measurement.band, '1')}"
