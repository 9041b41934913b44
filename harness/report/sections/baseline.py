"""Every entry against what it was compared with: the ratios, how sure they are, and what would have been seen."""

from typing import Any

from harness.records.entry import Entry, Finding
from harness.records.results import Results
from harness.records.units import format_quantity, loss_unit
from harness.report.baseline_changes import (
    ACCURACY,
    REGRESSION,
    BaselineChange,
    JudgedRatio,
    exact_changes,
    judged_ratios,
)
from harness.report.charts.page_charts import Chart, GroupCharts
from harness.report.labels import GOOD, worst_first
from harness.report.numbers import known_measurement, number_of, scored
from harness.report.sections import Section

COLUMNS = ("baseline", "candidate", "ratio", "budget")


def _context(results: Results, figures: list[GroupCharts]) -> dict[str, Any] | None:
    entries = [entry for entry in results.entries if entry.baseline is not None]
    if not entries:
        return None
    drawn = {id(variant.entry): _figures(one, variant.name) for one in figures for variant in one.group.variants}
    compared = [_entry(entry, drawn.get(id(entry), [])) for entry in worst_first(entries)]
    return {
        "devices": results.devices,
        "columns": COLUMNS,
        "entries": compared,
        "opened": any(one["opened"] for one in compared),
    }


def _figures(drawn: GroupCharts, name: str) -> list[Chart]:
    return [figure for figure in drawn.of("baseline") if figure.about == name]


def _entry(entry: Entry, figures: list[Chart]) -> dict[str, Any]:
    baseline = entry.baseline
    found = judged_ratios(entry)
    findings = [finding for finding in entry.findings if finding.gate == REGRESSION]
    return {
        "entry": entry,
        "opened": any(finding.status not in GOOD for finding in findings),
        "state": baseline.state if baseline else "",
        "sentence": baseline.sentence if baseline else "",
        "measured_by": baseline.measured_by if baseline else "",
        "not_compared": baseline.not_compared if baseline else [],
        "waivers": list(dict.fromkeys(f.waiver for f in entry.findings if f.waiver)),
        "findings": findings,
        "rows": _rows(entry, found),
        "figures": figures,
    }


def _rows(entry: Entry, found: list[JudgedRatio]) -> list[dict[str, Any]]:
    """Accuracy and size always: first where they got worse, else after what was measured."""
    judged = {finding.metric: finding for finding in entry.findings if finding.gate == REGRESSION}
    sampled = [{"title": one.title, "finding": one.finding, "cells": _cells(entry, one)} for one in found]
    exact = [(one, _exact(one, judged.get(one.metric))) for one in exact_changes(entry)]
    lost = [row for one, row in exact if one.kind == "worse"]
    return [*lost, *sampled, *(row for one, row in exact if one.kind != "worse")]


def _exact(one: BaselineChange, finding: Finding | None) -> dict[str, Any]:
    accuracy = scored(one.entry) if one.metric == ACCURACY else None
    unit = loss_unit(accuracy.unit if accuracy else "1") if one.metric == ACCURACY else "1"
    share = finding.limit if finding else None
    limit = "none" if share is None else f"at most {format_quantity(share, unit)} worse"
    cells = [(one.was,), (one.now,), (one.amount, *filter(None, (one.interval,))), (limit,)]
    return {"title": one.title, "finding": finding, "cells": cells}


def _cells(entry: Entry, one: JudgedRatio) -> list[tuple[str, ...]]:
    """Of each column the text, then what stands small below it."""
    arms = (entry.baseline.measurements if entry.baseline else [], entry.measurements)
    values = [known_measurement(arm, one.ratio.metric) for arm in arms]
    ratio = one.ratio
    level = "" if ratio.confidence is None else f"{format_quantity(ratio.confidence, '1')}, "
    blocks = f"{level}{ratio.blocks} block{'' if ratio.blocks == 1 else 's'}"
    both = ratio.ci_low is not None and ratio.ci_high is not None
    interval = f"{ratio.ci_low:.4f}-{ratio.ci_high:.4f}" if both else ""
    apart = ("separate trials",) if ratio.by_turns else ()
    return [
        *(("–" if m is None else number_of(m).value, *apart) for m in values),
        (f"{ratio.ratio:.4f}", *filter(None, (interval, blocks, one.change_text))),
        (one.limit_text or "none", *filter(None, (one.detectable_text,))),
    ]


BASELINE = Section("baseline", "Against the baseline", _context)
