"""A stored entry made ready to be judged anew: what gates said of it taken away, its markers' limits kept."""

from harness.gates.evidence import is_modelled
from harness.gates.judge import GATES
from harness.gates.limits import Limit, LimitKind
from harness.records.metrics import METRICS
from harness.records.results import Entry, Finding
from harness.records.status import Status, worst

MARKER = "marker of "
"""How the origin of a marker's limit begins."""
_UNTOLD = "the stored run"
"""The origin of a limit whose run did not store where it stands."""
_KINDS: dict[str, LimitKind] = {name: kind for kind, (name, _) in GATES.items()}


def unjudged(entry: Entry) -> Entry:
    """The entry as measuring left it."""
    own = [finding for finding in entry.findings if finding.gate not in _KINDS]
    if len(own) == len(entry.findings):
        return entry
    status = worst([finding.status for finding in own])
    reason = next((finding.reason for finding in own if finding.status is status), "no budget")
    return entry.model_copy(update={"findings": own, "status": status, "reason": reason})


def stored_limits(entry: Entry) -> tuple[list[Limit], list[Limit]]:
    """The limits of the test's markers; and those that hold only where the budgets file does not limit their key.

    The latter are markers' limits that were waived, and those of runs that did not store where a limit stands.
    Where the budgets file was stricter than a marker, the marker's limit is not stored.
    """
    markers: list[Limit] = []
    others: list[Limit] = []
    for finding in entry.findings:
        if finding.gate in _KINDS and finding.metric in METRICS and finding.limit is not None:
            if finding.origin in (None, _UNTOLD) or (finding.waiver and finding.origin.startswith(MARKER)):
                others.append(_limit(finding, entry))
            elif finding.origin.startswith(MARKER):
                markers.append(_limit(finding, entry))
    return markers, others


def _limit(finding: Finding, entry: Entry) -> Limit:
    measured = [m for m in entry.measurements if m.metric == finding.metric]
    asked_for_model = finding.status is not Status.INVALID and any(map(is_modelled, measured))
    return Limit(
        metric=str(finding.metric),
        kind=_KINDS[finding.gate],
        value=finding.limit or 0.0,
        origin=finding.origin or _UNTOLD,
        source="model" if asked_for_model else None,
        waiver=finding.waiver,
    )
