"""What a summary folds away: every limit that broke with its waiver, every change, every entry and note."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.gates.edit_budgets import WaiverText
from harness.gates.propose_waivers import last_day, propose_waivers
from harness.records.entry import BaselineRecord, Entry, Ratio
from harness.records.limit_test import CHANGE_ALPHA
from harness.records.memory import MemoryAccount
from harness.records.metrics import METRICS, is_exact, main_metrics, metrics_of
from harness.records.results import Results
from harness.records.text import visible
from harness.records.units import format_quantity
from harness.report.baseline_changes import EXACT, BaselineChange, changes, sampled_ratios
from harness.report.conclusions import Conclusion
from harness.report.labels import (
    STATUS_WORDS,
    failed_tests,
    to_explain,
    uncompared_outputs,
    verdict_lines,
    waived_limits,
)
from harness.report.markdown import (
    escape,
    fit_lines,
    keep_together,
    name_entry,
    row,
    sentence,
    stack_lines,
    title_entry,
)
from harness.report.numbers import Number, has_stages, number, stage_lines
from harness.report.operator_changes import operators_sentence

_CUT_ROOM: Final = 120
_STATES: Final = {
    "new": "new, there is nothing to compare it with",
    "missing": "not compared, its baseline is missing",
    "unlike": "not compared, the baseline is of another board or setting",
    "identical": "identical with its baseline, nothing was measured against it",
}
_MOST_NAMES: Final = 12
_MOST_WAIVERS: Final = 200
_FENCE: Final = "```"


@dataclass(frozen=True)
class Fold:
    """A part that opens on a click. ``closing`` are lines that stay last however much is left out."""

    title: str
    lines: list[str]
    unfolded: bool = False
    closing: tuple[str, ...] = ()

    @property
    def _frame(self) -> tuple[list[str], list[str]]:
        opened = ["", f"<details{' open' if self.unfolded else ''}>", f"<summary>{self.title}</summary>", ""]
        return opened, [*self.closing, "", "</details>"]

    @property
    def size(self) -> int:
        """Characters of the whole."""
        return count_characters([*self._frame[0], *self.lines, *self._frame[1]])

    def within(self, room: int) -> list[str]:
        """The part in at most ``room`` characters, cut at a line where it must be; nothing without room."""
        opened, closed = self._frame
        if self.size <= room:
            return [*opened, *self.lines, *closed]
        kept = fit_lines(self.lines, room - count_characters([*opened, *closed]) - _CUT_ROOM)
        if not kept:
            return []
        left = f"Cut here: {len(self.lines) - len(kept)} more lines. All of it is in the run's report.html."
        return [*opened, *kept, *self.closing, "", left, *closed[len(self.closing) :]]


def fit_folds(folds: Sequence[Fold], room: int) -> list[str]:
    """The folds in at most ``room`` characters: small ones whole, and what is left shared alike by the large ones."""
    granted: dict[int, int] = {}
    left = room
    for place, (at, fold) in enumerate(sorted(enumerate(folds), key=lambda pair: pair[1].size)):
        granted[at] = min(fold.size, left // (len(folds) - place))
        left -= granted[at]
    return [line for at, fold in enumerate(folds) for line in fold.within(granted[at])]


def count_characters(lines: Sequence[str]) -> int:
    """With the line break of each."""
    return sum(len(line) + 1 for line in lines)


def summary_folds(results: Results, told: Sequence[Conclusion], *, open_room: int) -> list[Fold]:
    """The folds that have something to tell; the table of entries is open where it has at most ``open_room``."""
    ratios, found = sampled_ratios(results.entries), changes(results.entries)
    broken, entries = _broken_limits(results), _table(results)
    table = Fold(f"All entries ({len(results.entries)})", entries)
    folds = (
        Fold(f"Every limit that did not hold ({len(broken)})", broken),
        *_waivers_to_paste(results),
        Fold(f"Against the baseline ({count(len(ratios), 'metric')} compared)", _against_baseline(results, found)),
        Fold(f"Conclusions ({len(told)})", _conclusions(told)),
        Fold(table.title, entries, unfolded=table.size + len(" open") <= open_room),
        Fold("Further figures", _further(results)),
        Fold("Stages", _stages(results)),
        Fold("Memory", _memory(results)),
        Fold("Operators", _operators(results)),
        Fold("Cross-check", _cross_checks(results)),
        Fold("What each step gained", _gains(results)),
        Fold("Findings", _findings(results)),
        Fold("Outputs not compared", [f"- {escape(line)}" for line in uncompared_outputs(results)]),
        Fold("What the verdicts promise", _promise(results)),
        Fold("Notes", [f"- {escape(note)}" for note in results.run.notes]),
    )
    return [fold for fold in folds if fold.lines]


def _cross_checks(results: Results) -> list[str]:
    return [
        f"- {name_entry(entry, results.devices)}: {escape(entry.cross_check.sentence)}"
        for entry in results.entries
        if entry.cross_check
    ]


def _operators(results: Results) -> list[str]:
    told = [(entry, operators_sentence(entry)) for entry in results.entries]
    return [f"- {name_entry(entry, results.devices)}: {escape(said)}" for entry, said in told if said]


def waiver_lines(results: Results) -> list[str]:
    """A sentence for each waiver: those that findings met, then the others of the run."""
    met = {finding.waiver for entry in results.entries for finding in entry.findings}
    others = results.run.gate.waivers if results.run.gate else []
    return [*waived_limits(results), *(waiver for waiver in others if waiver not in met)]


def _broken_limits(results: Results) -> list[str]:
    """A sentence for each limit that did not hold, the worst entry first, then each test that failed by itself."""
    lines = [
        f"- **{STATUS_WORDS[line.status]}**: {escape(line.reason)}: {name_entry(entry, results.devices)}"
        f"{f'<br>{escape(line.detail)}' if line.detail else ''}"
        for entry in to_explain(results)
        for line in verdict_lines(entry)
    ]
    return lines + [
        f"- **test failed**: {escape(note.test)}: {escape(note.sentence)}" for note in failed_tests(results)
    ]


def _waivers_to_paste(results: Results) -> list[Fold]:
    """For each limit that failed the waiver that would let it pass, without its reason, which nobody else knows."""
    proposed = propose_waivers(to_explain(results))
    if not proposed:
        return []
    until = last_day(results.run.created_at) or ""
    command = f"`harness budgets waive {escape(results.run.id)} --reason='...'` writes them into the budgets file."
    lines = [f"{command} Or paste, and say why in each:", "", f"{_FENCE}toml"]
    for one in proposed[:_MOST_WAIVERS]:
        text = WaiverText(*one.place, one.limit, until, f"run {results.run.id}", reason="")
        lines += [f"# {visible(one.why)}", *text.toml.splitlines(), ""]
    del lines[-1:]
    left = len(proposed) - _MOST_WAIVERS
    more = (f"{left} more: the command writes all of them.",) if left > 0 else ()
    return [Fold(f"Waivers to paste ({len(proposed)})", lines, closing=(_FENCE, *more))]


def _conclusions(told: Sequence[Conclusion]) -> list[str]:
    return [
        "- " + ". ".join(filter(None, [" ".join(filter(None, map(escape, (group_name(one), one.text)))), *rest]))
        for one in told
        if (rest := [escape(text[:1].upper() + text[1:]) for text in (one.choice, one.basis)])
    ]


def group_name(one: Conclusion) -> str:
    """The group that a conclusion is of, ``digits_cnn on rpi4:``; empty for what is of the whole run."""
    if not one.device:
        return ""
    return f"{one.candidate} on {one.device}:" if one.candidate else f"{one.device}:"


def _promise(results: Results) -> list[str]:
    """What the gate promises, boards' own records, and every waiver of the run."""
    gate = [sentence(escape(results.run.gate.sentence))] if results.run.gate else []
    said = [f"- {escape(one.selftests.sentence)}" for one in results.devices.values() if one.selftests is not None]
    waivers = [f"- **WAIVED**: {escape(line)}" for line in waiver_lines(results)]
    return [*gate, *([""] if gate and (said or waivers) else []), *said, *waivers]


