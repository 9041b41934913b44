"""Why TensorFlow's converter cannot convert a model, in one line with the layer's name.

Loops that it cannot calibrate are looked for before, since it ends in SIGSEGV; its own long messages come after.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.pipeline.model.error_text import describe_exception

_PROTO: Final = "saved_model.pb"
_LOOPS: Final = ("While", "StatelessWhile")
_LIST: Final = "TensorList"
"""How operators begin that keep a list of tensors, one for each step."""
_ENDING: Final = re.compile(r"_\d+$")
# Protocol buffers are not typed: graphs and nodes are Any here.
Proto = Any
_LACKING: Final = re.compile(r"'tf\.(?P<operator>\w+)' op is neither a custom op nor a flex op")
_NOT_IN_THIS_FORMAT: Final = re.compile(r"not yet supported for op: '(?P<operator>\w+)'")
_PLACE: Final = re.compile(r'"(?P<path>[^"\s]+/[^"\s]+)@')
_OPEN_LIST: Final = "element_shape"
_OVERFLOW: Final = "overflow"
_NO_CALIBRATION: Final = "representative_dataset"


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
                    found[_layer(node.name.split("/")[:-1] or [node.name])] = None
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


def describe_failure(error: BaseException) -> str:
    """The reason that a conversion failed: the operator and layer that TensorFlow Lite lacks, where that was it."""
    text = str(error)
    lacking = _LACKING.search(text)
    if lacking is not None:
        line = text[: lacking.start()].rsplit("\n", 1)[-1]
        place = _PLACE.search(line)
        scopes = place["path"].split("/")[:-1] if place else []
        where = f' in the layer "{_layer(scopes)}"' if scopes else ""
        return (
            f"TensorFlow Lite has no operator {lacking['operator']}, which is needed{where}: "
            "replace it by operators that it has"
        )
    if _OPEN_LIST in text:
        return (
            "a loop in it, such as a recurrent layer's, keeps tensors of an open batch: export it with a batch of one "
            "(keras.Input(batch_size=1)), or give the Keras file"
        )
    if _NO_CALIBRATION in text:
        return f"it has no calibration data, which integer recipes need: {describe_exception(error)}"
    if _OVERFLOW in text:
        return f"its activations overflow: {describe_exception(error)}: train the network and calibrate on real data"
    return f"it cannot be converted: {describe_exception(error)}"


def operators_without_format(error: BaseException) -> tuple[str, ...]:
    """The operators that the converter cannot quantise as asked, where it failed for that, each once."""
    return tuple(dict.fromkeys(_NOT_IN_THIS_FORMAT.findall(str(error))))


def _layer(scopes: Sequence[str]) -> str:
    """The layer that scopes of an operation's name lead to; a number that tracing added to every scope is taken off."""
    traced = all(_ENDING.search(scope) for scope in scopes)
    return _ENDING.sub("", scopes[-1]) if traced else scopes[-1]
