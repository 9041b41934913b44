"""delegated_operators and delegated_macs: what of a model its delegate took, as the board itself says."""

from harness.measure.arm_evidence import ArmEvidence, exactly, unknown
from harness.records.artifact import Inside
from harness.records.entry import Measurement
from harness.records.operators import Placement

_METRICS = ("delegated_operators", "delegated_macs")


def compute(evidence: ArmEvidence) -> list[Measurement]:
    """Both shares, 0..1, exact; unknown with the reason where the runtime does not list its operators."""
    told = _placements(evidence)
    if isinstance(told, str):
        return [unknown(metric, told) for metric in _METRICS]
    taken, count = len(told.delegated), len(told.operators)
    parts = "part" if told.parts == 1 else "parts"
    note = f"{taken} of {count} operators, in {told.parts} {parts}"
    return [exactly("delegated_operators", taken / count, note), _macs(told, evidence.artifact.inside)]


def _placements(evidence: ArmEvidence) -> Placement | str:
    """What all trials agree on, or why there is none."""
    found = {trial.placement for trial in evidence.trials if trial.died is None and trial.placement is not None}
    if len(found) > 1:
        return "the delegate took other operators from process to process"
    if not found:
        return "the board's runtime does not list the model's operators"
    (placement,) = found
    return placement if placement.operators else "the model has no operators"


def _macs(told: Placement, inside: Inside | None) -> Measurement:
    metric = "delegated_macs"
    if inside is None or not inside.order:
        return unknown(metric, "the work of the file's operators is not known")
    names = tuple(inside.operators[place].name for place, _ in inside.order)
    if names != told.operators:
        return unknown(metric, "the board's runtime lists other operators than the file")
    macs = [each for _, each in inside.order]
    whole, taken = sum(macs), sum(macs[number] for number in told.delegated)
    if whole == 0:
        return unknown(metric, "no operator of the model multiplies and accumulates")
    return exactly(metric, taken / whole, f"{taken:,} of {whole:,}")
