"""Where the numbers come from: what was asked for, how each one was obtained, and what else the run had to say."""

from typing import Any

from harness.records.entry import Entry, Measurement
from harness.records.results import Results
from harness.records.units import format_quantity
from harness.report.board_conditions import conditions_sentence
from harness.report.charts.page_charts import GroupCharts
from harness.report.labels import device_title, entry_name
from harness.report.numbers import number_of
from harness.report.sections import Section


def _settings(results: Results, _: list[GroupCharts]) -> dict[str, Any]:
    run = results.run
    return {
        "command": run.command,
        "settings": [(name, _format_setting(value)) for name, value in run.settings.items()],
        "seconds": [(name, format_quantity(value, "s")) for name, value in run.seconds.items()],
    }


def _format_setting(value: str | float | list[str] | None) -> str:
    if value is None:
        return "default"
    return ", ".join(value) if isinstance(value, list) else str(value)


SETTINGS = Section("settings", "Settings", _settings)


def _provenance(results: Results, _: list[GroupCharts]) -> dict[str, Any]:
    return {
        "devices": results.devices,
        "metrics": [_metric(results, name) for name in _metric_names(results)],
        "entries": [_entry(entry) for entry in results.entries if entry.artifact],
    }


def _metric_names(results: Results) -> list[str]:
    return list(dict.fromkeys(m.metric for entry in results.entries for m in entry.measurements))


def _metric(results: Results, name: str) -> dict[str, Any]:
    """The metric's method, and for each way it was obtained the entries it holds for."""
    found = [(entry, m) for entry in results.entries for m in entry.measurements if m.metric == name]
    ways: dict[str, list[Entry]] = {}
    for entry, measurement in found:
        ways.setdefault(_way(measurement), []).append(entry)
    return {
        "title": number_of(found[0][1]).title,
        "methods": list(dict.fromkeys(_method(m)[0] for _, m in found if m.obtained)),
        "ways": [(way, _whose(results, entries, len(found))) for way, entries in ways.items()],
    }


def _method(measurement: Measurement) -> tuple[str, str]:
    """What holds for every entry, and what this one adds to it: the clauses after the first semicolon."""
    method, _, particulars = measurement.obtained.partition("; ")
    return method, particulars


def _way(measurement: Measurement) -> str:
    shown = number_of(measurement)
    if measurement.value is None:
        return f"not known: {shown.reason or 'no reason given'}"
    level = measurement.confidence
    confidence = "" if level is None else f"{format_quantity(level, '1')} interval"
    parts = (_method(measurement)[1], shown.trials, confidence, shown.source, shown.reason)
    return ", ".join(part for part in parts if part)


def _whose(results: Results, entries: list[Entry], total: int) -> str:
    """The entries by name; by candidate alone where all of a candidate's measured entries are meant."""
    if len(entries) == total:
        return "all entries" if total > 1 else "its one entry"
    meant = set(map(id, entries))
    whole = {entry.candidate for entry in entries} - {
        entry.candidate for entry in results.entries if entry.measurements and id(entry) not in meant
    }
    named = [
        entry.candidate if entry.candidate in whole else f"{entry_name(entry)} on {_where(results, entry)}"
        for entry in entries
    ]
    return ", ".join(dict.fromkeys(named))


def _where(results: Results, entry: Entry) -> str:
    return device_title(entry.device, results.devices)


def _entry(entry: Entry) -> dict[str, Any]:
    artifact = entry.artifact
    file = f"{format_quantity(artifact.size_bytes, 'B')}, sha256 {artifact.sha256[:16]}…" if artifact else ""
    threads = "" if entry.num_threads is None else f"{entry.num_threads} thread{'s' if entry.num_threads > 1 else ''}"
    own = [trial for trial in entry.trials if trial.arm == "candidate"]
    void = [trial.void for trial in own if trial.void]
    causes = "; ".join(dict.fromkeys(void))
    return {
        "entry": entry,
        "facts": [
            ("ran with", ", ".join(part for part in (entry.runtime, entry.delegate, threads) if part)),
            ("operating point", entry.operating_point.words if entry.operating_point else ""),
            ("outputs", entry.outputs),
            ("file", file),
            ("warm-up", entry.warm_up.sentence if entry.warm_up else ""),
            ("the board meanwhile", conditions_sentence(entry)),
            ("void trials", f"{len(void)} of {len(own)}: {causes}" if void else ""),
        ],
    }


PROVENANCE = Section("provenance", "How each number was obtained", _provenance)


def _notes(results: Results, _: list[GroupCharts]) -> dict[str, Any]:
    return {"notes": results.run.notes}


NOTES = Section("notes", "Notes", _notes)
