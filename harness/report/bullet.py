"""Bullet charts: a figure with its interval, against its limit and its baseline, as places on a line.

Places are per cent of the chart's width, so that a page draws them without a script.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.records.artifact import AccuracyResult
from harness.records.entry import Entry, Finding, Measurement
from harness.records.metrics import METRICS, change_word
from harness.records.status import Status
from harness.records.units import (
    ShownUnit,
    format_interval,
    format_quantity,
    format_share,
    format_share_interval,
    loss_unit,
)
from harness.report.baseline_changes import ACCURACY, REGRESSION
from harness.report.labels import GOOD, LIMITED
from harness.report.numbers import format_value, known_measurement, lost_text, number_of, points, scored

_HEADROOM = 1.12
"""How much longer than its largest figure a line from 0 is."""
_PADDING = 0.2
"""Of the span of the figures, left free on both sides of a line that does not begin at 0."""
_LEAST_SPAN = 0.01
_ACCURACY_DROP = "accuracy_drop"


@dataclass(frozen=True)
class Bullet:
    """Places of what is drawn; None is not drawn. ``floor``: the limit is the least that is allowed."""

    value: float
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    floor: bool = False
    baseline: float | None = None

    @property
    def width(self) -> float:
        """Of the interval."""
        return 0.0 if self.low is None or self.high is None else round(self.high - self.low, 1)


@dataclass(frozen=True)
class JudgedLimit:
    """A limit of an entry in words and as a bullet chart, which only a known value has."""

    finding: Finding
    title: str
    value: str
    interval: str
    limit: str
    """``at most 5 ms``, ``at least 97 %``, ``at most 2 % worse``."""
    sign: str
    """The same as short as a table's cell wants it: ``≤ 5 ms``."""
    excess: str
    """How far beyond its limit a figure is, or what would have settled it; empty where it keeps its limit."""
    bullet: Bullet | None

    @property
    def broken(self) -> bool:
        """Whether the limit was not shown to hold."""
        return self.finding.status not in GOOD

    @property
    def tone(self) -> str:
        """How its chart is drawn: "beyond" its limit, in "doubt", or as one that holds."""
        if not self.broken:
            return ""
        return "beyond" if self.finding.status in (Status.FAIL, Status.ERROR) else "doubt"


def judged_limits(entry: Entry) -> list[JudgedLimit]:
    """Every limit that an entry was held against, in the order in which that was done; without those skipped."""
    return [
        _judged(entry, finding)
        for finding in entry.findings
        if finding.gate in LIMITED and finding.status is not Status.MEASURED
        if finding.limit is not None and finding.metric is not None
    ]


def compare_bullet(entry: Entry, measurement: Measurement, longest: float) -> Bullet | None:
    """A figure without a limit, on a line from 0 to ``longest``, with its baseline's."""
    if measurement.value is None or longest <= 0:
        return None
    return _place(measurement, ends=(0.0, longest * _HEADROOM), baseline=_baseline_value(entry, measurement.metric))


def _judged(entry: Entry, finding: Finding) -> JudgedLimit:
    if finding.gate == "budget":
        return _absolute(entry, finding)
    return _loss(finding, scored(entry))


def _absolute(entry: Entry, finding: Finding) -> JudgedLimit:
    """A metric in its own unit; the figure is the entry's own, so that one number stands in every place."""
    name, limit = str(finding.metric), finding.limit or 0.0
    metric = METRICS.get(name)
    found = known_measurement(entry.measurements, name)
    told = found or metric
    unit, floor = (told.unit, told.better == "higher") if told else ("1", False)
    shown = number_of(found) if found else None
    bound = format_value(limit, unit)
    return JudgedLimit(
        finding=finding,
        title=metric.title if metric else name,
        value=shown.value if shown else "–",
        interval=shown.interval if shown else "",
        limit=f"{'at least' if floor else 'at most'} {bound}",
        sign=f"{'≥' if floor else '≤'} {bound}",
        excess=_excess(finding, found, limit, floor=floor),
        bullet=_against_limit(entry, found, limit, floor=floor) if found else None,
    )


def _against_limit(entry: Entry, found: Measurement, limit: float, *, floor: bool) -> Bullet:
    baseline = _baseline_value(entry, found.metric)
    figures = [one for one in (found.value, found.ci_low, found.ci_high, limit, baseline) if one is not None]
    ends = _around(figures) if found.unit == "1" else (0.0, max(figures) * _HEADROOM)
    placed = _place(found, ends=ends, baseline=baseline)
    return Bullet(placed.value, placed.low, placed.high, _percent(limit, ends), floor, placed.baseline)


