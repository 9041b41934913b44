"""What pytest's own files say of an entry: properties of its test, in JUnit XML for one."""

import pytest

from harness.plugin.failures import STATUS_PROPERTY
from harness.records.entry import Entry, Finding
from harness.records.metrics import METRICS
from harness.report.labels import LIMITED, budget_key
from harness.report.numbers import value_of


def entry_properties(entry: Entry) -> list[tuple[str, str]]:
    """The entry's device, candidate and status, then each metric with a limit: value, interval, limit.

    Values are in SI base units, with the unit ("0.0039 s"); shares have none. A metric with a budget has the value
    and interval that table and report show; a regression or a drop, which they lack, has those that were judged.
    """
    candidate = f"{entry.candidate}/{entry.recipe}" if entry.recipe else entry.candidate
    own = [("harness_device", entry.device), ("harness_candidate", candidate), (STATUS_PROPERTY, entry.status.value)]
    return [*own, *(one for finding in entry.findings for one in _limit_properties(entry, finding))]


def add_junit_properties(config: pytest.Config, *, run: str, code: int) -> None:
    """Say in the JUnit XML, where one is written, which run its tests belong to and what its exit code is."""
    from _pytest.junitxml import xml_key  # pytest's own fixture for this serves tests, not plugins

    xml = config.stash.get(xml_key, None)
    if xml is not None:
        xml.add_global_property("harness_run", run)
        xml.add_global_property("harness_exit_code", str(code))


def _limit_properties(entry: Entry, finding: Finding) -> list[tuple[str, str]]:
    if finding.metric is None or finding.limit is None or finding.gate not in LIMITED:
        return []
    name = f"harness_{budget_key(finding)}"
    known = METRICS.get(finding.metric)
    unit = known.unit if known and finding.gate == "budget" and known.unit != "1" else ""
    figure = (value_of(entry, finding.metric) if finding.gate == "budget" else None) or finding
    told = []
    if finding.value is not None and figure.value is not None:
        told.append((name, _format_value(figure.value, unit)))
        if figure.ci_low is not None and figure.ci_high is not None:
            ends = (_format_value(end, unit) for end in (figure.ci_low, figure.ci_high))
            told.append((f"{name}_interval", " to ".join(ends)))
    return [*told, (f"{name}_limit", _format_value(finding.limit, unit))]


def _format_value(value: float, unit: str) -> str:
    return f"{value:.9g} {unit}".rstrip()
