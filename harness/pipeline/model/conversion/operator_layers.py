"""Which layers the operators of a converted model come from, for messages that name both."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from harness.pipeline.check.inspection.flatbuffer import Table, root
from harness.pipeline.check.inspection.graph import NAME_LIMIT, Graph, Operator, read_graphs
from harness.pipeline.check.verification.layer_names import layer_names

_BETWEEN_TYPES: Final = frozenset({"QUANTIZE", "DEQUANTIZE"})
_FLOATS: Final = frozenset({"float16", "float32", "float64"})
_LONGEST_NAME: Final = 16 * NAME_LIMIT
"""A tensor is named after all operations that were fused into it."""
_MOST_SHOWN: Final = 3


def operators_in_floats(content: bytes) -> str:
    """The operators of a model that compute floats, each with its layer, as text; "" where there are none."""
    return _told(
        content, lambda graph, operator: any(graph.tensors[made].dtype in _FLOATS for made in operator.outputs)
    )


def operators_named(content: bytes, names: Collection[str]) -> str:
    """The operators of a model that have one of these names, each with its layer, as text."""
    return _told(content, lambda _graph, operator: operator.name in names)


def _told(content: bytes, chosen: Callable[[Graph, Operator], bool]) -> str:
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
