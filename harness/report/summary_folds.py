"""What a summary folds away: every limit that broke with its waiver, every change, every entry and note."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.gates.edit_budgets import WaiverText
from harness.gates.propose_waivers import last_day, propose_waivers
from harness.records.entry import Entry
from harness.records.memory import MemoryAccount
from harness.records.metrics import METRICS, is_exact, main_metrics, metrics_of
from harness.records.results import Results
from harness.records.text import visible
from harness.records.units import format_quantity
from harness.report.baseline_changes import changes, sampled_ratios
from harness.report.baseline_fold import against_baseline
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
    count,
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
        Fold(f"Against the baseline ({count(len(ratios), 'metric')} compared)", against_baseline(results, found)),
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
