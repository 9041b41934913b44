"""One stored run held against another, entry by entry, metric by metric."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from harness.measure.arm_evidence import restate_run
from harness.records.comparable import FLOOR, set_apart, unlike
from harness.records.entry import Entry, Measurement
from harness.records.metrics import METRICS, is_exact
from harness.records.results import DeviceRecord, Results
from harness.stats.estimates import Estimate, figure_of, ratio_apart

CONFIDENCE: Final = 0.99
"""Of the ratios' intervals: there are many of them, and at 95 % one in twenty would err."""

Verdict = Literal["better", "worse", "alike", "unknown"]


@dataclass(frozen=True)
class MetricPair:
    """A metric in both runs, values in its SI base unit; ``ratio`` is B / A with its interval where there is one."""

    a: Measurement
    b: Measurement
    ratio: float | None
    low: float | None
    high: float | None
    verdict: Verdict

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self.a.metric


@dataclass(frozen=True)
class EntryPair:
    """An entry in both runs. Where ``unlike`` says what differs, the metrics stand side by side without a ratio."""

    a: Entry
    b: Entry
    unlike: tuple[str, ...]
    metrics: tuple[MetricPair, ...]
    across: tuple[str, ...] = ()
    """What differs and was named to be compared across."""


@dataclass(frozen=True)
class RunComparison:
    """Two runs: what both measured, and what only one of them did."""

    pairs: tuple[EntryPair, ...]
    only_a: tuple[Entry, ...]
    only_b: tuple[Entry, ...]


def compare_results(a: Results, b: Results, across: Collection[str] = ()) -> RunComparison:
    """B against A. Where each run has one device they are taken for the same, whatever their profiles are called.

    ``across`` names what may differ, out of `harness.records.comparable.ACROSS`.
    """
    a, b = restate_run(a), restate_run(b)
    matches = _matches(a, b)
    pairs = [
        _pair(entry, other, (a.devices.get(entry.device), b.devices.get(other.device)), across)
        for place, entry in enumerate(a.entries)
        if (other := matches.get(place)) is not None
    ]
    found = {id(entry) for entry in matches.values()}
    only_a = tuple(entry for place, entry in enumerate(a.entries) if place not in matches)
    return RunComparison(tuple(pairs), only_a, tuple(entry for entry in b.entries if id(entry) not in found))


def _matches(a: Results, b: Results) -> dict[int, Entry]:
    """By an entry's place in A, the one of B that measured the same.

    In the same test; else in the same function, whose parameters name the device; else in whatever test was left.
    """
    one_each = len(_names(a)) == len(_names(b)) == 1
    found: dict[int, Entry] = {}
    left = list(b.entries)
    for test_of in (lambda test: test, lambda test: test.partition("[")[0], lambda _: ""):
        waiting = defaultdict[tuple[str, ...], deque[Entry]](deque)
        for entry in left:
            waiting[*_key(entry, one_each), test_of(entry.test)].append(entry)
        for place, entry in enumerate(a.entries):
            same = waiting.get((*_key(entry, one_each), test_of(entry.test)))
            if place not in found and same:
                found[place] = same.popleft()
        left = [entry for entries in waiting.values() for entry in entries]
    return found


def _names(results: Results) -> set[str]:
    return {entry.device for entry in results.entries}


def _key(entry: Entry, one_each: bool) -> tuple[str, ...]:
    return ("" if one_each else entry.device, entry.candidate, entry.recipe or "")


def _pair(
    a: Entry, b: Entry, devices: tuple[DeviceRecord | None, DeviceRecord | None], across: Collection[str]
) -> EntryPair:
    a_device, b_device = devices
    if a_device is None or b_device is None:
        differing = ["board: nothing is known of it"]
    else:
        differing = unlike(a_device, a, b_device, b)
    refusing, named = set_apart(differing, across)
    return EntryPair(a, b, tuple(refusing), tuple(_metrics(a, b, comparable=not refusing)), tuple(named))


def _metrics(a: Entry, b: Entry, *, comparable: bool) -> Iterator[MetricPair]:
    others = {measurement.metric: measurement for measurement in b.measurements}
    for one in a.measurements:
        other = others.get(one.metric)
        if other is None or one.value is None or other.value is None:
            continue
        ratio, low, high = _ratio(a, b, one, other) if comparable or is_exact(one.metric) else (None, None, None)
        yield MetricPair(one, other, ratio, low, high, _verdict(one, ratio, low, high))


def _ratio(a: Entry, b: Entry, one: Measurement, other: Measurement) -> tuple[float | None, float | None, float | None]:
    """B / A with its interval: from the trials' own figures, else from what both intervals allow at the outermost."""
    own, base = _figure(b, one.metric), _figure(a, one.metric)
    if own is not None and base is not None:
        found = ratio_apart(own, base, confidence=CONFIDENCE)
        return found.value, found.low, found.high
    if not one.value or other.value is None or one.value < 0:
        return None, None, None
    ratio = other.value / one.value
    if is_exact(one.metric):
        return ratio, ratio, ratio
    if None in (one.ci_low, one.ci_high, other.ci_low, other.ci_high):
        return ratio, None, None
    low_a, high_a, low_b, high_b = (float(end or 0.0) for end in (one.ci_low, one.ci_high, other.ci_low, other.ci_high))
    return (ratio, low_b / high_a, high_b / low_a) if low_a > 0 else (ratio, None, None)


def _figure(entry: Entry, metric: str) -> Estimate | None:
    """The candidate's, as its measurement has it; None where trials keep none."""
    known = METRICS.get(metric)
    return None if known is None or known.kind is None else figure_of(metric, entry.trials, entry.figures)


def _verdict(measurement: Measurement, ratio: float | None, low: float | None, high: float | None) -> Verdict:
    if ratio is None or low is None or high is None:
        return "unknown"
    floor = 0.0 if is_exact(measurement.metric) else FLOOR
    if low <= 1.0 + floor and high >= 1.0 - floor:
        return "alike"
    return "worse" if (ratio > 1.0) == (measurement.better == "lower") else "better"
