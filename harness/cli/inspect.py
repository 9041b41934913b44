"""``harness inspect``: what is inside a model file."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.pipeline.cache import file_sha256
from harness.pipeline.check.inspection.delegation_client import Delegation, ask_xnnpack, with_xnnpack
from harness.pipeline.check.inspection.model_file import ModelInfo, inspect_file
from harness.pipeline.check.inspection.weights import WeightKind
from harness.records.artifact import OperatorTally, TensorInfo
from harness.records.errors import ModelFileError
from harness.records.files import real_path
from harness.records.units import format_quantity

_WIDTH = 80
_NAME_WIDTH = 32


@dataclass(frozen=True)
class _Seen:
    """A file and all that was found in it."""

    file: str
    sha256: str
    info: ModelInfo
    delegation: Delegation
    operators: tuple[OperatorTally, ...]


def inspect_files(files: Sequence[str], *, as_json: bool) -> int:
    """Print what is inside the files; returns 0, or 1 where one is no model, which is said on stderr."""
    seen, failed = [], 0
    for file in files:
        try:
            seen.append(_inspect(file))
        except ModelFileError as error:
            failed = error.exit_code
            sys.stderr.write(f"harness: {' '.join(str(error).split())}\n")
            continue
        if not as_json:
            sys.stdout.write(("\n" if len(seen) > 1 else "") + "\n".join(_page(seen[-1])) + "\n")
    if as_json and seen:
        told = [_for_machines(each) for each in seen]
        sys.stdout.write(json.dumps(told[0] if len(files) == 1 else told, indent=2) + "\n")
    return failed


def _inspect(file: str) -> _Seen:
    if not str(real_path(Path(file))).isprintable():
        raise ModelFileError(f"{file!a}: its path has letters that cannot be shown: rename it")
    info = inspect_file(file)
    delegation = ask_xnnpack(Path(file), info)
    operators = with_xnnpack(info.inside.operators, delegation)
    return _Seen(file, file_sha256(Path(file)), info, delegation, operators)


def _for_machines(seen: _Seen) -> dict[str, Any]:
    info, contents = seen.info, seen.info.contents
    return {
        "file": seen.file,
        "sha256": seen.sha256,
        "size_bytes": info.size_bytes,
        "operators": {tally.name: tally.count for tally in seen.operators},
        "operator_details": [tally.model_dump(mode="json") for tally in seen.operators],
        **info.inside.model_dump(mode="json", exclude={"operators"}),
        "weights": [asdict(kind) for kind in contents.weights],
        "inputs": [tensor.model_dump(mode="json") for tensor in info.inputs],
        "outputs": [tensor.model_dump(mode="json") for tensor in info.outputs],
        "open_inputs": list(info.open_inputs),
        "signatures": [one.name for one in info.signatures],
        "graphs": {"called": contents.called, "aside": contents.aside},
        "xnnpack": asdict(seen.delegation),
    }


def _page(seen: _Seen) -> Iterator[str]:
    info = seen.info
    size = format_quantity(info.size_bytes, "B")
    compressed = info.inside.compressed_bytes
    yield f"{seen.file}: {size}" + (
        f", {format_quantity(compressed, 'B')} compressed" if compressed is not None else ""
    )
    yield f"sha256  {seen.sha256}"
    yield ""
    yield from _tensor_lines("input", info.inputs)
    yield from _tensor_lines("output", info.outputs)
    yield ""
    yield from _table(seen)
    yield ""
    yield from _figures(seen)


def _tensor_lines(label: str, tensors: Sequence[TensorInfo]) -> Iterator[str]:
    for tensor in tensors:
        shape = "x".join(map(str, tensor.shape)) or "one number"
        scale = f", scale {tensor.scale:.6g}, zero point {tensor.zero_point}" if tensor.scale else ""
        told = f"{shape} {tensor.dtype}{scale}"
        yield f"{label:7} {told}  {_short(tensor.name, _WIDTH - len(told) - 10)}".rstrip()


def _table(seen: _Seen) -> Iterator[str]:
    inside, taken = seen.info.inside, seen.delegation.taken
    yield f"{'operator':{_NAME_WIDTH}} {'count':>6} {'MACs':>17} {'share':>7} {'XNNPACK':>9}"
    for tally in seen.operators:
        share = f"{tally.macs / inside.macs:.1%}" if tally.macs else ""
        yield _row(tally.name, tally.count, f"{tally.macs:,}" if tally.macs else "", share, tally.xnnpack)
    count = sum(tally.count for tally in seen.operators)
    yield _row("all", count, f"{inside.macs:,}", "", sum(taken.values()) if taken is not None else None)


def _row(name: str, count: int, macs: str, share: str, taken: int | None) -> str:
    xnnpack = "?" if taken is None else str(taken)
    return f"{_short(name, _NAME_WIDTH):{_NAME_WIDTH}} {count:>6,} {macs:>17} {share:>7} {xnnpack:>9}"


def _figures(seen: _Seen) -> Iterator[str]:
    inside, contents, delegation = seen.info.inside, seen.info.contents, seen.delegation
    yield _line("parameters", f"{inside.parameters:,} in {format_quantity(inside.weight_bytes, 'B')}")
    for kind in contents.weights:
        yield _line("", _kind(kind))
    if inside.zero_share is not None:
        yield _line("zeros", f"{inside.zero_share:.1%} of the weights of convolutions and dense layers")
    yield _line("activations", f"{format_quantity(inside.activation_bytes, 'B')} at one time, at least")
    yield _line("XNNPACK", _delegation_text(delegation))
    for name in inside.custom_operators:
        yield _line("custom", f"{_short(name, _NAME_WIDTH)}: {_resolution(name, delegation)}; its work is not counted")
    if seen.info.open_inputs:
        names = ", ".join(_short(name, _NAME_WIDTH) for name in seen.info.open_inputs)
        yield _line("open sizes", _short(f"counted as 1, of input {names}", _WIDTH - 13))
    if contents.called:
        yield _line("graphs", f"{contents.called} more that operators call are counted, each once;")
        yield _line("", "XNNPACK is told of the first graph")
    if contents.aside:
        yield _line("graphs", f"{contents.aside} more belong to other signatures and are not counted")
    if len(seen.info.signatures) > 1:
        names = ", ".join(f"{one.name} (counted)" if one.graph == 0 else one.name for one in seen.info.signatures)
        yield _line("signatures", _short(names, _WIDTH - 13))
        yield _line("", "measured is the counted one, or the one that --signature names")


def _resolution(name: str, delegation: Delegation) -> str:
    """Whether LiteRT on this host has a custom operator, as far as it was asked."""
    if name in delegation.unresolved:
        return "LiteRT has it not"
    return "not known whether LiteRT has it" if delegation.taken is None else "LiteRT has it"


def _kind(kind: WeightKind) -> str:
    how = {"no": "", "tensor": ", a scale a tensor", "channel": ", a scale a channel", "block": ", a scale a block"}
    sparse = ", sparse" if kind.sparse else ""
    size = format_quantity(kind.size_bytes, "B")
    tensors = "tensor" if kind.tensors == 1 else "tensors"
    return f"{kind.tensors} {kind.dtype} {tensors}{how[kind.quantised]}{sparse}: {kind.elements:,} in {size}"


def _delegation_text(delegation: Delegation) -> str:
    if delegation.taken is None:
        return _short(f"not known: {delegation.reason}", _WIDTH - 13)
    taken, parts = sum(delegation.taken.values()), "part" if delegation.parts == 1 else "parts"
    return f"takes {taken} in {delegation.parts} {parts}, says {delegation.told_by}"


def _line(label: str, text: str) -> str:
    return f"{label:12} {text}"


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 3)] + "..."
