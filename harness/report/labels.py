"""Statuses and exit codes as people say them."""

from collections import Counter
from dataclasses import dataclass

from harness.records.entry import Entry, Finding
from harness.records.results import DeviceRecord, Outcome, Results, TestNote
from harness.records.status import Status, run_status

STATUS_WORDS: dict[Status, str] = {
    Status.MEASURED: "measured",
    Status.PASS: "passed",
    Status.INCONCLUSIVE: "too close",
    Status.INVALID: "board unfit",
    Status.FAIL: "failed",
    Status.ERROR: "error",
}
EXIT_MEANINGS: dict[int, str] = {
    0: "everything held",
    1: "something failed or could not be measured",
    2: "the run was interrupted, or its test files do not load",
    3: "pytest met an internal error",
    4: "an option, profile, marker or budgets file is wrong",
    5: "nothing was selected, so nothing was measured",
    10: "nothing failed, but something could not be judged",
    11: "a board was not reached or not leased",
}
_NOT_COMPARED = ("outputs unchecked: ", "outputs not judged: ")
_MOST_NAMES = 3
GOOD = (Status.PASS, Status.MEASURED)

_ENDS = {
    "interrupted": "interrupted",
    "stopped": "stopped after a failure",
    "uncollected": "test files do not load",
    "internal": "ended by an internal error of pytest",
    "other": "ended early",
}
_MOST_TESTS = 5
"""Of the tests that failed by themselves, in a tally."""

LIMITED = ("budget", "regression", "accuracy_drop")
"""The gates that hold a metric against a limit; the others say how measuring itself went."""


def entry_name(entry: Entry) -> str:
    """``candidate/recipe``, or the candidate alone; with the test where several measured it."""
    return entry.subject + (f" ({entry.test_label})" if entry.test_label else "")


def entry_detail(entry: Entry, devices: int) -> str:
    """What tells entries of one candidate and recipe apart: the test, and where a run has several devices its own."""
    return ", ".join(part for part in (entry.test_label, f"on {entry.device}" if devices > 1 else "") if part)


def device_title(name: str, devices: dict[str, DeviceRecord]) -> str:
    """The device's name with its label, e.g. "rpi4 (simulated board)"."""
    label = label_of(name, devices)
    return f"{name} ({label})" if label else name


def label_of(name: str, devices: dict[str, DeviceRecord]) -> str | None:
    """What must stand beside a device's name wherever it is shown."""
    record = devices.get(name)
    return record.label if record else None


def waived_limits(results: Results) -> list[str]:
    """A sentence for each limit that a waiver relaxed, with its board, candidate and key; each said once."""
    said = [
        f"{device_title(entry.device, results.devices)}, {entry_name(entry)}, {budget_key(finding)}: {finding.waiver}"
        for entry in results.entries
        for finding in entry.findings
        if finding.waiver is not None
    ]
    return list(dict.fromkeys(said))


def budget_key(finding: Finding) -> str:
    """The key of budgets.toml under which a finding's limit stands."""
    if finding.gate == "accuracy_drop":
        return finding.gate
    return f"{finding.metric}_regression" if finding.gate == "regression" else str(finding.metric)


def tally(results: Results) -> str:
    """How the run ended early, entries by status, worst first, then tests that failed by themselves.

    "interrupted: 1 of 2 measured; 1 passed", "1 error, 1 failed, 3 passed, 1 test failed by itself: NAME".
    """
    outcome = results.run.outcome or Outcome()
    excused = _excused_names(outcome)
    counts = Counter(entry.status for entry in results.entries if entry.test not in excused)
    worst_first = sorted(counts, key=lambda status: -status.severity)
    parts = [f"{counts[status]} {STATUS_WORDS[status]}" for status in worst_first]
    parts += [text for text in (_excused_tests(outcome), _failed_tests(outcome), _skipped_tests(outcome)) if text]
    return "; ".join(part for part in (_describe_early_end(outcome), ", ".join(parts) or "no entries") if part)


def exit_meaning(results: Results) -> str:
    """``exit code N: what it means``; for one that is green, what was held against no limit."""
    code = results.run.exit_code
    meaning = EXIT_MEANINGS.get(code, "not a code of this harness")
    if code == 0:
        meaning = "; ".join([_held(results), *without_limit(results)])
    elif code == 2 and results.run.outcome is not None:
        meaning = "test files do not load" if results.run.outcome.end == "uncollected" else "the run was interrupted"
    return f"exit code {code}: {meaning}"


def is_limited(entry: Entry) -> bool:
    """Whether a limit was held against the entry; one against a baseline that there was none of was not."""
    return any(finding.gate in LIMITED and finding.status is not Status.MEASURED for finding in entry.findings)


def without_limit(results: Results) -> list[str]:
    """How many entries no limit holds, a sentence each: a gate that is not there must not look like one that held."""
    every = len(results.entries)
    free = [entry for entry in results.entries if entry.status is Status.MEASURED]
    skipped = sum(any(finding.gate in LIMITED for finding in entry.findings) for entry in free)
    unlimited = len(free) - skipped
    said = []
    if unlimited:
        whole = "no entry has a limit" if every > 1 else "the entry has no limit"
        said.append(whole if unlimited == every else f"{count_entries(unlimited, every)} no limit")
    if skipped:
        said.append(f"{count_entries(skipped, every)} limits against a baseline only, and there was none")
    return said


