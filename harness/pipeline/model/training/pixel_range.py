"""What range of pixels a model takes, told from what its input meets first: layers of Keras, or operators of a file."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.pipeline.check.inspection.flatbuffer import root
from harness.pipeline.check.inspection.graph import Graph, Operator, read_graphs
from harness.pipeline.model.dataset import Pixels
from harness.pipeline.model.training.keras_graph import calls_of, graph_of, passes_on, users_of
from harness.records.artifact import TensorInfo

# Keras is not typed: its models, layers and tensors are Any here.
Keras = Any
_BYTES: Final = 255.0
_SCALED_AT_MOST: Final = 16.0
"""A model that takes bytes brings them to numbers of a few units: by 1/255, by 1/127.5, or by their spread."""
_PLAIN_AT_LEAST: Final = 128.0
"""One that takes numbers from 0 to 1 would make hundreds of bytes."""
_ARITHMETIC: Final = ("Add", "Subtract", "Multiply", "TrueDivide", "Divide")
_PASSING: Final = ("RESHAPE", "CAST", "ADD", "SUB", "QUANTIZE", "DEQUANTIZE")
_NEAR: Final = 0.1
_FLOAT_BYTES: Final = 4


def pixel_range_of_model(model: Keras) -> Pixels:
    """What a picture's pixels should be for a model with one input: see ``Pixels``."""
    graph = graph_of(model)
    if graph is None:
        return "untold"
    gain, scales = _gain(graph)
    return _range_of(gain if scales else None)


def pixel_range_of_file(path: Path, first: TensorInfo) -> Pixels:
    """See ``Pixels``; ``first`` is the file's first input. A file that inspection took is read again."""
    if first.scale:
        return _of_quantised(first)
    content = memoryview(path.read_bytes())
    return _range_of(_gain_in_file(read_graphs(root(content))[0], content))


def _range_of(gain: float | None) -> Pixels:
    """The range for a model that multiplies pixels so; None: by nothing that is known."""
    if gain is None or _SCALED_AT_MOST < _BYTES * gain < _PLAIN_AT_LEAST:
        return "untold"
    return "bytes" if _BYTES * gain <= _SCALED_AT_MOST else "scaled"


def _gain(model: Keras) -> tuple[float, bool]:
    """By how much the first layers multiply a pixel, as far as that can be followed, and whether any scales."""
    tensor, gain, scales = model.inputs[0], 1.0, False
    while True:
        users = users_of(model, tensor)
        if len(users) != 1 or len(users[0].output_tensors) != 1:
            return gain, scales
        (node,) = users
        inner = graph_of(node.operation)
        if inner is not None:
            factor, inner_scales = _gain(inner)
            gain, scales = gain * factor, scales or inner_scales
            if not _only_scales(inner):
                return gain, scales
        else:
            found = _factor(node)
            if found is None:
                return gain, scales
            gain, scales = gain * found, scales or found != 1.0
        tensor = node.output_tensors[0]


def _only_scales(model: Keras) -> bool:
    """Whether a model inside a model does nothing but scale or pass on."""
    return all(graph_of(node.operation) is not None or _factor(node) is not None for node in calls_of(model))


def _factor(node: Keras) -> float | None:
    """By how much one layer or operation multiplies what it is given; None for one that does more."""
    import keras

    operation = node.operation
    kind = type(operation).__name__
    if passes_on(operation):
        return 1.0
    if kind == "Rescaling":
        return _mean(operation.scale)
    if kind == "Normalization":
        return _mean(1 / np.sqrt(_values(operation.variance) + keras.config.epsilon()))
    if kind == "BatchNormalization":
        gamma = 1.0 if operation.gamma is None else _values(operation.gamma)
        return _mean(gamma / np.sqrt(_values(operation.moving_variance) + operation.epsilon))
    if kind in _ARITHMETIC and not isinstance(operation, keras.layers.Layer):
        return _arithmetic(kind, node)
    return None


def _arithmetic(kind: str, node: Keras) -> float | None:
    """An operation with a constant: only factors count."""
    import keras

    constants = [one for one in node.arguments.args if not keras.src.backend.is_keras_tensor(one)]
    if len(constants) != 1:
        return None
    if kind in ("Add", "Subtract"):
        return 1.0
    value = _mean(_values(constants[0]))
    return value if kind == "Multiply" else 1 / value if value else None


def _values(tensor: Keras) -> "np.ndarray[Any, np.dtype[np.float64]]":
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float64)


def _mean(values: Any) -> float:  # noqa: ANN401 - a number or an array of them
    return float(np.mean(np.abs(np.asarray(values, np.float64))))


def _of_quantised(first: TensorInfo) -> Pixels:
    """A quantised input says what its integers stand for."""
    bounds = np.iinfo(first.dtype)
    low, high = ((end - first.zero_point) * first.scale for end in (bounds.min, bounds.max))
    for largest, pixels in ((1.0, "scaled"), (_BYTES, "bytes")):
        if abs(low) <= _NEAR * largest and abs(high - largest) <= _NEAR * largest:
            return "scaled" if pixels == "scaled" else "bytes"
    return "untold"


def _gain_in_file(graph: Graph, content: memoryview) -> float | None:
    """By how much the first operators multiply the input; None where none does."""
    number, gain = graph.inputs[0], 1.0
    while True:
        users = [operator for operator in graph.operators if number in operator.inputs]
        if len(users) != 1 or len(users[0].outputs) != 1:
            break
        factor = _factor_in_file(graph, users[0], number, content)
        if factor is None:
            break
        number, gain = users[0].outputs[0], gain * factor
    return None if gain == 1.0 else gain


def _factor_in_file(graph: Graph, operator: Operator, number: int, content: memoryview) -> float | None:
    if operator.name in _PASSING:
        return 1.0
    others = [graph.tensors[one] for one in operator.inputs if one != number]
    if operator.name not in ("MUL", "DIV") or len(others) != 1:
        return None
    data = others[0].data
    if data is None or others[0].dtype != "float32" or not data.length or data.length % _FLOAT_BYTES:
        return None
    value = float(np.mean(np.abs(np.frombuffer(content, np.float32, data.length // _FLOAT_BYTES, data.start))))
    return value if operator.name == "MUL" else 1 / value if value else None
