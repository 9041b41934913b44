"""What changed against the baseline beyond its interval, in words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from harness.records.metrics import METRICS, Unit
from harness.records.results import BaselineRecord, Entry, Measurement, Ratio
from harness.report.numbers import written

_WORDS: dict[Unit, tuple[str, str]] = {
    "s": ("slower", "faster"),
    "B": ("larger", "smaller"),
    "1/s": ("faster", "slower"),
}
_MORE_OR_LESS = ("more", "less")
EXACT = "model_size"
"""A count, compared without an interval."""


@dataclass(frozen=True)
class Change:
    """One metric of one entry that is not what it was at the baseline; texts, and whether it got worse."""

    entry: Entry
    metric: str
    title: str
    arrow: str
    worse: bool
    amount: str
    """``5.1 % slower``."""
    now: str
    was: str
    size: float
    """How far the ratio is from 1."""
    interval: str = "exact"
    """``+3.9 to +6.3 %``, with its confidence where that is known; "exact" for what is counted."""
    blocks: int | None = None


def changes(entries: Iterable[Entry]) -> list[Change]:
    """Every metric whose interval leaves 1 out, and every size that is another: the worse first, the largest first."""
    found = [change for entry in entries if entry.baseline is not None for change in _of_entry(entry, entry.baseline)]
    return sorted(found, key=lambda change: (not change.worse, -change.size))


def sampled(entries: Iterable[Entry]) -> list[Ratio]:
    """The ratios of all metrics that were held against a baseline by trials."""
    return [ratio for entry in entries if entry.baseline is not None for ratio in _ratios(entry.baseline)]


def _of_entry(entry: Entry, base: BaselineRecord) -> Iterator[Change]:
    for ratio in _ratios(base):
        if ratio.ci_low is not None and ratio.ci_high is not None and not ratio.ci_low <= 1 <= ratio.ci_high:
            told = _interval(ratio.ci_low, ratio.ci_high, ratio.confidence)
            yield replace(_change(entry, base, ratio.metric, ratio.ratio), interval=told, blocks=ratio.blocks)
    now, was = _value(entry.measurements, EXACT), _value(base.measurements, EXACT)
    if now and was and now != was:
        yield _change(entry, base, EXACT, now / was)


def _ratios(base: BaselineRecord) -> list[Ratio]:
    return [ratio for ratio in base.ratios if ratio.metric != EXACT]


def _change(entry: Entry, base: BaselineRecord, metric: str, ratio: float) -> Change:
    known = METRICS.get(metric)
    more = ratio > 1
    words = _WORDS.get(known.unit, _MORE_OR_LESS) if known else _MORE_OR_LESS
    return Change(
        entry=entry,
        metric=metric,
        title=known.title if known else metric,
        arrow="▲" if more else "▼",
        worse=more == (known is None or known.better == "lower"),
        amount=f"{_percent(abs(ratio - 1))} % {words[0] if more else words[1]}",
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
