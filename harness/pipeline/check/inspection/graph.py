"""A model file's graphs as plain records: tensors, operators in the order they run, and who calls whom."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from harness.pipeline.check.inspection.flatbuffer import DamagedError, Table, Vector
from harness.pipeline.check.inspection.schema_names import CUSTOM, operator_name, type_and_bits

NAME_LIMIT: Final = 128
_MOST_OPERANDS = 4096
_MOST_TENSOR_BYTES = 2**50
"""A petabyte: a shape beyond it is damage."""
_UNPACKING = ("DEQUANTIZE", "DENSIFY")
_BLOCKWISE = 2
"""QuantizationDetails.BlockwiseQuantization."""
_CALLS: Final = {
    "IF": (4, (0, 1)),
    "WHILE": (4, (0, 1)),
    "CALL": (4, (0,)),
    "CALL_ONCE": (4, (0,)),
    "STABLEHLO_WHILE": (12, (0, 1)),
    "STABLEHLO_COMPOSITE": (12, (1,)),
}
"""Operators that run other graphs: the field of their options, and in it the fields with the graphs' numbers."""


@dataclass(frozen=True)
class Tensor:
    """A tensor; ``data`` is where its constant bytes lie in the file, None for one that is computed."""

    shape: tuple[int, ...]
    dtype: str
    bits: int
    data: Vector | None
    scales: int
    """0: not quantised, 1: as a whole, more: one for each channel."""
    zero_point: int
    blockwise: bool
    sparse: bool
    variable: bool

    @property
    def elements(self) -> int:
        """Of the file's own shape; an unknown size counts as 1."""
        return math.prod(size if size >= 0 else 1 for size in self.shape)

    @property
    def size_bytes(self) -> int:
        """The tensor at its own size, elements packed where they are narrower than a byte."""
        return -(-self.elements * self.bits // 8)


@dataclass(frozen=True)
class Operator:
    """One operator; inputs that are left out are -1."""

    name: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[int, ...] = ()
    """Numbers of the graphs it runs."""
    first_transposed: bool = False
    """Of BATCH_MATMUL: adj_x."""
    axis: int = 0
    """Of GATHER: the axis of the table that is looked into."""


@dataclass(frozen=True)
class Graph:
    """One subgraph of the file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @cached_property
    def makers(self) -> dict[int, Operator]:
        """The operator that computes a tensor, by the tensor's number."""
        return {output: operator for operator in self.operators for output in operator.outputs}

    def operand(self, operator: Operator, index: int) -> Tensor | None:
        """An operator's input, or None where it is left out."""
        number = operator.inputs[index] if index < len(operator.inputs) else -1
        return self.tensors[number] if number >= 0 else None

    def constant(self, number: int) -> int | None:
        """The stored tensor that a tensor's values come from, or None where they are computed from inputs.

        Half floats and sparse weights are unpacked by operators of their own; those are looked through.
        """
        for _ in range(4):
            if number < 0:
                return None
            if self.tensors[number].data is not None:
                return number
            maker = self.makers.get(number)
            if maker is None or maker.custom or maker.name not in _UNPACKING or not maker.inputs:
                return None
            number = maker.inputs[0]
        return None


def read_graphs(model: Table) -> tuple[Graph, ...]:
    """All graphs of a model. Raises DamagedError where they lead out of the file or contradict themselves."""
    codes = [_code(code) for code in model.tables(1)]
    buffers = [_data(buffer) for buffer in model.tables(4)]
    graphs = tuple(_graph(table, codes, buffers) for table in model.tables(2))
    for graph in graphs:
        for operator in graph.operators:
            _check(operator.calls, len(graphs), "graph")
    return graphs


def reachable_graphs(graphs: tuple[Graph, ...], first: int) -> tuple[int, ...]:
    """The numbers of a graph and of all that an inference of it may run, each once; callers stand before the called."""
    done: dict[int, None] = {}
    begun, waiting = {first}, [(first, _calls_of(graphs[first]))]
    while waiting:
        calls = waiting[-1][1]
        call = next((call for call in calls if call not in begun), None)
        if call is None:
            done[waiting.pop()[0]] = None
        else:
            begun.add(call)
            waiting.append((call, _calls_of(graphs[call])))
    return tuple(reversed(done))


def _calls_of(graph: Graph) -> Iterator[int]:
    return (call for operator in graph.operators for call in operator.calls)


def _graph(table: Table, codes: list[tuple[str, bool]], buffers: list[Vector]) -> Graph:
    tensors = tuple(_tensor(tensor, buffers) for tensor in table.tables(0))
    inputs, outputs = (table.whole_numbers(field, limit=_MOST_OPERANDS) for field in (1, 2))
    for numbers in (inputs, outputs):
        _check(numbers, len(tensors), "tensor")
    return Graph(tensors, tuple(_operators(table, codes, len(tensors))), inputs, outputs)


def _operators(table: Table, codes: list[tuple[str, bool]], tensors: int) -> Iterator[Operator]:
    for operator in table.tables(3):
        code = operator.scalar(0, "I")
        _check((code,), len(codes), "operator code")
        name, custom = codes[code]
        inputs, outputs = (operator.whole_numbers(field, limit=_MOST_OPERANDS) for field in (1, 2))
        for numbers in (inputs, outputs):
            _check([number for number in numbers if number != -1], tensors, "tensor")
        transposed = name == "BATCH_MATMUL" and (options := operator.table(4)) is not None and options.scalar(0, "?")
        options = operator.table(4) if name == "GATHER" else None
        axis = int(options.scalar(0, "i")) if options is not None else 0
        yield Operator(name, custom, inputs, outputs, tuple(_calls(name, operator)), bool(transposed), axis)


def _calls(name: str, operator: Table) -> Iterator[int]:
    field, numbers = _CALLS.get(name, (0, ()))
    options = operator.table(field) if numbers else None
    if options is not None:
        yield from (options.scalar(number, "i") for number in numbers)


def _code(code: Table) -> tuple[str, bool]:
    """An operator's name, and whether it is a custom one; older files have its number in a field of one byte."""
    number = max(code.scalar(0, "b"), code.scalar(3, "i"))
    if number == CUSTOM:
        return code.text(1, limit=NAME_LIMIT) or "unnamed", True
    return operator_name(number), False


def _data(buffer: Table) -> Vector:
    """A buffer's bytes, whether inside the FlatBuffer or appended to it."""
    offset, length = buffer.scalar(1, "Q"), buffer.scalar(2, "Q")
    if offset <= 1:
        return buffer.vector(0, element_bytes=1)
    if offset + length > len(buffer.buffer):
        raise DamagedError(f"lead to data up to byte {offset + length:,}")
    return Vector(offset, length)


def _tensor(table: Table, buffers: list[Vector]) -> Tensor:
    number = table.scalar(2, "I")
    data = buffers[number] if number < len(buffers) else Vector(0, 0)
    dtype, bits = type_and_bits(table.scalar(1, "b"))
    scales, zero_point, blockwise = _quantization(table.table(4))
    tensor = Tensor(
        shape=table.whole_numbers(0),
        dtype=dtype,
        bits=bits,
        data=data if data.length or table.scalar(10, "I") else None,
        scales=scales,
        zero_point=zero_point,
        blockwise=blockwise,
        sparse=table.table(6) is not None,
        variable=bool(table.scalar(5, "?")),
    )
    if tensor.size_bytes > _MOST_TENSOR_BYTES or tensor.elements > _MOST_TENSOR_BYTES:
        raise DamagedError(f"describe a tensor of {tensor.elements:.1e} elements")
    return tensor


def _quantization(parameters: Table | None) -> tuple[int, int, bool]:
    if parameters is None:
        return 0, 0, False
    zero_points = parameters.numbers(3, "q", limit=1)
    scales = parameters.vector(2, element_bytes=4).length
    return scales, int(zero_points[0]) if zero_points else 0, parameters.scalar(4, "B") == _BLOCKWISE


def _check(numbers: tuple[int, ...] | list[int], count: int, what: str) -> None:
    for number in numbers:
        if not 0 <= number < count:
            raise DamagedError(f"name {what} {number} of {count}")
