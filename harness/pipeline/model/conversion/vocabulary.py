"""In the worker: how large the indices may be that a Keras model looks up in its tables."""

from typing import Any, Final

from harness.pipeline.model.training.keras_graph import graph_of, passes_on, users_of

# Keras is not typed: its models and tensors are Any here.
Keras = Any

_TAKING_PARTS: Final = frozenset({"GetItem", "Slice", "Split", "Squeeze", "ExpandDims", "Concatenate", "Stack"})
"""Operations that give some of the numbers they are given."""


def vocabularies(model: Keras) -> dict[str, int]:
    """For each input that an Embedding takes, by name: how many entries the smallest such table has."""
    graph = graph_of(model)
    if graph is None:
        return {}
    sizes = {tensor.name: _smallest(graph, tensor) for tensor in graph.inputs}
    return {name: size for name, size in sizes.items() if size is not None}


def _smallest(graph: Keras, tensor: Keras) -> int | None:
    found: list[int] = []
    for node in users_of(graph, tensor):
        operation = node.operation
        inner = graph_of(operation)
        if inner is not None:
            at = next(index for index, one in enumerate(node.input_tensors) if one is tensor)
            further = [_smallest(inner, inner.inputs[at])]
        elif type(operation).__name__ == "Embedding":
            further = [int(operation.input_dim)]
        elif passes_on(operation) or type(operation).__name__ in _TAKING_PARTS:
            further = [_smallest(graph, one) for one in node.output_tensors if one is not tensor]
        else:
            further = []
        found += [one for one in further if one is not None]
    return min(found, default=None)
