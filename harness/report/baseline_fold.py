"""The summary's fold on the baseline: what changed beyond noise, what did not, and what was not compared."""

from collections.abc import Sequence
from typing import Final

from harness.records.entry import BaselineRecord, Entry, Ratio
from harness.records.limit_test import CHANGE_ALPHA
from harness.records.results import Results
from harness.report.baseline_changes import EXACT, BaselineChange, sampled_ratios
from harness.report.markdown import count, escape, keep_together, name_entry, row, stack_lines, title_entry

_STATES: Final = {
    "new": "new, there is nothing to compare it with",
    "missing": "not compared, its baseline is missing",
    "unlike": "not compared, the baseline is of another board or setting",
    "identical": "identical with its baseline, nothing was measured against it",
}
_MOST_NAMES: Final = 12


def against_baseline(results: Results, found: Sequence[BaselineChange]) -> list[str]:
    """What changed beyond noise, accuracy and size in any case, and what was not compared."""
    ratios = sampled_ratios(results.entries)
    lines = _tabulate_changes(results, found) if found else []
    if ratios:
        changed = [one for one in found if one.blocks is not None]
        lines += [*([""] if lines else []), _count_changes(results, ratios, changed)]
    uncompared = _list_uncompared(results)
    return [*lines, *([""] if lines and uncompared else []), *uncompared]


def _tabulate_changes(results: Results, found: Sequence[BaselineChange]) -> list[str]:
    head = ["change", "metric", "now", "interval", "device, candidate"]
    told, alike = _fold_identical(found)
    rows = [
        [
            f"**{change_amount(change)}**" if change.kind == "worse" else change_amount(change),
            escape(change.title),
            stack_lines(keep_together(change.now), f"was {keep_together(change.was)}"),
            stack_lines(
                keep_together(change.interval),
                "" if change.blocks is None else count(change.blocks, "block"),
            ),
            title_entry(change.entry, results.devices),
        ]
        for change in told
    ]
    counted = [
        ["identical", escape(same[0].title), "", same[0].interval.partition(",")[0], count(len(same), "entry")]
        for same in alike
    ]
    return [row(head), row(["---"] * len(head)), *map(row, [*rows, *counted])]


def _fold_identical(found: Sequence[BaselineChange]) -> tuple[list[BaselineChange], list[list[BaselineChange]]]:
    """Changes with a row each; and those that are identical in more entries than rows are read, by their metric."""
    alike = {metric: [one for one in found if one.kind == "identical" and one.metric == metric] for metric in EXACT}
    many = {metric: same for metric, same in alike.items() if len(same) > _MOST_NAMES}
    return [one for one in found if one.kind != "identical" or one.metric not in many], list(many.values())


def change_amount(change: BaselineChange) -> str:
    """How much and which way, in one piece; or why it is not known."""
    return keep_together(change.amount) if change.kind != "unknown" else escape(change.amount)


def _count_changes(results: Results, ratios: Sequence[Ratio], changed: Sequence[BaselineChange]) -> str:
    """How many metrics were compared and changed, and how often that is by chance."""
    rest = len(ratios) - len(changed)
    told = f"{len(changed)} changed {beyond_what(ratios)}, {rest} did not"
    told = told if changed else f"none changed {beyond_what(ratios)}"
    said = f"{count(len(ratios), 'metric')} compared with {_bases(results)}: {told}."
    said = f"{said} {_by_chance(ratios)}"
    ways = dict.fromkeys(base.measured_by for base in _baselines(results.entries) if base.ratios and base.measured_by)
    return "".join([said.rstrip(), *(f" {escape(way)}." for way in ways)])


def beyond_what(ratios: Sequence[Ratio]) -> str:
    """What changes of a run are beyond: noise, or in a run of an earlier harness each its own interval."""
    return "beyond noise" if _is_shared(ratios) else "beyond their intervals"


def _is_shared(ratios: Sequence[Ratio]) -> bool:
    return any(ratio.changed is not None for ratio in ratios)


def _by_chance(ratios: Sequence[Ratio]) -> str:
    if _is_shared(ratios):
        return (
            f"Where nothing changed, at most 1 run in {1 / CHANGE_ALPHA:.0f} shows an arrow: the rate is shared by all "
            "metrics of the run. Intervals are each metric's own."
        )
    unsure = max((1 - ratio.confidence for ratio in ratios if ratio.confidence is not None), default=0.0)
    return f"Of metrics that did not change, about 1 in {1 / unsure:.0f} seems to have." if unsure else ""


def _bases(results: Results) -> str:
    said = dict.fromkeys(base.sentence for base in _baselines(results.entries) if base.ratios)
    first, *others = said
    return escape(first) + (f" and {count(len(others), 'other baseline')}" if others else "")


def _list_uncompared(results: Results) -> list[str]:
    """Entries without a comparison, those of one kind and sentence in one line, and what could not be reproduced."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for entry in results.entries:
        base = entry.baseline
        if base is None:
            continue
        if base.state in _STATES:
            kinds.setdefault((_STATES[base.state], base.sentence), []).append(name_entry(entry, results.devices))
        for reason in base.not_compared:
            kinds.setdefault(("not compared", reason), []).append(name_entry(entry, results.devices))
    return [f"- {kind}: {_names(names)}: {escape(said)}" for (kind, said), names in kinds.items()]


def _baselines(entries: Sequence[Entry]) -> list[BaselineRecord]:
    return [entry.baseline for entry in entries if entry.baseline is not None]


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return "; ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
