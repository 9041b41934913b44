"""Model files of a few hundred bytes, written with LiteRT's own schema: no TensorFlow, no sample files."""

from collections.abc import Sequence
from pathlib import Path

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

FLOAT32, INT32, INT8, BOOL, STRING = 0, 2, 9, 6, 5


def add_model(
    shape: Sequence[int] = (1, 4), *, dtype: int = FLOAT32, inputs: int = 2, name: str = "x", scale: float = 0.0
) -> bytes:
    """A model whose output is its two inputs' sum, or twice its one input."""
    tensors = [_tensor(f"{name}{index}", shape, dtype, scale) for index in range(inputs)]
    tensors.append(_tensor("sum", shape, dtype, scale))
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0, inputs - 1], [inputs]
    operator.builtinOptionsType = schema.BuiltinOptions.AddOptions
    operator.builtinOptions = schema.AddOptionsT()
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = tensors, [operator]
    graph.inputs, graph.outputs = list(range(inputs)), [inputs]
    return _pack([graph], _code(builtin=0))


def custom_model(name: str) -> bytes:
    """A model with one custom operator."""
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0], [1]
    graph = schema.SubGraphT()
    graph.tensors = [_tensor("x", (1,), FLOAT32, 0.0), _tensor("y", (1,), FLOAT32, 0.0)]
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [1]
    return _pack([graph], _code(builtin=32, custom=name))


def empty_model() -> bytes:
    """A model without a subgraph."""
    return _pack([], _code(builtin=0))


def write(path: Path, content: bytes) -> Path:
    """The path, with the content in it."""
    path.write_bytes(content)
    return path


def _tensor(name: str, shape: Sequence[int], dtype: int, scale: float) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), dtype, 0
    if scale:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [3]
    return tensor


def _code(*, builtin: int, custom: str | None = None) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.customCode, code.version = custom, 1
    return code


def _pack(subgraphs: list[schema.SubGraphT], code: schema.OperatorCodeT) -> bytes:
    model = schema.ModelT()
    model.version, model.subgraphs, model.operatorCodes = 3, subgraphs, [code]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