def _table(results: Results) -> list[str]:
    if not results.entries:
        return []
    known = {measured.metric for entry in results.entries for measured in entry.measurements}
    metrics = [metric.name for metric in main_metrics() if metric.name in known]
    head = ["device, candidate", "status", *(METRICS[metric].title for metric in metrics)]
    rule = ["---", "---", *["---:"] * len(metrics)]
    rows = (
        [
            title_entry(entry, results.devices),
            STATUS_WORDS[entry.status],
            *(_number(entry, metric) for metric in metrics),
        ]
        for entry in results.entries
    )
    return [row(cells) for cells in (head, rule, *rows)]


def _number(entry: Entry, metric: str) -> str:
    shown = number(entry, metric)
    if shown is None:
        return ""
    details = (shown.interval, shown.trials) if not is_exact(metric) else ()
    return stack_lines(*map(keep_together, (shown.value, *details)), _against_float32(shown))


def _against_float32(shown: Number) -> str:
    return f"{keep_together(shown.change)} against float32" if shown.change else ""


def _further(results: Results) -> list[str]:
    """Known figures that the table has no column for, with interval, source and band: a line a kind of trial."""
    shown = {metric.name for metric in main_metrics()} | {metric.name for metric in metrics_of("stages")}
    lines = []
    for entry in results.entries:
        kinds: dict[str | None, list[str]] = {}
        for metric in METRICS.values():
            text = "" if metric.name in shown else _figure(entry, metric.name)
            if text:
                kinds.setdefault(metric.kind, []).append(text)
        name = name_entry(entry, results.devices)
        lines += [f"- {name}: {escape('; '.join(texts))}" for texts in kinds.values()]
    return lines


