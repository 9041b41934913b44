"""From tensor names in a model file to the names of Keras layers, as the user wrote them.

The converter names a tensor after the operations it fused into it, joined by ";":
"functional_1/digits_1/relu_1/Relu;functional_1/digits_1/conv_1/convolution". TensorFlow appended "_1" to each scope
of a model that was traced twice; where every scope has such an ending and no two become one, it is taken off.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

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
