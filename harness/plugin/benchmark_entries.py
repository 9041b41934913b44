"""Entries of a run as pytest-benchmark keeps what it measured."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from pytest_benchmark.stats import Metadata

from harness.plugin.pytest_benchmark import facts_of
from harness.records.results import Entry, Results
from harness.records.text import visible
from harness.records.usable import trial_medians, usable
from harness.report.labels import device_title, entry_name


@dataclass(frozen=True)
class _Measured:
    """What pytest-benchmark asks of the fixture that measured something."""

    name: str
    fullname: str
    group: str
    param: str | None
    params: dict[str, str | int | None]
    extra_info: dict[str, Any]
    of_device: str
    cprofile_stats: None = None
    has_error: bool = False


def entries_of(results: Results) -> list[Metadata]:
    """One for each entry measured on a fit board with right outputs: a round a trial, its median in seconds."""
    measured = [entry for entry in results.entries if usable(entry) and trial_medians(entry)]
    tests = Counter(entry.test for entry in measured)
    seen: Counter[str] = Counter()
    made = []
    for entry in measured:
        name = _unique(entry, seen, alone=tests[entry.test] == 1)
        metadata = Metadata(_fixture(results, entry, name), iterations=1, options={})
        for median in trial_medians(entry):
            metadata.update(median)
        made.append(metadata)
    return made


def _unique(entry: Entry, seen: Counter[str], *, alone: bool) -> str:
    """The test's id; with the candidate where the test measured several, and numbered where it was measured again."""
    name = entry.test if alone else f"{entry.test} {visible(entry_name(entry))}"
    seen[name] += 1
    return name if seen[name] == 1 else f"{name} #{seen[name]}"


def _fixture(results: Results, entry: Entry, fullname: str) -> _Measured:
    function, bracket, parameters = fullname.partition("[")
    return _Measured(
        name=function.rpartition("::")[2] + bracket + parameters,
        fullname=fullname,
        group=visible(device_title(entry.device, results.devices)),
        param=parameters.rpartition("]")[0] or None,
        params={
            "device": entry.device,
            "candidate": entry.candidate,
            "recipe": entry.recipe,
            "runtime": entry.runtime,
            "num_threads": entry.num_threads,
        },
        extra_info=_extra_info(results, entry),
        of_device=entry.device,
    )


def _extra_info(results: Results, entry: Entry) -> dict[str, Any]:
    record = results.devices.get(entry.device)
    told = {
        "round": "one trial: the median of its inferences, in seconds",
        "device": entry.device,
        "label": record.label if record else None,
        "fingerprint": record.fingerprint if record else None,
        "candidate": entry.candidate,
        "recipe": entry.recipe,
        "runtime": entry.runtime,
        "delegate": entry.delegate,
        "num_threads": entry.num_threads,
        "sha256": entry.artifact.sha256 if entry.artifact else None,
        "status": entry.status.value,
        "run": results.run.id,
        "latency_p50": _interval(entry),
    }
    several = record is not None and len(results.devices) > 1
    return told | {"board": facts_of(record)} if record and several else told


def _interval(entry: Entry) -> dict[str, float | int | None] | None:
    """The entry's median with its interval, in seconds."""
    for measurement in entry.measurements:
        if measurement.metric == "latency_p50" and measurement.value is not None:
            return {
                "value": measurement.value,
                "ci_low": measurement.ci_low,
                "ci_high": measurement.ci_high,
                "confidence": measurement.confidence,
                "n": measurement.n,
            }
    return None
