"""A run's figures as OpenMetrics text, which Prometheus and what speaks its language read.

Each metric is a gauge in its SI base unit, with its interval in two further gauges. What could not be measured, or may
not be compared, has no sample. https://prometheus.io/docs/specs/om/open_metrics_spec/ has the format.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from harness.records.comparable import is_usable
from harness.records.entry import Entry, Measurement
from harness.records.metrics import METRICS
from harness.records.results import Results
from harness.records.status import Status
from harness.records.text import visible
from harness.report.labels import device_title

_PREFIX = "edge_harness"
_UNITS: Mapping[str, str] = {
    "s": "seconds",
    "B": "bytes",
    "J": "joules",
    "W": "watts",
    "1/s": "per_second",
    "1": "ratio",
}
_LABELS = ("device", "board", "test", "candidate", "recipe", "runtime", "delegate", "threads")
_BOUNDS = ("ci_low", "ci_high")


def openmetrics(results: Results) -> str:
    """The text, with its end mark; the samples bear no time but the run's own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Run(results))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode("utf-8")


class _Run(Collector):
    """What generate_latest asks for its families."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def collect(self) -> Iterator[Metric]:
        """The run, the statuses, then the metrics by name."""
        yield from _of_run(self._results)
        yield self._statuses()
        named = {one.metric: one for entry in self._results.entries for one in entry.measurements}
        for name in sorted(named):
            yield from self._of_metric(named[name])

    def _statuses(self) -> Metric:
        family = StateSetMetricFamily(f"{_PREFIX}_status", "Verdict of an entry.", labels=_LABELS)
        for entry in self._results.entries:
            family.add_metric(self._labels(entry), {status.value: entry.status == status for status in Status})
        return family

    def _of_metric(self, like: Measurement) -> Iterator[Metric]:
        known = METRICS.get(like.metric)
        title = visible(known.title if known else like.metric)
        value = _gauge(like, "", f"{title}: {visible(like.obtained or (known.obtained if known else ''))}")
        bounds = {bound: _gauge(like, f"_{bound}", f"{title}: an end of its interval.") for bound in _BOUNDS}
        for entry, found in self._measured(like):
            if found.value is not None:
                value.add_metric(self._labels(entry), found.value)
            for bound, family in bounds.items():
                if getattr(found, bound) is not None:
                    family.add_metric(self._labels(entry), getattr(found, bound))
        yield from (family for family in (value, *bounds.values()) if family.samples)

    def _measured(self, like: Measurement) -> Iterator[tuple[Entry, Measurement]]:
        for entry in self._results.entries:
            for found in entry.measurements if is_usable(entry) else ():
                if (found.metric, found.unit) == (like.metric, like.unit):
                    yield entry, found

    def _labels(self, entry: Entry) -> tuple[str, ...]:
        title = device_title(entry.device, self._results.devices)
        words = (entry.device, title, entry.test_label or entry.test, entry.candidate, entry.recipe, entry.runtime)
        threads = "" if entry.num_threads is None else str(entry.num_threads)
        return (*(visible(word or "") for word in (*words, entry.delegate)), threads)


def _of_run(results: Results) -> Iterator[Metric]:
    run = results.run
    said = {
        "id": run.id,
        "commit": run.commit,
        "branch": run.branch,
        "status": run.status,
        "harness": run.harness_version,
    }
    info = {name: visible(str(value)) for name, value in said.items() if value is not None}
    yield InfoMetricFamily(f"{_PREFIX}_run", "The run that was measured.", value=info)
    ended = datetime.fromisoformat(run.created_at).timestamp()
    yield GaugeMetricFamily(f"{_PREFIX}_run_created", "When it began, since 1970.", value=ended, unit="seconds")
    yield GaugeMetricFamily(f"{_PREFIX}_run_exit_code", "The exit code of its process.", value=run.exit_code)


def _gauge(like: Measurement, suffix: str, said: str) -> GaugeMetricFamily:
    name = re.sub(r"\W", "_", like.metric, flags=re.ASCII)
    return GaugeMetricFamily(f"{_PREFIX}_{name}{suffix}", said, labels=_LABELS, unit=_UNITS.get(like.unit, ""))
