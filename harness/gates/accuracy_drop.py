"""The accuracy gate: percentage points lost against the float32 recipe on the same test set."""

from harness.gates.evidence import Evidence
from harness.gates.limits import ACCURACY_DROP, Limit
from harness.gates.sentences import Judged, not_judged
from harness.gates.weigh import weigh
from harness.records.artifact import AccuracyResult
from harness.records.results import Entry, Finding
from harness.records.units import format_quantity

GATE = "accuracy_drop"
_FLOAT32 = "float32"


def judge_accuracy_drop(limit: Limit, evidence: Evidence) -> Finding:
    """The exact difference of two counts over one test set; no pairing of single samples enters.

    INVALID where either accuracy is unknown or the two stand on different test sets.
    """
    entry = evidence.entry
    own = entry.artifact.accuracy if entry.artifact else None
    reference = own if entry.recipe == _FLOAT32 else evidence.float32_accuracy
    if own is None or reference is None or not _comparable(own, reference):
        return not_judged(limit, gate=GATE, because=_why_not(own, reference, entry))
    drop = (reference.correct - own.correct) / own.n
    judged = Judged(
        name=ACCURACY_DROP,
        unit="pt",
        value=drop,
        low=drop,
        high=drop,
        basis=f"{format_quantity(own.value, '1')} against {format_quantity(reference.value, '1')} in float32, "
        f"exact difference over {own.n} samples",
    )
    return weigh(judged, limit, evidence, gate=GATE, n=own.n)


def _comparable(own: AccuracyResult, reference: AccuracyResult) -> bool:
    return own.n > 0 and (own.dataset, own.n) == (reference.dataset, reference.n)


def _why_not(own: AccuracyResult | None, reference: AccuracyResult | None, entry: Entry) -> str:
    if own is None:
        told = entry.artifact.accuracy_reason if entry.artifact else None
        return f"accuracy is unknown: {told or 'the candidate has no test set'}"
    if reference is None:
        return "the float32 recipe's accuracy is unknown"
    return f"accuracies stand on different test sets, {own.dataset} ({own.n}) and {reference.dataset} ({reference.n})"
