"""What changed against the baseline beyond its interval, in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.records.metrics import METRICS, Unit
from harness.records.results import Entry, Measurement, Ratio
from harness.report.numbers import written

_WORDS: dict[Unit, tuple[str, str]] = {
    "s": ("slower", "faster"),
    "B": ("larger", "smaller"),
    "1/s": ("faster", "slower"),
}
_MORE_OR_LESS = ("more", "less")


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
    interval: str
    """``+3.9 to +6.3 %``, with its confidence where that is known."""
    now: str
    was: str
    blocks: int
    size: float
    """How far the ratio is from 1."""


def changes(entries: Iterable[Entry]) -> list[Change]:
    """Every metric whose interval leaves 1 out: what got worse first, the largest first."""
    found = [
        change
        for entry in entries
        if entry.baseline is not None
        for ratio in entry.baseline.ratios
        if (change := _change(entry, ratio)) is not None
    ]
    return sorted(found, key=lambda change: (not change.worse, -change.size))


def compared(entries: Iterable[Entry]) -> int:
    """How many metrics were held against a baseline."""
    return sum(len(entry.baseline.ratios) for entry in entries if entry.baseline is not None)


def _change(entry: Entry, ratio: Ratio) -> Change | None:
    if ratio.ci_low is None or ratio.ci_high is None or ratio.ci_low <= 1 <= ratio.ci_high:
        return None
    known = METRICS.get(ratio.metric)
    more = ratio.ratio > 1
    words = _WORDS.get(known.unit, _MORE_OR_LESS) if known else _MORE_OR_LESS
    return Change(
        entry=entry,
        metric=ratio.metric,
        title=known.title if known else ratio.metric,
        arrow="▲" if more else "▼",
        worse=more == (ratio.better == "lower"),
        amount=f"{_percent(abs(ratio.ratio - 1))} % {words[0] if more else words[1]}",
        interval=_interval(ratio.ci_low, ratio.ci_high, ratio.confidence),
        now=_value(entry.measurements, ratio.metric),
        was=_value(entry.baseline.measurements if entry.baseline else [], ratio.metric),
        blocks=ratio.blocks,
        size=abs(ratio.ratio - 1),
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


def _value(measurements: Iterable[Measurement], metric: str) -> str:
    for measurement in measurements:
        if measurement.metric == metric and measurement.value is not None:
            return written(measurement.value, measurement.unit)
    return "–"
