"""Budgets and an entry made into findings and one status: a pure function, so a stored run is judged again alike.

An entry that was judged before is first made what measuring left; its markers' limits stand in its findings.
"""

from collections.abc import Callable, Iterable, Sequence

from harness.gates import absolute, accuracy_drop, regression
from harness.gates.evidence import Evidence, is_modelled
from harness.gates.limits import ACCURACY, Limit, LimitKind, reading_order
from harness.gates.sentences import not_judged, skipped
from harness.records.emulation import WITHHELD, is_withheld
from harness.records.entry import Entry, Finding
from harness.records.metrics import METRICS
from harness.records.settings import Settings
from harness.records.status import Status, worst

Gate = Callable[[Limit, Evidence], Finding]

GATES: dict[LimitKind, tuple[str, Gate]] = {
    "absolute": (absolute.GATE, absolute.judge_absolute),
    "regression": (regression.GATE, regression.judge_regression),
    "accuracy_drop": (accuracy_drop.GATE, accuracy_drop.judge_accuracy_drop),
}
"""One gate for each kind of limit: its name in findings, and the function that judges."""

_SPOILT = (Status.INVALID, Status.FAIL, Status.ERROR)
"""An entry that came so was not fit to be judged: its budgets say so instead of a verdict."""
MARKER = "marker of "
"""How the origin of a marker's limit begins."""
_UNTOLD = "the stored run"
"""The origin of a limit whose run did not store where it stands."""
_KINDS: dict[str, LimitKind] = {name: kind for kind, (name, _) in GATES.items()}


def judge(
    entry: Entry,
    limits: Iterable[Limit],
    *,
    settings: Settings,
    share: float | None = None,
) -> Entry:
    """The entry with one finding for each limit, the worst status of all, and the sentence of that worst.

    No limits: the entry as it came. An entry that was judged before is judged anew from what was measured.
    The order of the limits does not matter. ``share`` is the chance of a false alarm that each limit may take: the
    session's alpha over the number of limits that chance has a part in; None: all of alpha, for a single one.
    """
    own = _own_findings(entry)
    came_with = worst([finding.status for finding in own])
    ordered = sorted(limits, key=reading_order)
    if came_with in _SPOILT:
        judged = [_spoilt(limit, own, came_with) for limit in ordered]
    else:
        evidence = Evidence(entry, settings, settings.alpha if share is None else share)
        judged = [_judged(limit, evidence) for limit in ordered]
    if not judged:
        return entry
    findings = [*own, *judged]
    status = worst([finding.status for finding in findings])
    return entry.model_copy(update={"findings": findings, "status": status, "reason": _reason(findings, status)})


def _judged(limit: Limit, evidence: Evidence) -> Finding:
    """What the limit's gate finds, with where the limit stands, whether it is a waiver's, and which one expired."""
    name, gate = GATES[limit.kind]
    if is_withheld(evidence.measured(limit.metric)):
        return _with_origin(skipped(limit, gate=name, because=WITHHELD), limit)
    return _with_origin(gate(limit, evidence), limit)


def _with_origin(finding: Finding, limit: Limit) -> Finding:
    detail = "; ".join(filter(None, [limit.expired, finding.detail, limit.origin]))
    return finding.model_copy(update={"origin": limit.origin, "waiver": limit.waiver, "detail": detail})


def _own_findings(entry: Entry) -> list[Finding]:
    """What measuring itself found; a status that no finding accounts for becomes one."""
    names = {name for name, _ in GATES.values()}
    own = [finding for finding in entry.findings if finding.gate not in names]
    was_judged = len(own) != len(entry.findings)
    if was_judged or worst([finding.status for finding in own]).severity >= entry.status.severity:
        return own
    return [*own, Finding(gate="measuring", metric=None, status=entry.status, reason=entry.reason)]


def _spoilt(limit: Limit, own: Sequence[Finding], status: Status) -> Finding:
    name, _ = GATES[limit.kind]
    return _with_origin(not_judged(limit, gate=name, because=f"the entry is {status}: {_first(own, status)}"), limit)


def _reason(findings: Sequence[Finding], status: Status) -> str:
    """The first sentence of the worst status, and how many more there are."""
    others = sum(finding.status is status for finding in findings) - 1
    more = f"; and {others} more" if others else ""
    return f"{_first(findings, status)}{more}"


def _first(findings: Sequence[Finding], status: Status) -> str:
    return next(finding.reason for finding in findings if finding.status is status)


def without_verdicts(entry: Entry) -> Entry:
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
    own = entry.artifact.verification.accuracy if entry.artifact and finding.metric == ACCURACY else None
    asked_for_model = finding.status is not Status.INVALID and any(map(is_modelled, measured))
    return Limit(
        metric=str(finding.metric),
        kind=_KINDS[finding.gate],
        value=finding.limit or 0.0,
        origin=finding.origin or _UNTOLD,
        source="model" if asked_for_model else None,
        waiver=finding.waiver,
        unit=own.unit if own is not None and own.unit != "1" else None,
        ceiling=own is not None and own.sign < 0 and finding.gate == absolute.GATE,
    )
