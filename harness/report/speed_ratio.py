"""How many times as fast one entry of a run is as another, with an interval, from what the results file keeps."""

from dataclasses import dataclass
from math import exp, hypot, inf, log
from typing import Final, Literal

from harness.records.comparable import ALIKE, FLOOR
from harness.records.entry import Comparison, Entry, Measurement
from harness.report.numbers import value_of

SPEED: Final = "latency_p50"
LEAST_CONFIDENCE: Final = 0.9
"""Of an interval that says anything; two and three trials have their ends only."""
_HOW: Final = "latency p50, measured one after the other"
_LARGEST: Final = 700.0
"""Of a logarithm, so that its exponential is a number."""


@dataclass(frozen=True)
class SpeedRatio:
    """How many times as fast one entry is as another; without ends where too few trials tell."""

    value: float
    low: float | None
    high: float | None
    basis: str
    """How it was obtained and how sure it is."""

    @property
    def verdict(self) -> Literal["faster", "slower", "alike", "open", "unknown"]:
        """Faster or slower only beyond the interval; open: the interval leaves both and is wide; unknown: it has none.

        Differences below FLOOR are none: the two were measured at different times.
        """
        if self.low is None or self.high is None:
            return "unknown"
        if self.low > 1.0 / (1.0 - FLOOR):
            return "faster"
        if self.high < 1.0 / (1.0 + FLOOR):
            return "slower"
        return "alike" if self.within <= ALIKE else "open"

    @property
    def within(self) -> float:
        """The largest difference that the interval leaves, as a share."""
        return max(abs((self.low or 0.0) - 1.0), abs((self.high or 0.0) - 1.0))

    def sentence(self, one: str, other: str) -> str:
        """Never faster or slower where the interval does not say so: "int8 is 1.58x faster than float32 (...)"."""
        if self.low is None or self.high is None:
            return f"{one} ran at {times(self.value)} the speed of {other}, how sure is not known"
        ends = f"({times(self.low)} to {times(self.high)})"
        if self.verdict == "faster":
            return f"{one} is {times(self.value)} faster than {other} {ends}"
        if self.verdict == "slower":
            slower, least, most = (times(1.0 / end) for end in (self.value, self.high, self.low))
            return f"{one} is {slower} slower than {other} ({least} to {most})"
        if self.verdict == "alike":
            return f"{one} is as fast as {other} within {100 * self.within:.2g} %"
        return self._open(one, other, ends)

    def _open(self, one: str, other: str, ends: str) -> str:
        """What a wide interval leaves; one that ends beside 1 names a side and still claims no difference."""
        low, high = self.low or 0.0, self.high or inf
        if low <= 1.0 <= high:
            return f"{one} may be faster or slower than {other} {ends}"
        return f"{one} may be {'faster' if low > 1.0 else 'slower'} than {other}, or as fast {ends}"


def speed_ratio(one: Entry, other: Entry) -> SpeedRatio:
    """How many times as fast ``one`` is as ``other``, by latency p50; of both it must be known and positive.

    As the run compared both, where it did; else from both intervals, as the two were measured one after the other:
    on the logarithmic scale the distances to the ends add up in quadrature. Source: Zou and Donner, Construction of
    confidence limits about effect measures, Statistics in Medicine 27, 2008.
    """
    stored, swapped = _stored(one, other), _stored(other, one)
    if stored is not None and stored.ratio > 0.0:
        low, high = (1.0 / end if end else None for end in (stored.ci_high, stored.ci_low))
        return _checked(1.0 / stored.ratio, low, high, stored.confidence)
    if swapped is not None and swapped.ratio > 0.0:
        return _checked(swapped.ratio, swapped.ci_low, swapped.ci_high, swapped.confidence)
    return _from_intervals(one, other)


def seconds_of(entry: Entry) -> float:
    """The entry's latency p50; 0.0 where it is not known."""
    found = value_of(entry, SPEED)
    return (found.value or 0.0) if found else 0.0


def times(ratio: float) -> str:
    """A ratio for eyes, three digits: ``1.58x``."""
    return f"{ratio:.2f}x" if 0.1 <= ratio < 9.995 else f"{ratio:.1f}x" if 9.995 <= ratio < 99.95 else f"{ratio:.3g}x"


def _stored(one: Entry, other: Entry) -> Comparison | None:
    return next((c for c in one.comparisons if c.metric == SPEED and c.against == other.subject), None)


def _checked(value: float, low: float | None, high: float | None, confidence: float | None) -> SpeedRatio:
    """With the ends where there are two, either side of the value: the file may say anything."""
    if low is None or high is None or not 0.0 < low <= value <= high < inf:
        return SpeedRatio(value, None, None, f"{_HOW}; too few trials for an interval")
    level = "" if confidence is None else f"{100 * confidence:.4g} % "
    return SpeedRatio(value, low, high, f"{_HOW}; {level}interval over trials of both")


def _from_intervals(one: Entry, other: Entry) -> SpeedRatio:
    value = seconds_of(other) / seconds_of(one)
    own, base = value_of(one, SPEED), value_of(other, SPEED)
    if own is None or base is None or (own_ends := _distances(own)) is None or (base_ends := _distances(base)) is None:
        return _checked(value, None, None, None)
    down, up = (min(hypot(*ends), _LARGEST) for ends in ((base_ends[0], own_ends[1]), (base_ends[1], own_ends[0])))
    return _checked(value, value * exp(-down), value * exp(up), min(own.confidence or 0.0, base.confidence or 0.0))


def _distances(found: Measurement) -> tuple[float, float] | None:
    """How far the ends lie below and above the value, on the logarithmic scale; None where they say nothing."""
    value, low, high = found.value, found.ci_low, found.ci_high
    if value is None or low is None or high is None or (found.confidence or 0.0) < LEAST_CONFIDENCE:
        return None
    return (log(value / low), log(high / value)) if 0.0 < low <= value <= high else None
