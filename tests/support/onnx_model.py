"""ONNX files of one dense layer, written as protobuf by hand: onnx itself is not needed for that."""

import numpy as np

_FLOAT = 1


def dense_model(weights: np.ndarray) -> bytes:
    """y = tanh(x @ weights), x of 1 x rows. Field numbers are those of onnx.proto3."""
    rows, units = weights.shape
    multiply = _text(1, "x") + _text(1, "w") + _text(2, "h") + _text(4, "MatMul")
    tanh = _text(1, "h") + _text(2, "y") + _text(4, "Tanh")
    held = _number(1, rows) + _number(1, units) + _number(2, _FLOAT) + _text(8, "w") + _bytes(9, weights.tobytes())
    ends = _bytes(11, _value("x", rows)) + _bytes(12, _value("y", units))
    graph = _bytes(1, multiply) + _bytes(1, tanh) + _text(2, "dense") + _bytes(5, held) + ends
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 13))


def _value(name: str, size: int) -> bytes:
    sizes = b"".join(_bytes(1, _number(1, each)) for each in (1, size))
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, sizes)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
