"""What is inside each artifact: its sizes, its zeros, and its operators with the work they do."""

from dataclasses import dataclass
from typing import Any

from harness.records.artifact import Inside, OperatorTally, TensorInfo
from harness.records.results import Results
from harness.records.units import format_quantity
from harness.report.charts.page_charts import GroupCharts
from harness.report.groups import MeasuredArtifact, artifacts, artifacts_left_out
from harness.report.sections import Section

SIZES = ("size", "compressed", "parameters", "MACs", "weights", "activations", "zeros")


@dataclass(frozen=True)
class _Column:
    """Recipes whose files hold the same operators."""

    names: tuple[str, ...]
    tallies: dict[str, OperatorTally]


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any] | None:
    told = [(candidate, [one for one in found if one.record.inside]) for candidate, found in artifacts(results)]
    known = [_candidate(candidate, found) for candidate, found in told if found]
    return {"sizes": SIZES, "candidates": known, "left_out": artifacts_left_out(results)} if known else None


def _candidate(candidate: str, found: list[MeasuredArtifact]) -> dict[str, Any]:
    columns = _columns(found)
    return {
        "name": candidate,
        "sizes": [(one.name, _sizes(one)) for one in found],
        "columns": [", ".join(column.names) for column in columns],
        "operators": [(name, [_cell(column, name) for column in columns]) for name in _operators(columns)],
        "ends": [(one.name, _ends(one)) for one in found],
        "custom": [(one.name, custom) for one in found if (custom := _custom(one))],
    }


def _sizes(one: MeasuredArtifact) -> list[str]:
    size = format_quantity(one.record.size_bytes, "B")
    inside = one.record.inside
    return [size, *(_inside_sizes(inside) if inside else [])]


def _inside_sizes(inside: Inside) -> list[str]:
    compressed, zeros = inside.compressed_bytes, inside.zero_share
    return [
        "–" if compressed is None else format_quantity(compressed, "B"),
        f"{inside.parameters:,}",
        f"{inside.macs:,}",
        format_quantity(inside.weight_bytes, "B"),
        format_quantity(inside.activation_bytes, "B"),
        "–" if zeros is None else format_quantity(round(zeros, 4), "1"),
    ]


def _columns(found: list[MeasuredArtifact]) -> list[_Column]:
    same: dict[tuple[OperatorTally, ...], list[str]] = {}
    for one in found:
        same.setdefault(one.record.inside.operators if one.record.inside else (), []).append(one.name)
    return [_Column(tuple(names), {tally.name: tally for tally in tallies}) for tallies, names in same.items()]


def _operators(columns: list[_Column]) -> list[str]:
    """Every operator's name, in the order of the first file that has it: largest work first."""
    return list(dict.fromkeys(name for column in columns for name in column.tallies))


def _cell(column: _Column, name: str) -> tuple[str, ...]:
    """How often, how much work, and how many of them XNNPACK took on the host."""
    tally = column.tallies.get(name)
    if tally is None:
        return ("–",)
    macs = f"{tally.macs:,} MACs" if tally.macs else ""
    taken = "" if tally.xnnpack is None else f"{tally.xnnpack} by XNNPACK"
    return (f"{tally.count:,}", *filter(None, (macs, taken)))


def _ends(one: MeasuredArtifact) -> str:
    inputs, outputs = (", ".join(map(_tensor, tensors)) for tensors in (one.record.inputs, one.record.outputs))
    return f"{inputs or 'no input'} → {outputs or 'no output'}"


def _tensor(tensor: TensorInfo) -> str:
    shape = "×".join(map(str, tensor.shape)) or "one"
    scale = f" (scale {tensor.scale:.4g}, zero point {tensor.zero_point})" if tensor.scale else ""
    return f"{shape} {tensor.dtype}{scale}"


def _custom(one: MeasuredArtifact) -> str:
    return ", ".join(one.record.inside.custom_operators) if one.record.inside else ""


CONTENTS = Section("contents", "What is inside each artifact", _context)
