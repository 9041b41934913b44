"""Statuses and exit codes as people say them."""

from collections import Counter

from harness.records.results import DeviceRecord, Entry, Finding, Results
from harness.records.status import Status

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
    2: "the run was interrupted",
    3: "pytest met an internal error",
    4: "an option, profile, marker or budgets file is wrong",
    5: "nothing was selected, so nothing was measured",
    10: "nothing failed, but something could not be judged",
    11: "a board was not reached or not leased",
}
_NOT_COMPARED = ("outputs unchecked: ", "outputs not judged: ")
_MOST_NAMES = 3
GOOD = (Status.PASS, Status.MEASURED)


LIMITED = ("budget", "regression", "accuracy_drop")
"""The gates that hold a metric against a limit; the others say how measuring itself went."""


def entry_name(entry: Entry) -> str:
    """``candidate/recipe``, or the candidate alone; with the test where several measured it."""
    return entry.subject + (f" ({entry.test_label})" if entry.test_label else "")


def device_title(name: str, devices: dict[str, DeviceRecord]) -> str:
    """The device's name with its label, e.g. "rpi4 (simulated board)"."""
    label = label_of(name, devices)
    return f"{name} ({label})" if label else name


def label_of(name: str, devices: dict[str, DeviceRecord]) -> str | None:
    """What must stand beside a device's name wherever it is shown."""
    record = devices.get(name)
    return record.label if record else None


def waived(results: Results) -> list[str]:
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
    """Entries by status, worst first: "1 error, 1 failed, 3 passed"."""
    counts = Counter(entry.status for entry in results.entries)
    worst_first = sorted(counts, key=lambda status: -status.severity)
    return ", ".join(f"{counts[status]} {STATUS_WORDS[status]}" for status in worst_first) or "no entries"


def exit_meaning(results: Results) -> str:
    """``exit code N: what it means``."""
    code = results.run.exit_code
    return f"exit code {code}: {EXIT_MEANINGS.get(code, 'not a code of this harness')}"


def worst_first(entries: list[Entry]) -> list[Entry]:
    """The entries, worst status first, in the order of the file within a status."""
    return sorted(entries, key=lambda entry: -entry.status.severity)


def sentences(entry: Entry) -> list[tuple[Status, str]]:
    """What must be read of an entry that did not hold: a sentence for each limit that did not, worst first.

    Of one whose measuring went wrong that alone: its limits only repeat it.
    """
    bad = [finding for finding in entry.findings if finding.status not in GOOD]
    own = [finding for finding in bad if finding.gate not in LIMITED and finding.status is not Status.INCONCLUSIVE]
    told = sorted(own or bad, key=lambda finding: -finding.status.severity)
    return list(dict.fromkeys((finding.status, finding.reason) for finding in told)) or [(entry.status, entry.reason)]


def to_explain(results: Results) -> list[Entry]:
    """The entries whose sentence must be read: everything that is neither passed nor merely measured."""
    return worst_first([entry for entry in results.entries if entry.status not in GOOD])


def not_compared(results: Results) -> list[str]:
    """A sentence for each reason why outputs of measured entries were not compared, with the entries' names."""
    told: dict[str, list[str]] = {}
    for entry in results.entries:
        if entry.status is not Status.ERROR and entry.outputs.startswith(_NOT_COMPARED):
            told.setdefault(entry.outputs, []).append(f"{entry_name(entry)} on {entry.device}")
    return [f"{_listed(list(dict.fromkeys(names)))}: {sentence}" for sentence, names in told.items()]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
