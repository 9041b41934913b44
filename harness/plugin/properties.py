"""What pytest's own files say of an entry: properties of its test, in JUnit XML for one."""

import pytest

from harness.plugin.failures import STATUS_PROPERTY
from harness.records.metrics import METRICS
from harness.records.results import Entry, Finding
from harness.report.labels import LIMITED, budget_key


def entry_properties(entry: Entry) -> list[tuple[str, str]]:
    """The entry's device, candidate and status, then each metric with a limit: value, interval, limit.

    Values are in SI base units, with the unit ("0.0039 s"); shares have none.
    """
    candidate = f"{entry.candidate}/{entry.recipe}" if entry.recipe else entry.candidate
    own = [("harness_device", entry.device), ("harness_candidate", candidate), (STATUS_PROPERTY, entry.status.value)]
    return [*own, *(one for finding in entry.findings for one in _limit_properties(finding))]


def add_junit_properties(config: pytest.Config, *, run: str, code: int) -> None:
    """Say in the JUnit XML, where one is written, which run its tests belong to and what its exit code is."""
    from _pytest.junitxml import xml_key  # pytest's own fixture for this serves tests, not plugins

    xml = config.stash.get(xml_key, None)
    if xml is not None:
        xml.add_global_property("harness_run", run)
        xml.add_global_property("harness_exit_code", str(code))


def _limit_properties(finding: Finding) -> list[tuple[str, str]]:
    if finding.metric is None or finding.limit is None or finding.gate not in LIMITED:
        return []
    name = f"harness_{budget_key(finding)}"
    known = METRICS.get(finding.metric)
    unit = known.unit if known and finding.gate == "budget" and known.unit != "1" else ""
    told = [(f"{name}_limit", _format_value(finding.limit, unit))]
    if finding.ci_low is not None and finding.ci_high is not None:
        told.insert(
            0, (f"{name}_interval", f"{_format_value(finding.ci_low, unit)} to {_format_value(finding.ci_high, unit)}")
        )
    if finding.value is not None:
        told.insert(0, (name, _format_value(finding.value, unit)))
    return told


def _format_value(value: float, unit: str) -> str:
    return f"{value:.9g} {unit}".rstrip()
