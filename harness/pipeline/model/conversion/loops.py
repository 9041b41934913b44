"""Loops that TensorFlow's converter cannot calibrate: it ends in SIGSEGV, so they are looked for before."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_PROTO: Final = "saved_model.pb"
_LOOPS: Final = ("While", "StatelessWhile")
_LIST: Final = "TensorList"
"""How operators begin that keep a list of tensors, one for each step."""
_ENDING: Final = re.compile(r"_\d+$")

# Protocol buffers are not typed: graphs and nodes are Any here.
Proto = Any


def loops_with_lists(saved_model: Path) -> tuple[str, ...]:
    """The layers of an exported model whose loop collects a tensor at each step, as LSTM, GRU and SimpleRNN do.

    A layer is named as the user named it where the graph tells; each once.
    """
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    model = SavedModel.FromString((saved_model / _PROTO).read_bytes())
    found: dict[str, None] = {}
    for meta in model.meta_graphs:
        functions = {function.signature.name: function for function in meta.graph_def.library.function}
        for function in functions.values():
            for node in function.node_def:
                if node.op in _LOOPS and any(one.op.startswith(_LIST) for one in _inner_nodes(node, functions)):
                    found[_layer(node.name)] = None
    return tuple(found)


def _inner_nodes(loop: Proto, functions: Mapping[str, Proto]) -> Iterator[Proto]:
    """Nodes of a loop's body and of what that calls."""
    waiting, seen = [loop.attr["body"].func.name], set()
    while waiting:
        name = waiting.pop()
        if name not in functions or name in seen:
            continue
        seen.add(name)
        for node in functions[name].node_def:
            yield node
            waiting += [attribute.func.name for attribute in node.attr.values() if attribute.HasField("func")]


def _layer(node: str) -> str:
    """The layer in "model/layer/while"; a number that tracing added to every scope is taken off."""
    scopes = node.split("/")[:-1] or [node]
    traced = all(_ENDING.search(scope) for scope in scopes)
    return _ENDING.sub("", scopes[-1]) if traced else scopes[-1]
