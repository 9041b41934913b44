"""Which operators of two model files are the same layer, and whether they have the same weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.check.inspection.flatbuffer import DamagedError, root
from harness.pipeline.check.inspection.graph import Graph, Operator, read_graphs
from harness.pipeline.check.verification.running import Array, Model, RefusedError

_BETWEEN_TYPES: Final = ("QUANTIZE", "DEQUANTIZE", "DENSIFY")
_FLOAT16_STEP: Final = 2.0**-10
_FLOAT16_LEAST: Final = 2.0**-24
_FLOAT32_STEP: Final = 1e-6


class UnlikeError(Exception):
    """The two files are not the same network; the message says in what they differ."""


@dataclass(frozen=True)
class Opened:
    """A model in an interpreter that keeps all tensors, with its graph and what LiteRT says of its tensors."""

    model: Model
    graph: Graph
    details: dict[int, dict[str, Any]]

    def layers(self) -> list[Operator]:
        """Operators in the order they run, without those that only change a type."""
        return [operator for operator in self.graph.operators if operator.name not in _BETWEEN_TYPES]

    def maker(self, number: int) -> int:
        """The tensor that a layer computed, or the model's input, behind operators that only change a type."""
        for _ in range(len(self.graph.operators)):
            operator = self.graph.makers.get(number)
            if operator is None or operator.name not in _BETWEEN_TYPES or not operator.inputs:
                break
            number = operator.inputs[0]
        return number


def opened(path: str) -> Opened:
    """Raises RefusedError."""
    try:
        graphs = read_graphs(root(memoryview(Path(path).read_bytes())))
    except (DamagedError, OSError) as error:
        raise RefusedError(f"its operators cannot be read: {error}") from error
    model = Model(path, every_tensor=True)
    return Opened(model, graphs[0], model.tensors())


def paired(own: Opened, reference: Opened, *, name: str) -> list[tuple[Operator, Operator]]:
    """Each layer of a model with the same layer of the reference. Raises UnlikeError."""
    ours, theirs = own.layers(), reference.layers()
    if [operator.name for operator in ours] != [operator.name for operator in theirs]:
        raise UnlikeError(f"it has other operators than {name}")
    pairs = list(zip(ours, theirs, strict=True))
    for one, other in pairs:
        if _shapes(own, one) != _shapes(reference, other):
            raise UnlikeError(f"its layers have other sizes than those of {name}")
    if not all(_same_weights(own, one, reference, other) for one, other in pairs):
        raise UnlikeError(f"its weights were trained further than those of {name}")
    return pairs


def dequantised(values: Array, detail: dict[str, Any]) -> NDArray[np.float64]:
    """Values as float64, by the tensor's own scales, one for each channel where it has several."""
    scales, zero_points, axis = _scales(detail)
    if values.dtype.kind not in "iu" or not scales.size:
        return values.astype(np.float64)
    shape = _along(axis, values.ndim) if scales.size > 1 else ()
    return (values.astype(np.float64) - zero_points.reshape(shape)) * scales.reshape(shape)


def _shapes(opened: Opened, operator: Operator) -> list[tuple[int, ...]]:
    return [opened.graph.tensors[number].shape for number in operator.outputs]


def _same_weights(own: Opened, one: Operator, reference: Opened, other: Operator) -> bool:
    """Whether constants of an operator are the reference's own, rounded: no number is further off than one step."""
    for ours, theirs in zip(one.inputs, other.inputs, strict=False):
        number, right = own.graph.constant(ours), reference.graph.constant(theirs)
        if number is None or right is None or reference.graph.tensors[right].dtype != "float32":
            continue
        if len(reference.graph.tensors[right].shape) < 2:
            continue  # biases are rounded in steps of two other scales
        values, expected = own.model.tensor(number), reference.model.tensor(right)
        if values is None or expected is None or values.shape != expected.shape:
            continue
        error = np.abs(dequantised(values, own.details[number]) - expected)
        if (error > _step(values, own.details[number], expected)).any():
            return False
    return True


def _step(values: Array, detail: dict[str, Any], expected: Array) -> NDArray[np.float64]:
    size = np.abs(expected).astype(np.float64)
    if values.dtype == np.float16:
        return size * _FLOAT16_STEP + _FLOAT16_LEAST
    scales, _, axis = _scales(detail)
    if values.dtype.kind not in "iu" or not scales.size:
        return size * _FLOAT32_STEP + _FLOAT32_STEP
    steps = scales.reshape(_along(axis, values.ndim)) if scales.size > 1 else scales
    return np.broadcast_to(steps * 1.001, values.shape)


def _scales(detail: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    told = detail["quantization_parameters"]
    scales = np.asarray(told["scales"], dtype=np.float64)
    return scales, np.asarray(told["zero_points"], dtype=np.float64), int(told["quantized_dimension"])


def _along(axis: int, dimensions: int) -> tuple[int, ...]:
    return tuple(-1 if index == axis else 1 for index in range(dimensions))
