"""What a file must be before it is quantised, and what it must have become, read without running it."""

from collections import Counter
from pathlib import Path
from typing import Final

from harness.pipeline.check.inspection.flatbuffer import DamagedError, root
from harness.pipeline.check.inspection.graph import Graph, Tensor, read_graphs
from harness.pipeline.model.conversion.operator_layers import operators_named
from harness.records.errors import BuildError, ModelFileError

_BETWEEN_TYPES: Final = frozenset({"QUANTIZE", "DEQUANTIZE"})
_CALLING: Final = frozenset({"WHILE", "IF"})
_FLOATS: Final = frozenset({"float32", "float64"})
_WHOLLY_INTEGER: Final = frozenset({"int8", "int16x8"})
_INTEGERS: Final = _WHOLLY_INTEGER | {"int8_float_io"}


def refuse_quantised(source: Path) -> None:
    """Raise BuildError for a file that holds numbers of another format than float32 already."""
    for graph in _graphs(source):
        for tensor in graph.tensors:
            if tensor.scales or (tensor.data is not None and tensor.dtype in ("float16", "bfloat16")):
                raise BuildError(
                    f"{source} is quantised already (it has {tensor.dtype} tensors): give the float32 file it was made "
                    "from, or measure it without a recipe"
                )


def refuse_loops(source: Path, number_format: str) -> None:
    """Raise BuildError for a file whose operators call other graphs, which litert-quantizer does not calibrate."""
    found = operators_named(source.read_bytes(), _CALLING)
    if found:
        raise BuildError(
            f"{source} cannot be made {number_format}: litert-quantizer does not calibrate what {found} calls: choose "
            "dynamic_int8 or float16, or give the model's source with its recurrent layers made with unroll=True"
        )


def refuse_unfinished(made: Path, source: Path, number_format: str) -> str | None:
    """A sentence on operators that int8_float_io leaves in float32, None where there are none.

    Raises BuildError where nothing was made smaller, or where another integer format leaves operators in float32.
    """
    if not has_small_weights(made):
        raise BuildError(f"{source} has no weights that {number_format} would make smaller: measure it as it is")
    left = Counter(name for graph in _graphs(made) for name in _in_floats(graph))
    if number_format not in _INTEGERS or not left:
        return None
    shown = (
        f"litert-quantizer leaves {', '.join(f'{name} ({count})' for name, count in sorted(left.items()))} in float32"
    )
    if number_format in _WHOLLY_INTEGER:
        raise BuildError(
            f"{source} cannot be made {number_format}: {shown}; "
            "choose int8_float_io, which may, or give the model's source"
        )
    return shown


def has_small_weights(made: Path) -> bool:
    """Whether a file holds any constant in int8 or float16."""
    return any(_is_small(tensor) for graph in _graphs(made) for tensor in graph.tensors)


def _graphs(path: Path) -> tuple[Graph, ...]:
    try:
        return read_graphs(root(memoryview(path.read_bytes())))
    except DamagedError as error:
        raise ModelFileError(f"{path} is damaged: its bytes {error}") from error


def _in_floats(graph: Graph) -> list[str]:
    """Operators that still compute floats."""
    return [
        operator.name
        for operator in graph.operators
        if operator.name not in _BETWEEN_TYPES
        and any(graph.tensors[output].dtype in _FLOATS for output in operator.outputs)
    ]


def _is_small(tensor: Tensor) -> bool:
    return tensor.data is not None and (tensor.dtype == "float16" or (tensor.dtype == "int8" and tensor.scales > 0))
