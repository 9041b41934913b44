"""Between a user's arrays and a model's tensors; the host does the same when it computes the answers to expect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, List

from edge_agent.interpreters import Tensor

if TYPE_CHECKING:
    from edge_agent.interfaces import Array

MOST_ANSWER_CHARACTERS = 10000
"""Of one answer as JSON text."""


class MisfitError(Exception):
    """What a stage gave does not fit; the message says what was expected."""


def as_inputs(given: object, tensors: List[Tensor]) -> List[Array]:
    """What preprocess gave, in the tensors' own shapes and types; raises MisfitError.

    Floats for a quantised input become round(x / scale) + zero point, clipped to the type's range.
    """
    import numpy as np

    values = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(values) != len(tensors):
        raise MisfitError("preprocess gives %d arrays, where the model has %d inputs" % (len(values), len(tensors)))
    return [_fitted(np.asarray(value), tensor) for value, tensor in zip(values, tensors)]


def as_floats(outputs: List[Array], tensors: List[Tensor]) -> List[Array]:
    """What postprocess gets: quantised and floating outputs as float32, others (indices, truths) as they are."""
    return [_dequantised(value, tensor) for value, tensor in zip(outputs, tensors)]


def answer_text(answer: object) -> str:
    """An answer as JSON, numpy's numbers and arrays included; raises MisfitError."""
    try:
        text = json.dumps(answer, allow_nan=False, sort_keys=True, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise MisfitError("postprocess gives an answer that JSON cannot hold (%s)" % error) from error
    if len(text) > MOST_ANSWER_CHARACTERS:
        raise MisfitError("postprocess gives an answer of %d characters, over %d" % (len(text), MOST_ANSWER_CHARACTERS))
    return text


def _fitted(value: Array, tensor: Tensor) -> Array:
    import numpy as np

    shape = tuple(tensor.shape)
    if shape not in (value.shape, (1, *value.shape)):
        raise MisfitError("preprocess gives shape %s, where %s was expected for %s" % (value.shape, shape, tensor.name))
    value = value.reshape(shape)
    if value.dtype.name == tensor.dtype:
        return value
    if value.dtype.kind == "f" and tensor.dtype.startswith("float"):
        return value.astype(tensor.dtype)
    if value.dtype.kind != "f" or not tensor.scale:
        raise MisfitError(
            "preprocess gives %s, where %s was expected for %s" % (value.dtype, tensor.dtype, tensor.name)
        )
    bounds = np.iinfo(tensor.dtype)
    scaled = np.round(value.astype(np.float32) / np.float32(tensor.scale)) + tensor.zero_point
    fitted: Array = np.clip(scaled, bounds.min, bounds.max).astype(tensor.dtype)
    return fitted


def _dequantised(value: Array, tensor: Tensor) -> Array:
    import numpy as np

    if value.dtype.kind == "f":
        return value.astype(np.float32)
    if value.dtype.kind in "iu" and tensor.scale:
        scaled: Array = (value.astype(np.float32) - tensor.zero_point) * np.float32(tensor.scale)
        return scaled
    return value


def _plain(value: object) -> object:
    import numpy as np

    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError("%s is no JSON value" % type(value).__name__)
