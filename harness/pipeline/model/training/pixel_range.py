"""In the worker: whether a Keras model scales pixels itself, told from the layers that its input meets first."""

from typing import Any, Final

import numpy as np

from harness.pipeline.model.data.wanted import Pixels
from harness.pipeline.model.training.keras_graph import calls_of, graph_of, passes_on, users_of

# Keras is not typed: its models, layers and tensors are Any here.
Keras = Any

_BYTES: Final = 255.0
_SCALED_AT_MOST: Final = 16.0
"""A model that takes bytes brings them to numbers of a few units: by 1/255, by 1/127.5, or by their spread."""
_PLAIN_AT_LEAST: Final = 128.0
"""One that takes numbers from 0 to 1 would make hundreds of bytes."""
_ARITHMETIC: Final = ("Add", "Subtract", "Multiply", "TrueDivide", "Divide")


def pixel_range(model: Keras) -> Pixels:
    """What a picture's pixels should be for a model with one input: see ``Pixels``."""
    graph = graph_of(model)
    if graph is None:
        return "untold"
    gain, scales = _gain(graph)
    largest = _BYTES * gain
    if not scales or _SCALED_AT_MOST < largest < _PLAIN_AT_LEAST:
        return "untold"
    return "bytes" if largest <= _SCALED_AT_MOST else "scaled"


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
