"""summary.md, fit for a comment on a pull request: the verdict, what changed, and the rest folded."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.metrics import METRICS, is_exact, main_metrics
from harness.records.results import BaselineRecord, Entry, Ratio, Results
from harness.report.baseline_changes import EXACT, BaselineChange, changes, sampled_ratios
from harness.report.labels import (
    STATUS_WORDS,
    exit_meaning,
    failed_tests,
    sentences,
    tally,
    to_explain,
    uncompared_outputs,
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

MARKER = "<!-- edge-harness -->"
"""The first line, by which a pipeline finds its own comment again."""
LONGEST_COMMENT = 65_536
"""GitHub takes no comment that has more characters."""
_HEAD_ROOM = 40_000
_TAIL_ROOM = 8_000
_CUT_ROOM = 200
_MARKS = {0: "✅", 10: "⚠️", 11: "⚠️"}
_STATES = {
    "new": "new, there is nothing to compare it with",
    "missing": "not compared, its baseline is missing",
    "unlike": "not compared, the baseline is of another board or setting",
    "identical": "identical with its baseline, nothing was measured against it",
}
_MOST_NAMES = 12


@dataclass(frozen=True)
class _Folded:
    """A part that opens on a click."""

    title: str
    lines: list[str]
    unfolded: bool = False

    def within(self, room: int) -> list[str]:
        """The part in at most ``room`` characters, cut at a line where it must be; nothing without room."""
        opened = ["", f"<details{' open' if self.unfolded else ''}>", f"<summary>{self.title}</summary>", ""]
        closed = ["", "</details>"]
        room -= sum(len(line) + 1 for line in (*opened, *closed))
        kept = _cut(self.lines, room)
        return [*opened, *kept, *closed] if kept else []


def summary(results: Results) -> str:
    """The run as Markdown of fewer than LONGEST_COMMENT characters; what boards, models and people named is escaped."""
    head = [MARKER, *verdict(results), *to_read(results), *against_baseline(results)]
    tail = _cut([*_selftests(results), "", _origin(results)], _TAIL_ROOM)
    lines = _cut(head, _HEAD_ROOM)
    for part in _list_parts(results, alone=not any(line.startswith(("- ", "| ")) for line in head)):
        lines += part.within(LONGEST_COMMENT - 1 - _count_characters(lines) - _count_characters(tail))
    return "\n".join([*lines, *tail]) + "\n"


def _list_parts(results: Results, *, alone: bool) -> list[_Folded]:
    """The parts that have something to tell; where nothing stands above them, the first is unfolded."""
    parts = (
        _Folded(f"All entries ({len(results.entries)})", _table(results), unfolded=alone),
        _Folded("Stages", _stages(results)),
        _Folded("What each step gained", _gains(results)),
        _Folded("Findings", _findings(results)),
        _Folded("Outputs not compared", [f"- {escape(sentence)}" for sentence in uncompared_outputs(results)]),
        _Folded("Notes", [f"- {escape(note)}" for note in results.run.notes]),
    )
    return [part for part in parts if part.lines]


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


def _selftests(results: Results) -> list[str]:
    said = [record.selftests.sentence for record in results.devices.values() if record.selftests is not None]
    return ["", *(f"- {escape(line)}" for line in said)] if said else []


def _origin(results: Results) -> str:
    run = results.run
    commit = f", commit {escape(run.commit)}" if run.commit else ""
    return f"Run {escape(run.id)} of {escape(run.created_at)}, edge-harness {escape(run.harness_version)}{commit}."


def verdict(results: Results) -> list[str]:
    """The tally as a heading; in one line what the exit code means and what the verdicts promise."""
    mark = _MARKS.get(results.run.exit_code, "❌")
    promise = f" {sentence(escape(results.run.gate.sentence))}" if results.run.gate else ""
    said = escape(tally(results))
    return [f"# {mark} {said[:1].upper()}{said[1:]}", "", f"{sentence(exit_meaning(results))}{promise}"]


def to_read(results: Results) -> list[str]:
    """What must be read, one list: each waived limit, each entry that did not hold, each test that failed by itself."""
    return _separate_list([*_waivers(results), *_list_reasons(results), *_failed_tests(results)])


def _waivers(results: Results) -> list[str]:
    """Those that findings met, then the others of the run."""
    met = {finding.waiver for entry in results.entries for finding in entry.findings}
    others = results.run.gate.waivers if results.run.gate else []
    lines = [*waived_limits(results), *(waiver for waiver in others if waiver not in met)]
    return [f"- **WAIVED**: {escape(line)}" for line in lines]


def _list_reasons(results: Results) -> list[str]:
    """A sentence for each limit that did not hold, the worst entry first."""
    return [
        f"- **{STATUS_WORDS[status]}**: {name_entry(entry, results.devices)}: {escape(reason)}"
        for entry in to_explain(results)
        for status, reason in sentences(entry)
    ]


def _failed_tests(results: Results) -> list[str]:
    return [f"- **test failed**: {escape(note.test)}: {escape(note.sentence)}" for note in failed_tests(results)]


def against_baseline(results: Results) -> list[str]:
    """What changed beyond its interval, accuracy and size in any case, and what was not compared."""
    ratios = sampled_ratios(results.entries)
    found = changes(results.entries)
    lines = _tabulate_changes(results, found) if found else []
    if ratios:
        lines += ["", _count_changes(results, ratios, [change for change in found if change.blocks is not None])]
    lines += _separate_list(_list_uncompared(results))
    return ["", "## Against the baseline", *lines] if lines else []


def _tabulate_changes(results: Results, found: Sequence[BaselineChange]) -> list[str]:
    head = ["change", "metric", "now", "interval", "device, candidate"]
    told, alike = _fold_identical(found)
    rows = [
        [
            f"**{_amount(change)}**" if change.kind == "worse" else _amount(change),
            escape(change.title),
            stack_lines(keep_together(change.now), f"was {keep_together(change.was)}"),
            stack_lines(
                keep_together(change.interval),
                "" if change.blocks is None else _count(change.blocks, "block"),
            ),
            title_entry(change.entry, results.devices),
        ]
        for change in told
    ]
    counted = [
        ["identical", escape(same[0].title), "", same[0].interval.partition(",")[0], _count(len(same), "entry")]
        for same in alike
    ]
    return ["", row(head), row(["---"] * len(head)), *map(row, [*rows, *counted])]


def _fold_identical(found: Sequence[BaselineChange]) -> tuple[list[BaselineChange], list[list[BaselineChange]]]:
    """Changes with a row each; and those that are identical in more entries than rows are read, by their metric."""
    alike = {metric: [one for one in found if one.kind == "identical" and one.metric == metric] for metric in EXACT}
    many = {metric: same for metric, same in alike.items() if len(same) > _MOST_NAMES}
    return [one for one in found if one.kind != "identical" or one.metric not in many], list(many.values())


def _amount(change: BaselineChange) -> str:
    return keep_together(change.amount) if change.kind != "unknown" else escape(change.amount)


def _count_changes(results: Results, ratios: Sequence[Ratio], changed: Sequence[BaselineChange]) -> str:
    """How many metrics were compared and changed, and how many seem to by chance."""
    rest = len(ratios) - len(changed)
    told = f"{len(changed)} changed, {rest} did not" if changed else "none changed"
    unsure = max((1 - ratio.confidence for ratio in ratios if ratio.confidence is not None), default=0.0)
    chance = f" Of metrics that did not change, about 1 in {1 / unsure:.0f} seems to have." if unsure else ""
    said = f"{_count(len(ratios), 'metric')} compared with {_bases(results)}: {told} beyond their intervals.{chance}"
    ways = dict.fromkeys(base.measured_by for base in _baselines(results.entries) if base.ratios and base.measured_by)
    return "".join([said, *(f" {escape(way)}." for way in ways)])


def _bases(results: Results) -> str:
    said = dict.fromkeys(base.sentence for base in _baselines(results.entries) if base.ratios)
    first, *others = said
    return escape(first) + (f" and {_count(len(others), 'other baseline')}" if others else "")


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


def _cut(lines: Sequence[str], room: int) -> list[str]:
    """The lines, or as many as ``room`` takes with a pointer to where the others stand."""
    if _count_characters(lines) <= room:
        return list(lines)
    kept = fit_lines(lines, room - _CUT_ROOM)
    if not kept:
        return []
    return [*kept, "", f"Cut here: {len(lines) - len(kept)} more lines. All of it is in the run's report.html."]


def _count_characters(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return "; ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _count(count: int, noun: str) -> str:
    plural = noun if count == 1 else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {plural}"


def _separate_list(lines: list[str]) -> list[str]:
    """List items with the blank line that Markdown wants before a list."""
    return ["", *lines] if lines else []
