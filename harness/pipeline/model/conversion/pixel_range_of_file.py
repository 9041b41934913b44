"""What range of pixels a .tflite file takes, read from its input and from the operators that this meets first."""

from pathlib import Path
from typing import Final

import numpy as np

from harness.pipeline.check.inspection.flatbuffer import root
from harness.pipeline.check.inspection.graph import Graph, Operator, read_graphs
from harness.pipeline.model.data.wanted import Pixels
from harness.records.artifact import TensorInfo

_PASSING: Final = ("RESHAPE", "CAST", "ADD", "SUB", "QUANTIZE", "DEQUANTIZE")
_BYTES: Final = 255.0
_SCALED_AT_MOST: Final = 16.0
_PLAIN_AT_LEAST: Final = 128.0
_NEAR: Final = 0.1
_FLOAT_BYTES: Final = 4


def pixel_range_of_file(path: Path, first: TensorInfo) -> Pixels:
    """See ``Pixels``; ``first`` is the file's first input. A file that inspection took is read again."""
    if first.scale:
        return _of_quantised(first)
    content = memoryview(path.read_bytes())
    gain = _gain(read_graphs(root(content))[0], content)
    if gain is None or _SCALED_AT_MOST < _BYTES * gain < _PLAIN_AT_LEAST:
        return "untold"
    return "bytes" if _BYTES * gain <= _SCALED_AT_MOST else "scaled"


def _of_quantised(first: TensorInfo) -> Pixels:
    """A quantised input says what its integers stand for."""
    bounds = np.iinfo(first.dtype)
    low, high = ((end - first.zero_point) * first.scale for end in (bounds.min, bounds.max))
    for largest, pixels in ((1.0, "scaled"), (_BYTES, "bytes")):
        if abs(low) <= _NEAR * largest and abs(high - largest) <= _NEAR * largest:
            return "scaled" if pixels == "scaled" else "bytes"
    return "untold"


def _gain(graph: Graph, content: memoryview) -> float | None:
    """By how much the first operators multiply the input; None where none does."""
    number, gain = graph.inputs[0], 1.0
    while True:
        users = [operator for operator in graph.operators if number in operator.inputs]
        if len(users) != 1 or len(users[0].outputs) != 1:
            break
        factor = _factor(graph, users[0], number, content)
        if factor is None:
            break
        number, gain = users[0].outputs[0], gain * factor
    return None if gain == 1.0 else gain


def _factor(graph: Graph, operator: Operator, number: int, content: memoryview) -> float | None:
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
