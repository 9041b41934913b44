"""The accuracy gate: percentage points lost against the float32 recipe on the same test set."""

from typing import Final

from harness.gates.compare_interval import judge_by_interval
from harness.gates.evidence import Evidence, misfit
from harness.gates.limits import ACCURACY_DROP, Limit
from harness.gates.sentences import JudgedFigure, not_judged
from harness.records.artifact import AccuracyDrop, AccuracyResult
from harness.records.entry import Entry, Finding
from harness.records.units import format_change, format_interval, format_quantity, loss_unit

GATE = "accuracy_drop"
_FLOAT32: Final = "float32"


def judge_accuracy_drop(limit: Limit, evidence: Evidence) -> Finding:
    """The exact difference over one test set, which is not sampled anew: no interval decides, it is only shown.

    INVALID where the difference is unknown, and where float32 itself does no better than guessing: it has nothing to
    lose. The float32 recipe itself loses nothing.
    """
    entry = evidence.entry
    own = entry.artifact.verification.accuracy if entry.artifact else None
    if own is None:
        return not_judged(limit, gate=GATE, because=f"accuracy is unknown: {_why_unknown(entry)}")
    if because := misfit(limit, unit=own.unit):
        return not_judged(limit, gate=GATE, because=because)
    drop = entry.artifact.verification.accuracy_drop if entry.artifact else None
    by_chance = drop.reference_by_chance if drop else entry.recipe == _FLOAT32 and own.by_chance
    if by_chance:
        return not_judged(limit, gate=GATE, because=_by_chance(own, drop))
    if entry.recipe == _FLOAT32:
        itself = _lost(0.0, own, basis="it is the float32 recipe itself")
        return judge_by_interval(itself, limit, evidence, gate=GATE, n=own.n)
    if drop is None:
        return not_judged(limit, gate=GATE, because=_why_not_compared(entry))
    change = format_change(own.value + own.sign * drop.value, own.value, own.unit)
    lost = _lost(drop.value, own, basis=_basis(own, drop), change=change)
    finding = judge_by_interval(lost, limit, evidence, gate=GATE, n=own.n)
    return finding.model_copy(update={"ci_low": drop.ci_low, "ci_high": drop.ci_high})


def _lost(value: float, own: AccuracyResult, *, basis: str, change: str = "") -> JudgedFigure:
    """An exact difference: a point."""
    return JudgedFigure(
        name=ACCURACY_DROP,
        unit=loss_unit(own.unit),
        value=value,
        low=value,
        high=value,
        basis=basis,
        against=_FLOAT32,
        change=change,
        called=own.metric.name if own.metric else "",
    )


def _basis(own: AccuracyResult, drop: AccuracyDrop) -> str:
    differing = "" if drop.lost is None else f", {drop.lost} lost and {drop.gained} gained"
    named = "AUC, " if own.score == "auc" else ""
    interval = ""
    if drop.ci_low is not None and drop.ci_high is not None and drop.ci_low != drop.ci_high:
        ends = format_interval(drop.ci_low, drop.ci_high, loss_unit(own.unit))
        interval = f", {drop.confidence * 100:.4g} % interval {ends}"
    return f"{named}exact difference over {drop.n} samples{differing}{interval}"


def _by_chance(own: AccuracyResult, drop: AccuracyDrop | None) -> str:
    """Why a drop says nothing: what guesses cannot lose anything."""
    value = own.value + (drop.value if drop else 0.0)
    guessing = "" if own.chance is None else f" ({format_quantity(own.chance, '1')})"
    return f"float32's own accuracy, {format_quantity(value, '1')}, is no better than guessing{guessing}"


def _why_unknown(entry: Entry) -> str:
    told = entry.artifact.verification.accuracy_reason if entry.artifact else None
    return told or "the candidate has no test set"


def _why_not_compared(entry: Entry) -> str:
    if entry.recipe is None:
        return "a model file as given has no float32 recipe to be compared with"
    told = entry.artifact.verification.fidelity_reason if entry.artifact else None
    return f"accuracy was not compared with float32's{f': {told}' if told else ''}"