def _figure(entry: Entry, metric: str) -> str:
    """``latency p90 4.4 ms (4.3-4.5 ms)``; empty where it is not known."""
    shown = number(entry, metric)
    if shown is None or not shown.known:
        return ""
    beside = ", ".join(filter(None, (shown.interval, shown.source)))
    return f"{shown.title} {shown.value}{f' ({beside})' if beside else ''}"


def _stages(results: Results) -> list[str]:
    return [
        f"- {name_entry(entry, results.devices)}: {_stage_texts(entry)}"
        for entry in results.entries
        if has_stages(entry)
    ]


def _stage_texts(entry: Entry) -> str:
    return ", ".join(
        escape(f"{line.title} {line.value}{f' ({line.interval})' if line.interval else ''}")
        for line in stage_lines(entry)
    )


def _memory(results: Results) -> list[str]:
    """A line for each entry whose process told what it consists of."""
    return [
        f"- {name_entry(entry, results.devices)}: {_memory_text(entry.memory)}"
        for entry in results.entries
        if entry.memory is not None
    ]


def _memory_text(account: MemoryAccount) -> str:
    parts = ", ".join(f"{title} {format_quantity(size, 'B')}" for title, size in account.parts.items())
    return f"PSS {format_quantity(account.pss_bytes, 'B')}: {parts}"


def _gains(results: Results) -> list[str]:
    return [
        f"- {name_entry(entry, results.devices)}: {escape(comparison.sentence)}"
        for entry in results.entries
        for comparison in entry.comparisons
    ]


def _findings(results: Results) -> list[str]:
    return [
        f"- {STATUS_WORDS[finding.status]}: {name_entry(entry, results.devices)}: {escape(finding.gate)}"
        f"{' on ' + escape(finding.metric) if finding.metric else ''}: {escape(finding.reason)}"
        f"{f' ({escape(finding.detail)})' if finding.detail else ''}"
        for entry in results.entries
        for finding in entry.findings
    ]


def _against_baseline(results: Results, found: Sequence[BaselineChange]) -> list[str]:
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


def count(number: int, noun: str) -> str:
    """``1 entry``, ``2 entries``."""
    plural = noun if number == 1 else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {plural}"
