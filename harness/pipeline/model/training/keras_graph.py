"""A Keras model as the graph of calls that it is, where it is one, and the tables that its inputs are indices of."""

from typing import Any, Final

# Keras is not typed: its models, layers and calls are Any here.
Keras = Any
_PASSING: Final = frozenset(
    {"InputLayer", "Identity", "Reshape", "Permute", "Flatten", "Dropout", "ZeroPadding2D", "Cropping2D", "Cast"}
)
"""Layers and operations that leave numbers as they are..."""
_CHANGING_TRAINING: Final = (
    "keras.src.layers.preprocessing.image_preprocessing",
    "keras.src.layers.regularization",
)
"""...and modules of those that only change training samples, or sizes."""
_TAKING_PARTS: Final = frozenset({"GetItem", "Slice", "Split", "Squeeze", "ExpandDims", "Concatenate", "Stack"})
"""Operations that give some of the numbers they are given."""


def graph_of(model: Keras) -> Keras | None:
    """The graph of a model; a Sequential holds one, a model of the user's own class and a layer have none."""
    import keras

    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_nodes_by_depth") else None


def calls_of(graph: Keras) -> list[Keras]:
    """The calls that a graph is made of; a layer may have been called elsewhere too."""
    return [node for depth in graph._nodes_by_depth.values() for node in depth]


def users_of(graph: Keras, tensor: Keras) -> list[Keras]:
    """The calls that take a tensor."""
    return [node for node in calls_of(graph) if any(one is tensor for one in node.input_tensors)]


def passes_on(operation: Keras) -> bool:
    """Whether a layer or operation leaves the numbers it is given as they are."""
    return type(operation).__name__ in _PASSING or type(operation).__module__.startswith(_CHANGING_TRAINING)


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