def _loss(finding: Finding, accuracy: AccuracyResult | None) -> JudgedLimit:
    """How much worse a metric got, as a share, or of accuracy in points or its own unit; 0 is its baseline."""
    of_accuracy = finding.gate == _ACCURACY_DROP or finding.metric == ACCURACY
    unit: ShownUnit = loss_unit(accuracy.unit if accuracy else "1") if of_accuracy else "1"
    limit, value = finding.limit or 0.0, finding.value
    known = METRICS.get(str(finding.metric))
    against = "the baseline" if finding.gate == REGRESSION else "float32"
    word = "lost" if of_accuracy else "worse"
    bound = format_quantity(limit, unit)
    return JudgedLimit(
        finding=finding,
        title=f"{known.title if known else finding.metric} against {against}",
        value="–" if value is None else _change(finding, value, unit=unit),
        interval=_interval(finding, unit=unit),
        limit=f"at most {bound} {word}",
        sign=f"≤ {bound} {word}",
        excess=_unsettled(finding),
        bullet=None if value is None else _loss_bullet(finding, value, limit),
    )


def _change(finding: Finding, value: float, *, unit: ShownUnit) -> str:
    """``4.4 % slower``, ``1.11 pt lost``, and the other way round."""
    if value == 0:
        return "no change"
    if unit != "1":
        return f"{lost_text(value, '1' if unit == 'pt' else unit)} {'lost' if value > 0 else 'gained'}"
    name = str(finding.metric)
    lower = name not in METRICS or METRICS[name].better == "lower"
    return f"{format_share(value)} {change_word(name, more=(value > 0) == lower)}"


def _interval(finding: Finding, *, unit: ShownUnit) -> str:
    """Both ends, positive in the direction of the change."""
    low, high = finding.ci_low, finding.ci_high
    if low is None or high is None or low == high:
        return ""
    if (finding.value or 0.0) < 0:
        low, high = -high, -low
    return format_share_interval(low, high) if unit == "1" else format_interval(low, high, unit)


def _loss_bullet(finding: Finding, value: float, limit: float) -> Bullet:
    figures = [one for one in (value, finding.ci_low, finding.ci_high, limit, 0.0) if one is not None]
    ends = _around(figures, inside=None)
    low, high = (None if end is None else _percent(end, ends) for end in (finding.ci_low, finding.ci_high))
    return Bullet(_percent(value, ends), low, high, _percent(limit, ends), baseline=_percent(0.0, ends))


def _unsettled(finding: Finding) -> str:
    if finding.status is not Status.INCONCLUSIVE:
        return ""
    if finding.needed is not None:
        return f"needs about {finding.needed} blocks"
    return "" if finding.blocks is None else f"too few: {finding.blocks} block{'' if finding.blocks == 1 else 's'}"


def _excess(finding: Finding, found: Measurement | None, limit: float, *, floor: bool) -> str:
    value = found.value if found else None
    if found is None or value is None or finding.status is not Status.FAIL or limit <= 0:
        return _unsettled(finding)
    if value >= limit if floor else value <= limit:
        return ""
    if found.unit == "1":
        return f"{points(abs(value - limit)).lstrip('+')} {'below' if floor else 'above'}"
    if not floor and value >= 2 * limit:
        return f"{value / limit:.3g} times"
    return f"{format_share(value / limit - 1)} {'below' if floor else 'above'}"


def _place(found: Measurement, *, ends: tuple[float, float], baseline: float | None) -> Bullet:
    low, high, base = (None if one is None else _percent(one, ends) for one in (found.ci_low, found.ci_high, baseline))
    both = low is not None and high is not None
    return Bullet(_percent(found.value or 0.0, ends), low if both else None, high if both else None, baseline=base)


def _baseline_value(entry: Entry, metric: str) -> float | None:
    found = known_measurement(entry.baseline.measurements, metric) if entry.baseline else None
    return found.value if found else None


def _around(figures: Iterable[float], inside: tuple[float, float] | None = (0.0, 1.0)) -> tuple[float, float]:
    """Ends of a line that shows all figures with room beside them; of shares, inside 0 and 1."""
    known = list(figures)
    low, high = min(known), max(known)
    padding = max(high - low, _LEAST_SPAN) * _PADDING
    ends = low - padding, high + padding
    return ends if inside is None else (max(ends[0], inside[0]), min(ends[1], inside[1]))


def _percent(figure: float, ends: tuple[float, float]) -> float:
    """The figure's place, inside the line."""
    first, last = ends
    return round(min(100.0, max(0.0, (figure - first) / (last - first) * 100)), 1)
