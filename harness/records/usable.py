"""Which entries' figures may be kept and compared, and the latencies they rest on."""

from harness.records.results import Entry
from harness.records.status import Status


def usable(entry: Entry) -> bool:
    """Whether the entry was measured on a fit board with right outputs, whatever its budgets say."""
    wrong = any(finding.gate == "outputs" and finding.status is Status.FAIL for finding in entry.findings)
    return entry.status not in (Status.ERROR, Status.INVALID) and not wrong


def trial_medians(entry: Entry) -> list[float]:
    """The median latency of each of the candidate's trials that counts, in seconds."""
    trials = (trial for trial in entry.trials if trial.arm == "candidate" and trial.void is None)
    return [p50 for trial in trials if (p50 := trial.quantiles.get("p50", 0.0)) > 0.0]
