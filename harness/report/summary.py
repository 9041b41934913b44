"""summary.md, fit for a comment on a pull request: what must be read stands above the fold, all the rest below it.

Above the fold: the verdict, limits that did not hold, what changed beyond noise, conclusions. However many entries a
run has, that is at most ABOVE_THE_FOLD characters, the worst first, and what has no room is counted and folded.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.records.entry import Entry, Finding
from harness.records.metrics import METRICS
from harness.records.results import Results
from harness.records.status import Status
from harness.report.baseline_changes import ACCURACY, REGRESSION, SIZE, BaselineChange, Kind, changes, sampled_ratios
from harness.report.baseline_fold import beyond_what, change_amount
from harness.report.conclusions import Conclusion, conclusions_beside_exit
from harness.report.labels import (
    STATUS_WORDS,
    device_title,
    entry_name,
    exit_meaning,
    failed_tests,
    sentences,
    tally,
    to_explain,
)
from harness.report.markdown import count, escape_within, sentence
from harness.report.summary_folds import count_characters, fit_folds, group_name, summary_folds, waiver_lines

MARKER: Final = "<!-- edge-harness -->"
"""The first line, by which a pipeline finds its own comment again."""
LONGEST_COMMENT: Final = 65_536
"""GitHub takes no comment that has more characters."""
ABOVE_THE_FOLD: Final = 1_500
"""Characters that are read without a click, the marker and the last line among them."""
_MARKS: Final = {0: "✅", 10: "⚠️", 11: "⚠️"}
_HEADING, _NAME, _SENTENCE, _CONCLUSION, _ORIGIN = 160, 80, 200, 230, 160
_MOST_BOARDS: Final = 3
_MOST_LINES: Final = 24
"""Of a section: more than there is room for."""
_NOT_COMPARED: Final[tuple[Kind, str]] = ("unknown", "not compared in")
_SAME: Final[tuple[Kind, str]] = ("identical", "identical in")
_SAID_OF: Final[dict[str, tuple[tuple[Kind, str], ...]]] = {
    ACCURACY: (("worse", "lost in"), ("better", "gained in"), _NOT_COMPARED, _SAME),
    SIZE: (("worse", "larger in"), ("better", "smaller in"), _NOT_COMPARED, _SAME),
}


@dataclass(frozen=True)
class _Section:
    """Lines of one kind above the fold, the most important first; ``more`` says how many of them have no room."""

    opening: list[str]
    lines: list[str]
    """At most _MOST_LINES of them."""
    every: int
    more: Callable[[int], str]

    def first(self, shown: int) -> list[str]:
        """The section with so many of its lines; nothing where it has nothing to say."""
        if not self.opening and not self.lines:
            return []
        left = self.every - shown
        listed = [*self.lines[:shown], *([f"- {self.more(left)}"] if left else [])]
        return ["", *self.opening, *([""] if self.opening and listed else []), *listed]


def summary(results: Results) -> str:
    """The run as Markdown of fewer than LONGEST_COMMENT characters; what boards, models and people named is escaped."""
    told = conclusions_beside_exit(results)
    sections = [_to_read(results), _changes(results), _conclusions(told)]
    tail = ["", escape_within(_origin(results), _ORIGIN)]
    head = [MARKER, *_verdict(results)]
    room = ABOVE_THE_FOLD - count_characters(head) - count_characters(tail)
    shown = _fit_sections(sections, room)
    lines = [*head, *shown]
    left = 0 if sections[0].lines or sections[1].lines else room - count_characters(shown)
    folds = summary_folds(results, told, open_room=left)
    folded = fit_folds(folds, LONGEST_COMMENT - 1 - count_characters(lines) - count_characters(tail))
    return "\n".join([*lines, *folded, *tail]) + "\n"


def _fit_sections(sections: Sequence[_Section], room: int) -> list[str]:
    """A line of each section, then all that there is room for, those of the first section before those of others."""
    shown = [min(1, len(section.lines)) for section in sections]

    def lines() -> list[str]:
        return [line for section, number in zip(sections, shown, strict=True) for line in section.first(number)]

    for place in reversed(range(len(sections))):
        if count_characters(lines()) > room:
            shown[place] = 0
    for place, section in enumerate(sections):
        while shown[place] < len(section.lines):
            shown[place] += 1
            if count_characters(lines()) > room:
                shown[place] -= 1
                break
    return lines()


def _verdict(results: Results) -> list[str]:
    """The tally as a heading; in one line what the exit code means, and where the report is."""
    mark = _MARKS.get(results.run.exit_code, "❌")
    said = tally(results)
    url = results.run.pipeline_url
    link = f" [Report]({url})" if url else ""
    heading = escape_within(f"{said[:1].upper()}{said[1:]}", _HEADING)
    meaning = sentence(escape_within(exit_meaning(results), _SENTENCE))
    waived = len(waiver_lines(results))
    relaxed = f" **{count(waived, 'limit')} waived.**" if waived else ""
    return [f"# {mark} {heading}", "", f"{meaning}{relaxed}{_boards(results)}{link}"]


def _boards(results: Results) -> str:
    """On what was measured, each board with its label: named so here, and by its name alone in what follows."""
    names = dict.fromkeys(entry.device for entry in results.entries)
    if not names:
        return ""
    titles = [escape_within(device_title(name, results.devices), _NAME) for name in list(names)[:_MOST_BOARDS]]
    more = f" and {len(names) - _MOST_BOARDS} more" if len(names) > _MOST_BOARDS else ""
    return f" Measured on {', '.join(titles)}{more}."


def _to_read(results: Results) -> _Section:
    """What must be read: each limit that did not hold, worst first, tests that failed by themselves, and waivers."""
    limits = [(status, reason, one) for one in to_explain(results) for status, reason in sentences(one)]
    tests, waived = failed_tests(results), waiver_lines(results)
    lines = [
        f"- **{STATUS_WORDS[status]}** {escape_within(reason, _SENTENCE)}: {_name(results, one)}"
        for status, reason, one in limits[:_MOST_LINES]
    ]
    lines += [
        f"- **test failed** {escape_within(note.test, _NAME)}: {escape_within(note.sentence, _SENTENCE)}"
        for note in tests[:_MOST_LINES]
    ]
    lines += [f"- **WAIVED** {escape_within(line, _SENTENCE)}" for line in waived[:_MOST_LINES]]
    every = len(limits) + len(tests) + len(waived)
    return _Section([], lines[:_MOST_LINES], every, lambda left: f"{left} more of these in the fold")


def _name(results: Results, entry: Entry) -> str:
    several = len({one.device for one in results.entries}) > 1
    return escape_within(f"{entry_name(entry)} on {entry.device}" if several else entry_name(entry), _NAME)


def _changes(results: Results) -> _Section:
    """What changed beyond noise, losses first; how many metrics were compared, and accuracy and size in any case."""
    found = changes(results.entries)
    ratios = sampled_ratios(results.entries)
    if not found and not ratios:
        return _Section([], [], 0, str)
    changed = sum(one.blocks is not None for one in found) or "none"
    said = f"{count(len(ratios), 'metric')} compared, {changed} changed {beyond_what(ratios)}." if ratios else ""
    opening = [" ".join(filter(None, ["**Against the baseline:**", said, *_exact_sentences(found)]))]
    broken = {(id(one), finding.metric) for one in results.entries for finding in one.findings if _is_broken(finding)}
    told = [one for one in found if one.kind in ("worse", "better") and (id(one.entry), one.metric) not in broken]
    lines = [_change_line(results, one) for one in told[:_MOST_LINES]]
    return _Section(opening, lines, len(told), lambda left: f"{left} more changes in the fold")


def _is_broken(finding: Finding) -> bool:
    return finding.gate == REGRESSION and finding.status is Status.FAIL


def _exact_sentences(found: Sequence[BaselineChange]) -> list[str]:
    """How many entries kept, lost or gained accuracy, and size: "Accuracy: lost in 1, identical in 49."."""
    said = []
    for metric, words in _SAID_OF.items():
        kinds = Counter(one.kind for one in found if one.metric == metric)
        if kinds:
            counted = ", ".join(f"{word} {kinds[kind]}" for kind, word in words if kinds[kind])
            said.append(f"{METRICS[metric].title.capitalize()}: {counted}.")
    return said


def _change_line(results: Results, one: BaselineChange) -> str:
    amount = f"**{change_amount(one)}**" if one.kind == "worse" else change_amount(one)
    figures = "" if one.ratio_only else f" {one.was} → {one.now}"
    told = escape_within(f"{one.title}{figures}, {one.interval}", _SENTENCE)
    return f"- {amount} {told}: {_name(results, one.entry)}"


def _conclusions(told: Sequence[Conclusion]) -> _Section:
    lines = []
    for one in told[:_MOST_LINES]:
        name = f"{escape_within(group_name(one), _NAME)} " if one.device else ""
        verb, _, why = one.choice.partition(": ")
        shown = f"**{escape_within(verb[:1].upper() + verb[1:], _NAME)}**: {escape_within(why, _SENTENCE)}"
        choice = f". {shown}" if one.choice else ""
        lines.append(f"- {name}{escape_within(one.text, _CONCLUSION)}{choice}")
    opening = ["**Conclusions**"] if lines else []
    return _Section(opening, lines, len(told), lambda left: f"{left} more conclusions in the fold")


def _origin(results: Results) -> str:
    run = results.run
    commit = f", commit {run.commit}" if run.commit else ""
    return f"Run {run.id} of {run.created_at}, edge-harness {run.harness_version}{commit}."
