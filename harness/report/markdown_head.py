"""The part of summary.md that a reviewer reads: verdict, waivers, what did not hold, what changed."""

from collections.abc import Sequence

from harness.records.results import BaselineRecord, Entry, Ratio, Results
from harness.report.changes import EXACT, Change, changes, sampled
from harness.report.markdown_text import escaped, kept_together, named, row, sentence, stacked, titled
from harness.report.words import STATUS_WORDS, exit_meaning, failed_tests, sentences, tally, to_explain, waived

_MARKS = {0: "✅", 10: "⚠️", 11: "⚠️"}
_STATES = {
    "new": "new, there is nothing to compare it with",
    "missing": "not compared, its baseline is missing",
    "unlike": "not compared, the baseline is of another board or setting",
    "identical": "identical with its baseline, nothing was measured against it",
}
_MOST_NAMES = 12


def verdict(results: Results) -> list[str]:
    """The tally as a heading; in one line what the exit code means and what the verdicts promise."""
    mark = _MARKS.get(results.run.exit_code, "❌")
    promise = f" {sentence(escaped(results.run.gate.sentence))}" if results.run.gate else ""
    said = escaped(tally(results))
    return [f"# {mark} {said[:1].upper()}{said[1:]}", "", f"{sentence(exit_meaning(results))}{promise}"]


def to_read(results: Results) -> list[str]:
    """What must be read, one list: each waived limit, each entry that did not hold, each test that failed by itself."""
    return _listed([*_waivers(results), *_explained(results), *_failed_tests(results)])


def _waivers(results: Results) -> list[str]:
    """Those that findings met, then the others of the run."""
    met = {finding.waiver for entry in results.entries for finding in entry.findings}
    others = results.run.gate.waivers if results.run.gate else []
    lines = [*waived(results), *(waiver for waiver in others if waiver not in met)]
    return [f"- **WAIVED**: {escaped(line)}" for line in lines]


def _explained(results: Results) -> list[str]:
    """A sentence for each limit that did not hold, the worst entry first."""
    return [
        f"- **{STATUS_WORDS[status]}**: {named(entry, results.devices)}: {escaped(reason)}"
        for entry in to_explain(results)
        for status, reason in sentences(entry)
    ]


def _failed_tests(results: Results) -> list[str]:
    return [f"- **test failed**: {escaped(note.test)}: {escaped(note.sentence)}" for note in failed_tests(results)]


def against_baseline(results: Results) -> list[str]:
    """What changed beyond its interval, accuracy and size in any case, and what was not compared."""
    ratios = sampled(results.entries)
    found = changes(results.entries)
    lines = _changed(results, found) if found else []
    if ratios:
        lines += ["", _counted_up(results, ratios, [change for change in found if change.blocks is not None])]
    lines += _listed(_apart(results))
    return ["", "## Against the baseline", *lines] if lines else []


def _changed(results: Results, found: Sequence[Change]) -> list[str]:
    head = ["change", "metric", "now", "interval", "device, candidate"]
    told, alike = _folded(found)
    rows = [
        [
            f"**{_amount(change)}**" if change.kind == "worse" else _amount(change),
            escaped(change.title),
            stacked(kept_together(change.now), f"was {kept_together(change.was)}"),
            stacked(
                kept_together(change.interval),
                "" if change.blocks is None else _counted(change.blocks, "block"),
            ),
            titled(change.entry, results.devices),
        ]
        for change in told
    ]
    counted = [
        ["identical", escaped(same[0].title), "", same[0].interval.partition(",")[0], _counted(len(same), "entry")]
        for same in alike
    ]
    return ["", row(head), row(["---"] * len(head)), *map(row, [*rows, *counted])]


def _folded(found: Sequence[Change]) -> tuple[list[Change], list[list[Change]]]:
    """Changes with a row each; and those that are identical in more entries than rows are read, by their metric."""
    alike = {metric: [one for one in found if one.kind == "identical" and one.metric == metric] for metric in EXACT}
    many = {metric: same for metric, same in alike.items() if len(same) > _MOST_NAMES}
    return [one for one in found if one.kind != "identical" or one.metric not in many], list(many.values())


def _amount(change: Change) -> str:
    return kept_together(change.amount) if change.kind != "unknown" else escaped(change.amount)


def _counted_up(results: Results, ratios: Sequence[Ratio], changed: Sequence[Change]) -> str:
    """How many metrics were compared and changed, and how many seem to by chance."""
    rest = len(ratios) - len(changed)
    told = f"{len(changed)} changed, {rest} did not" if changed else "none changed"
    unsure = max((1 - ratio.confidence for ratio in ratios if ratio.confidence is not None), default=0.0)
    chance = f" Of metrics that did not change, about 1 in {1 / unsure:.0f} seems to have." if unsure else ""
    return f"{_counted(len(ratios), 'metric')} compared with {_bases(results)}: {told} beyond their intervals.{chance}"


def _bases(results: Results) -> str:
    said = dict.fromkeys(base.sentence for base in _baselines(results.entries) if base.ratios)
    first, *others = said
    return escaped(first) + (f" and {_counted(len(others), 'other baseline')}" if others else "")


def _apart(results: Results) -> list[str]:
    """Entries without a comparison, those of one kind and sentence in one line, and what could not be reproduced."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for entry in results.entries:
        base = entry.baseline
        if base is None:
            continue
        if base.state in _STATES:
            kinds.setdefault((_STATES[base.state], base.sentence), []).append(named(entry, results.devices))
        for reason in base.not_compared:
            kinds.setdefault(("not compared", reason), []).append(named(entry, results.devices))
    return [f"- {kind}: {_names(names)}: {escaped(said)}" for (kind, said), names in kinds.items()]


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return "; ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _baselines(entries: Sequence[Entry]) -> list[BaselineRecord]:
    return [entry.baseline for entry in entries if entry.baseline is not None]


def _counted(count: int, noun: str) -> str:
    plural = noun if count == 1 else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {plural}"


def _listed(lines: list[str]) -> list[str]:
    """List items with the blank line that Markdown wants before a list."""
    return ["", *lines] if lines else []
