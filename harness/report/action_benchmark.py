"""github-action-benchmark.json: the run's figures as github-action-benchmark's customSmallerIsBetter reads them."""

import json

from harness.records.comparable import is_usable
from harness.records.entry import Entry, Measurement
from harness.records.metrics import METRICS
from harness.records.results import Results
from harness.records.text import visible
from harness.report.labels import STATUS_WORDS, device_title, entry_name
from harness.report.numbers import Number, number_of

_SCALES: dict[str, tuple[str, float]] = {"s": ("ms", 1e3), "B": ("kB", 1e-3), "J": ("mJ", 1e3), "W": ("W", 1.0)}
"""One unit for all runs, since the action compares bare numbers; with a prefix, since it shows them as they are."""


def action_benchmark(results: Results) -> str:
    """A JSON list, one item for each metric of each entry of which less is better and whose figures may be compared."""
    items = [
        _item(results, entry, measurement)
        for entry in results.entries
        if is_usable(entry)
        for measurement in entry.measurements
        if measurement.better == "lower" and measurement.unit in _SCALES and measurement.value is not None
    ]
    return json.dumps(items, indent=2, ensure_ascii=False) + "\n"


def _item(results: Results, entry: Entry, measurement: Measurement) -> dict[str, str | float]:
    unit, scale = _SCALES[measurement.unit]
    known = METRICS.get(measurement.metric)
    title = known.title if known else measurement.metric
    shown = number_of(measurement)
    item: dict[str, str | float] = {
        "name": visible(f"{device_title(entry.device, results.devices)}: {entry_name(entry)}: {title}"),
        "unit": unit,
        "value": _scale(measurement.value or 0.0, scale),
    }
    if shown.interval:
        item["range"] = visible(f"{shown.interval}{_confidence(measurement)}")
    item["extra"] = visible(_extra(entry, shown))
    return item


def _extra(entry: Entry, shown: Number) -> str:
    """What the action shows beside a point of its chart."""
    threads = f"threads {entry.num_threads}" if entry.num_threads else ""
    parts = (shown.trials, shown.source, entry.runtime, entry.delegate, threads, STATUS_WORDS[entry.status])
    return ", ".join(part for part in parts if part)


def _confidence(measurement: Measurement) -> str:
    return "" if measurement.confidence is None else f" ({100 * measurement.confidence:.4g} %)"


def _scale(value: float, scale: float) -> float:
    """The value in the other unit, without the digits that only the change of unit made."""
    return float(f"{value * scale:.12g}")
