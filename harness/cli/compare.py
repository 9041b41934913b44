"""``harness compare``: one stored run held against another."""

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.cli.budget_files import stored_run
from harness.measure.compare_runs import CONFIDENCE, EntryPair, MetricPair, RunComparison, compare_results
from harness.records.comparable import ACROSS, FLOOR, parse_across
from harness.records.entry import Entry
from harness.records.metrics import METRICS, is_exact
from harness.records.results import Results
from harness.records.text import visible
from harness.records.units import format_quantity
from harness.report.labels import entry_name

NOT_COMPARABLE = 4
"""The exit code where boards or settings are not alike: there is nothing to say of the change."""
_MARKS = {"better": "better", "worse": "WORSE", "alike": "no change", "unknown": "no interval"}


def compare_runs(a: str, b: str, *, reports_dir: Path | None, as_json: bool, across: str | None = None) -> int:
    """Print B against A; 0, or 4 where an entry's boards or settings are not alike. Raises UsageError."""
    named = parse_across(across)
    one, other = (stored_run(named, reports_dir) for named in (a, b))
    found = compare_results(one, other, named)
    if as_json:
        sys.stdout.write(json.dumps(_as_json(one, other, found), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(map(visible, _lines(one, other, found))) + "\n")
    refused = [pair for pair in found.pairs if pair.unlike]
    for sentence in _refusals(refused):
        sys.stderr.write(f"harness: {visible(sentence)}\n")
    return NOT_COMPARABLE if refused else 0


def _refusals(refused: Sequence[EntryPair]) -> Iterator[str]:
    """What differs, once for all entries it holds for."""
    alike: dict[tuple[str, ...], list[EntryPair]] = {}
    for pair in refused:
        alike.setdefault(pair.unlike, []).append(pair)
    for differing, pairs in alike.items():
        names = ", ".join(dict.fromkeys(pair.a.device for pair in pairs))
        yield f"{names}: not compared, the two runs differ: {'; '.join(differing)}{_way_out(differing)}"


def _way_out(differing: Sequence[str]) -> str:
    """How to have them compared all the same, where that may be."""
    names = [sentence.partition(":")[0] for sentence in differing]
    option = shlex.join([f"--across={','.join(names)}"])
    return f"; to compare all the same: {option}" if set(names) <= set(ACROSS) else ""


def _lines(a: Results, b: Results, found: RunComparison) -> Iterator[str]:
    """80 columns: a heading for each entry, a line for each metric."""
    for name, run in (("A", a.run), ("B", b.run)):
        early = f", {run.status}" if run.status in ("INTERRUPTED", "INCOMPLETE") else ""
        yield f"{name}: run {run.id}, {run.created_at[:16]}, commit {(run.commit or '-')[:8]}{early}"
    for device, label in {name: record.label for run in (a, b) for name, record in run.devices.items()}.items():
        if label:
            yield f"{device}: {label}"
    yield from _meaning(found)
    for pair in found.pairs:
        yield ""
        yield f"{pair.a.device}  {entry_name(pair.a)}  ({pair.a.status} -> {pair.b.status})"
        yield from (f"  across {sentence}" for sentence in pair.across)
        yield f"  {'':20} {'A':>9} {'B':>9}  B / A"
        yield from (_line(metric) for metric in pair.metrics)
        if not pair.metrics:
            yield "  nothing was measured in both runs"
    for name, only in (("A", found.only_a), ("B", found.only_b)):
        if only:
            yield ""
            yield from (f"only in {name}: {entry.device}  {entry_name(entry)}" for entry in only)


def _meaning(found: RunComparison) -> Iterator[str]:
    compared = [(pair, metric) for pair in found.pairs for metric in pair.metrics if metric.ratio is not None]
    changed = [(pair, metric) for pair, metric in compared if metric.verdict in ("better", "worse")]
    if not compared:
        yield "Nothing could be compared."
        return
    yield f"Intervals are {CONFIDENCE * 100:.0f} % over trials, not paired: the runs were measured one after the other."
    noise = f"beyond noise (the interval, and {FLOOR * 100:.0f} % that runs differ by)"
    yield f"{len(changed)} of {len(compared)} changed {noise}"
    for pair, metric in changed:
        where = f"{entry_name(pair.a)} on {pair.a.device}"
        yield f"  {_MARKS[metric.verdict]}: {metric.metric} of {where}: {_ratio(metric)}"


def _line(pair: MetricPair) -> str:
    values = [format_quantity(m.value or 0.0, m.unit) for m in (pair.a, pair.b)]
    title = METRICS[pair.metric].title if pair.metric in METRICS else pair.metric
    said = "not compared" if pair.ratio is None else f"{_ratio(pair):23} {_MARKS[pair.verdict]}"
    return f"  {title:20} {values[0]:>9} {values[1]:>9}  {said}".rstrip()


def _ratio(pair: MetricPair) -> str:
    if pair.ratio is None:
        return ""
    if pair.low is None or pair.high is None or pair.low == pair.high:
        return f"{pair.ratio:.4g}{' (exact)' if is_exact(pair.metric) else ''}"
    return f"{pair.ratio:.3f} ({pair.low:.3f} to {pair.high:.3f})"


def _as_json(a: Results, b: Results, found: RunComparison) -> dict[str, Any]:
    return {
        "a": {"run": a.run.id, "created_at": a.run.created_at, "commit": a.run.commit},
        "b": {"run": b.run.id, "created_at": b.run.created_at, "commit": b.run.commit},
        "confidence": CONFIDENCE,
        "floor": FLOOR,
        "entries": [
            {
                **_name_entry(pair.a),
                "status": [str(pair.a.status), str(pair.b.status)],
                "unlike": list(pair.unlike),
                "across": list(pair.across),
                "metrics": [_metric(metric) for metric in pair.metrics],
            }
            for pair in found.pairs
        ],
        "only_a": [_name_entry(entry) for entry in found.only_a],
        "only_b": [_name_entry(entry) for entry in found.only_b],
    }


def _name_entry(entry: Entry) -> dict[str, str | None]:
    return {"device": entry.device, "test": entry.test, "candidate": entry.candidate, "recipe": entry.recipe}


def _metric(pair: MetricPair) -> dict[str, Any]:
    fields = asdict(pair)
    return {
        "metric": pair.metric,
        "unit": pair.a.unit,
        "a": pair.a.value,
        "b": pair.b.value,
        **{name: fields[name] for name in ("ratio", "low", "high", "verdict")},
    }
