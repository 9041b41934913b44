"""Multiply-accumulates of one operator, for the shapes that stand in the file.

The convention is that of the MLPerf Tiny figures: convolutions, dense layers, matrix products and recurrent layers
count, every product of a weight and an activation once, padded places included; biases, pooling, activation functions
and element-wise operators do not. Layouts of weights: schema.fbs and the reference kernels of TensorFlow Lite.
"""

import math
from collections.abc import Callable
from typing import Final

from harness.pipeline.check.inspection.graph import Graph, Operator, Tensor

_SEQUENCE_WEIGHTS: Final = {
    "LSTM": range(1, 9),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": range(1, 9),
    "RNN": range(1, 3),
    "UNIDIRECTIONAL_SEQUENCE_RNN": range(1, 3),
}
"""Recurrent operators and which of their inputs are the matrices of input and of state."""
_LSTM_PROJECTION = 16
_SINGLE_STEP = ("LSTM", "RNN")


def operator_macs(graph: Graph, operator: Operator) -> int:
    """How many an operator does; 0 for kinds that do not count, and for custom operators, whose work is unknown."""
    if operator.custom:
        return 0
    if operator.name in _SEQUENCE_WEIGHTS:
        return _recurrent(graph, operator)
    count = _COUNTS.get(operator.name)
    return count(graph, operator) if count is not None else 0


def _convolution(graph: Graph, operator: Operator) -> int:
    """Each output needs one filter; CONV_2D (out, height, width, in), where in is that of one group."""
    return _output_elements(graph, operator) * math.prod(_filter(graph, operator, axes=4)[1:])


def _depthwise(graph: Graph, operator: Operator) -> int:
    """Each output needs one channel of the filter (1, height, width, channels)."""
    return _output_elements(graph, operator) * math.prod(_filter(graph, operator, axes=4)[1:3])


def _dense(graph: Graph, operator: Operator) -> int:
    """Each output needs one row of the weights (units, inputs)."""
    return _output_elements(graph, operator) * math.prod(_shape(graph.operand(operator, 1))[-1:])


def _transposed_convolution(graph: Graph, operator: Operator) -> int:
    """Each input is spread by the filter; TRANSPOSE_CONV (out, height, width, in)."""
    return _elements(graph.operand(operator, 2)) * math.prod(_filter(graph, operator, axes=4)[:3])


def _volume(graph: Graph, operator: Operator) -> int:
    """CONV_3D (depth, height, width, in, out)."""
    return _output_elements(graph, operator) * math.prod(_filter(graph, operator, axes=5)[:4])


def _transposed_volume(graph: Graph, operator: Operator) -> int:
    """CONV_3D_TRANSPOSE (depth, height, width, out, in)."""
    return _elements(graph.operand(operator, 2)) * math.prod(_filter(graph, operator, axes=5)[:4])


def _matrix_product(graph: Graph, operator: Operator) -> int:
    """Each output needs a row of the first and a column of the second matrix."""
    rows = _shape(graph.operand(operator, 0))[-2:]
    if len(rows) < 2:
        return 0
    return _output_elements(graph, operator) * rows[0 if operator.first_transposed else 1]


def _svdf(graph: Graph, operator: Operator) -> int:
    """SVDF: each filter (1: units x rank, inputs) once, then its memory over time (2: units x rank, times)."""
    batch = math.prod(_shape(graph.operand(operator, 0))[:1])
    return batch * sum(_elements(graph.operand(operator, index)) for index in (1, 2))


def _recurrent(graph: Graph, operator: Operator) -> int:
    """Every weight once for each step of each sequence."""
    steps = _shape(graph.operand(operator, 0))
    times = math.prod(steps[:1] if operator.name in _SINGLE_STEP else steps[:2])
    matrices = [*_SEQUENCE_WEIGHTS[operator.name], *([_LSTM_PROJECTION] if "LSTM" in operator.name else [])]
    return times * sum(_elements(graph.operand(operator, index)) for index in matrices)


def _filter(graph: Graph, operator: Operator, *, axes: int) -> tuple[int, ...]:
    """The sizes of the weights; all 0 where they have not so many axes, since such an operator cannot run."""
    shape = _shape(graph.operand(operator, 1))
    return shape if len(shape) == axes else (0,) * axes


def _output_elements(graph: Graph, operator: Operator) -> int:
    number = operator.outputs[0] if operator.outputs else -1
    return graph.tensors[number].elements if number >= 0 else 0


def _elements(tensor: Tensor | None) -> int:
    return tensor.elements if tensor is not None else 0


def _shape(tensor: Tensor | None) -> tuple[int, ...]:
    """The sizes, an unknown one as 1; of a tensor that is left out or has no axes: one of size 0."""
    if tensor is None or not tensor.shape:
        return (0,)
    return tuple(size if size >= 0 else 1 for size in tensor.shape)


_COUNTS: Final[dict[str, Callable[[Graph, Operator], int]]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed_convolution,
    "CONV_3D": _volume,
    "CONV_3D_TRANSPOSE": _transposed_volume,
    "BATCH_MATMUL": _matrix_product,
    "SVDF": _svdf,
}