def count_entries(count: int, every: int) -> str:
    """So many entries of a run's, with their verb: "1 of 8 entries has", "2 of 8 entries have", "the entry has"."""
    if every == 1:
        return "the entry has"
    return f"{count} of {every} entries {'has' if count == 1 else 'have'}"


def shown_status(status: str, code: int) -> str:
    """A run's status, which also for a run of an earlier harness is green with no exit code but 0."""
    if code in (0, 5) or status not in GOOD:
        return status
    return str(run_status(code, [Status(status)]))


def failed_tests(results: Results) -> list[TestNote]:
    """Every test that failed by itself, and not for what it measured, with its line."""
    return list(results.run.outcome.failed_tests) if results.run.outcome else []


def worst_first(entries: list[Entry]) -> list[Entry]:
    """The entries, worst status first, within it those first that break a limit most, else in the order of the file."""
    return sorted(entries, key=lambda entry: (-entry.status.severity, -excess(entry)))


def excess(entry: Entry) -> float:
    """By how much an entry breaks the limit that it breaks most, as a share of it; of what is a share, what it is over.

    0.0 where no limit failed by a figure.
    """
    broken = [
        abs(found.value - found.limit) / (found.limit if found.gate == "budget" and found.limit else 1.0)
        for found in entry.findings
        if found.status is Status.FAIL and found.value is not None and found.limit is not None
    ]
    return max(broken, default=0.0)


def sentences(entry: Entry) -> list[tuple[Status, str]]:
    """The first lines of ``verdict_lines``, with their statuses."""
    return [(line.status, line.reason) for line in verdict_lines(entry)]


@dataclass(frozen=True)
class VerdictLine:
    """What is read of a limit: its status, the line of figures, and the quieter one with what stands behind it."""

    status: Status
    reason: str
    detail: str = ""
    """Empty where an earlier harness judged, whose line has it all."""


def verdict_lines(entry: Entry) -> list[VerdictLine]:
    """What must be read of an entry that did not hold: each limit that did not, worst first.

    Of one whose measuring went wrong that alone: its limits only repeat it.
    """
    bad = [finding for finding in entry.findings if finding.status not in GOOD]
    own = [finding for finding in bad if finding.gate not in LIMITED and finding.status is not Status.INCONCLUSIVE]
    told = sorted(own or bad, key=lambda finding: -finding.status.severity)
    lines = dict.fromkeys(VerdictLine(finding.status, finding.reason, finding.detail) for finding in told)
    return list(lines) or [VerdictLine(entry.status, entry.reason)]


def to_explain(results: Results) -> list[Entry]:
    """The entries whose sentence must be read: neither passed nor merely measured, nor failed as they are marked."""
    excused = _excused_names(results.run.outcome or Outcome())
    return worst_first([entry for entry in results.entries if entry.status not in GOOD and entry.test not in excused])


def uncompared_outputs(results: Results) -> list[str]:
    """A sentence for each reason why outputs of measured entries were not compared, with the entries' names."""
    told: dict[str, list[str]] = {}
    for entry in results.entries:
        if entry.status is not Status.ERROR and entry.outputs.startswith(_NOT_COMPARED):
            told.setdefault(entry.outputs, []).append(f"{entry_name(entry)} on {entry.device}")
    return [f"{_join_names(list(dict.fromkeys(names)))}: {sentence}" for sentence, names in told.items()]


def _join_names(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _excused_names(outcome: Outcome) -> set[str]:
    return {note.test for note in outcome.expected_failures}


def _describe_early_end(outcome: Outcome) -> str:
    """How the session ended before its end, and how much was measured."""
    measured = f"{outcome.measured} of {outcome.planned} measured"
    if outcome.end == "whole":
        return measured if outcome.measured < outcome.planned else ""
    why = f" ({outcome.sentence})" if outcome.sentence and outcome.end != "stopped" else ""
    return f"{_ENDS[outcome.end]}: {measured}{why}"


def _failed_tests(outcome: Outcome) -> str:
    return _counted_tests([note.test for note in outcome.failed_tests], ("failed by itself", "failed by themselves"))


def _excused_tests(outcome: Outcome) -> str:
    return _counted_tests([note.test for note in outcome.expected_failures], ("failed as expected",) * 2)


def _skipped_tests(outcome: Outcome) -> str:
    return f"{outcome.skipped} skipped" if outcome.skipped else ""


def _counted_tests(names: list[str], what: tuple[str, str]) -> str:
    if not names:
        return ""
    named = ", ".join(names[:_MOST_TESTS]) + (" and more" if len(names) > _MOST_TESTS else "")
    return f"{len(names)} test{'s'[: len(names) > 1]} {what[len(names) > 1]}: {named}"


def _held(results: Results) -> str:
    excused = _excused_names(results.run.outcome or Outcome())
    if any(entry.test in excused and entry.status not in GOOD for entry in results.entries):
        others = any(entry.test not in excused for entry in results.entries)
        return "everything else held" if others else "what failed was expected to"
    if results.entries and all(entry.status is Status.MEASURED for entry in results.entries):
        return "everything was measured"
    return EXIT_MEANINGS[0] if results.entries else "nothing was measured, and nothing failed"
