"""From the names of tensors and operators in a model file to the names of Keras layers, as the user wrote them.

The converter names a tensor after the operations it fused into it, joined by ";":
"functional_1/digits_1/relu_1/Relu;functional_1/digits_1/conv_1/convolution". TensorFlow appended "_1" to each scope
of a model that was traced twice; where every scope has such an ending and no two become one, it is taken off.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from harness.pipeline.check.inspection.flatbuffer import Table, root
from harness.pipeline.check.inspection.graph import NAME_LIMIT, Graph, Operator, read_graphs

_MAIN: Final = {
    "CONV_2D": ("convolution", "Conv2D"),
    "DEPTHWISE_CONV_2D": ("depthwise", "DepthwiseConv2D", "separable_conv2d"),
    "TRANSPOSE_CONV": ("conv2d_transpose", "conv_transpose"),
    "FULLY_CONNECTED": ("MatMul", "Tensordot"),
    "BATCH_MATMUL": ("MatMul", "BatchMatMulV2"),
}
"""The operation that names an operator of several fused ones."""
_INNER: Final = frozenset({"batchnorm", "moments", "Tensordot"})
"""Scopes inside a layer."""
_ENDING: Final = re.compile(r"_\d+$")
_NUMBER: Final = re.compile(r"\d+$")
_BETWEEN_TYPES: Final = frozenset({"QUANTIZE", "DEQUANTIZE"})
_FLOATS: Final = frozenset({"float16", "float32", "float64"})
_LONGEST_NAME: Final = 16 * NAME_LIMIT
"""A tensor is named after all operations that were fused into it."""
_MOST_SHOWN: Final = 3


def layer_names(tensors: Mapping[int, tuple[str, str]]) -> dict[int, str]:
    """The layer of each tensor (its number to its operator and name); a tensor that names none is left out."""
    paths = {number: path for number, (operator, name) in tensors.items() if (path := _path(operator, name))}
    named = {number: path[-1] for number, path in paths.items()}
    if not all(_ENDING.search(scope) for path in paths.values() for scope in path):
        return named
    shorter = {name: _ENDING.sub("", name) for name in named.values()}
    told_apart = len(set(shorter.values())) == len(shorter)
    return {number: shorter[name] for number, name in named.items()} if told_apart else named


def _path(operator: str, name: str) -> tuple[str, ...]:
    """Scopes that lead to the layer, the layer last; empty where the name holds none.

    A name may hold the operations of layers that share a constant with this one; a bias is its own.
    """
    parts = [part.split("/") for part in name.split(";") if "/" in part]
    biased = [part for part in parts if operator in _MAIN and _NUMBER.sub("", part[-1]) == "BiasAdd"]
    main = [part for part in parts if _is_main(operator, part)]
    return _scopes([*parts[:1], *main[-1:], *biased[-1:]][-1] if parts else [])


def _is_main(operator: str, part: list[str]) -> bool:
    wanted = _MAIN.get(operator, ())
    return any(_NUMBER.sub("", _ENDING.sub("", piece)) in wanted or piece in wanted for piece in part[1:])


def _scopes(part: Iterable[str]) -> tuple[str, ...]:
    """A part's scopes without the operation and what is inside a layer: operations are spelled LikeThis."""
    scopes = list(part)[:-1]
    while len(scopes) > 1 and (scopes[-1] in _INNER or scopes[-1][:1].isupper()):
        scopes.pop()
    return tuple(scopes)


def operators_in_floats(content: bytes) -> str:
    """The operators of a model that compute floats, each with its layer, as text; "" where there are none."""
    return _list_operators(
        content, lambda graph, operator: any(graph.tensors[made].dtype in _FLOATS for made in operator.outputs)
    )


def operators_named(content: bytes, names: Collection[str]) -> str:
    """The operators of a model that have one of these names, each with its layer, as text."""
    return _list_operators(content, lambda _graph, operator: operator.name in names)


def _list_operators(content: bytes, chosen: Callable[[Graph, Operator], bool]) -> str:
    model = root(memoryview(content))
    told: dict[str, None] = {}
    for table, graph in zip(model.tables(2), read_graphs(model), strict=True):
        operators = [operator for operator in graph.operators if operator.name not in _BETWEEN_TYPES]
        layers = _layers(table, operators)
        told |= dict.fromkeys(_with_layer(operator, layers) for operator in operators if chosen(graph, operator))
    more = len(told) - _MOST_SHOWN
    return ", ".join(list(told)[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _layers(table: Table, operators: Sequence[Operator]) -> dict[int, str]:
    """The layer of what each operator computes, by the tensor's number."""
    names = [tensor.text(3, limit=_LONGEST_NAME) for tensor in table.tables(0)]
    return layer_names({made: (operator.name, names[made]) for operator in operators for made in operator.outputs})


def _with_layer(operator: Operator, layers: dict[int, str]) -> str:
    layer = next((layers[made] for made in operator.outputs if made in layers), None)
    return operator.name if layer is None else f'{operator.name} (layer "{layer}")'
