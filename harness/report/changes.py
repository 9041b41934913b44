"""What changed against the baseline beyond its interval, and what became of accuracy and size, in words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.artifact import AccuracyResult
from harness.records.metrics import METRICS, Unit
from harness.records.results import BaselineRecord, Entry, Measurement, Ratio
from harness.report.numbers import points, written

_WORDS: dict[Unit, tuple[str, str]] = {
    "s": ("slower", "faster"),
    "B": ("larger", "smaller"),
    "1/s": ("faster", "slower"),
}
_WITH_FIGURES = ("measured", "stored", "identical")
_MORE_OR_LESS = ("more", "less")
SIZE = "model_size"
ACCURACY = "accuracy"
EXACT = (ACCURACY, SIZE)
"""Compared without an interval, and always told, changed or not: a faster model that is wrong is no good news."""
Kind = Literal["worse", "better", "unknown", "identical"]
_ORDER: tuple[Kind, ...] = ("worse", "better", "unknown", "identical")


@dataclass(frozen=True)
class Change:
    """One metric of one entry against its baseline; texts, and whether it got worse."""

    entry: Entry
    metric: str
    title: str
    kind: Kind
    amount: str
    """``▲ 5.1 % slower``, "identical", or why it is not known."""
    now: str
    was: str
    size: float
    """How far the ratio is from 1; of an accuracy the share gained or lost."""
    interval: str = "exact"
    """``+3.9 to +6.3 %``, with its confidence where that is known; "exact" for what is counted."""
    blocks: int | None = None


def changes(entries: Iterable[Entry]) -> list[Change]:
    """Every metric whose interval leaves 1 out, and every accuracy and size: what got worse first, the largest first.

    An accuracy lost stands before all others; what is identical comes last.
    """
    found = [change for entry in entries if entry.baseline is not None for change in _of_entry(entry, entry.baseline)]
    return sorted(found, key=_rank)


def exact_changes(entry: Entry) -> list[Change]:
    """The entry's accuracy and size against its baseline, as far as either arm has them."""
    if entry.baseline is None:
        return []
    return [change for change in (_accuracy(entry, entry.baseline), _size(entry, entry.baseline)) if change is not None]


def sampled(entries: Iterable[Entry]) -> list[Ratio]:
    """The ratios of all metrics that were held against a baseline by trials."""
    return [ratio for entry in entries if entry.baseline is not None for ratio in _ratios(entry.baseline)]


def _of_entry(entry: Entry, base: BaselineRecord) -> Iterator[Change]:
    for ratio in _ratios(base):
        if ratio.ci_low is not None and ratio.ci_high is not None and not ratio.ci_low <= 1 <= ratio.ci_high:
            told = _interval(ratio.ci_low, ratio.ci_high, ratio.confidence)
            yield replace(_change(entry, base, ratio.metric, ratio.ratio), interval=told, blocks=ratio.blocks)
    yield from exact_changes(entry)


def _rank(change: Change) -> tuple[bool, int, float]:
    lost_accuracy = change.metric == ACCURACY and change.kind == "worse"
    return not lost_accuracy, _ORDER.index(change.kind), -change.size


def _size(entry: Entry, base: BaselineRecord) -> Change | None:
    now, was = _value(entry.measurements, SIZE), _value(base.measurements, SIZE)
    if now is None or was is None:  # an arm that was not measured still has its file
        now, was = (float(one.artifact.size_bytes) if one.artifact else None for one in (entry, base))
    if not now or not was:
        return None
    found = replace(_change(entry, base, SIZE, now / was), now=written(now, "B"), was=written(was, "B"))
    return found if now != was else replace(found, kind="identical", amount="identical")


def _accuracy(entry: Entry, base: BaselineRecord) -> Change | None:
    """In points; not known where one arm has none, or they were scored on unlike test sets. None where neither has."""
    own, before = (one.artifact.accuracy if one.artifact else None for one in (entry, base))
    now, was = _value(entry.measurements, ACCURACY), _value(base.measurements, ACCURACY)
    now, was = own.value if own else now, before.value if before else was
    if (now is None and was is None) or base.state not in _WITH_FIGURES:
        return None
    lost, why = _lost(own, before, now=now, was=was)
    found = Change(
        entry=entry,
        metric=ACCURACY,
        title=METRICS[ACCURACY].title,
        kind="unknown",
        amount=f"not compared: {why}",
        now="–" if now is None else written(now, "1"),
        was="–" if was is None else written(was, "1"),
        size=abs(lost or 0.0),
        interval="",
    )
    if lost is None:
        return found
    samples = f"exact, {own.n} samples" if own else "exact"
    if lost == 0:
        return replace(found, kind="identical", amount="identical", interval=samples)
    amount = f"{'▼' if lost > 0 else '▲'} {points(abs(lost)).lstrip('+')} {'lost' if lost > 0 else 'gained'}"
    return replace(found, kind="worse" if lost > 0 else "better", amount=amount, interval=samples)


def _lost(
    own: AccuracyResult | None, before: AccuracyResult | None, *, now: float | None, was: float | None
) -> tuple[float | None, str]:
    """The share lost, and if that is not known, why."""
    if now is None or was is None:
        return None, f"{'the candidate' if now is None else 'the baseline'} has none"
    if own is None or before is None:
        return was - now, ""
    return own.lost_against(before), "scored on another test set"


def _ratios(base: BaselineRecord) -> list[Ratio]:
    return [ratio for ratio in base.ratios if ratio.metric not in EXACT]


def _change(entry: Entry, base: BaselineRecord, metric: str, ratio: float) -> Change:
    known = METRICS.get(metric)
    more = ratio > 1
    words = _WORDS.get(known.unit, _MORE_OR_LESS) if known else _MORE_OR_LESS
    return Change(
        entry=entry,
        metric=metric,
        title=known.title if known else metric,
        kind="worse" if more == (known is None or known.better == "lower") else "better",
        amount=f"{'▲' if more else '▼'} {_percent(abs(ratio - 1))} % {words[0] if more else words[1]}",
        now=_shown(entry.measurements, metric),
        was=_shown(base.measurements, metric),
        size=abs(ratio - 1),
    )


def _interval(low: float, high: float, confidence: float | None) -> str:
    ends = [low - 1, high - 1]
    digits = _digits(max(map(abs, ends)))
    said = " to ".join(f"{'+' if end >= 0 else '−'}{100 * abs(end):.{digits}f}" for end in ends)
    return f"{said} %" if confidence is None else f"{said} % ({100 * confidence:.4g} %)"


def _percent(share: float) -> str:
    """A share in per cent without its sign."""
    return f"{100 * share:.{_digits(share)}f}"


def _digits(share: float) -> int:
    """After the point, in per cent: two below 1 %, one below 100 %, else none."""
    return 2 if share < 0.00995 else 1 if share < 0.9995 else 0


def _value(measurements: Iterable[Measurement], metric: str) -> float | None:
    return next((one.value for one in measurements if one.metric == metric), None)


def _shown(measurements: Iterable[Measurement], metric: str) -> str:
    for measurement in measurements:
        if measurement.metric == metric and measurement.value is not None:
            return written(measurement.value, measurement.unit)
    return "–"
