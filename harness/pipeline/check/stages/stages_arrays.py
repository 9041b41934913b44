"""Between a user's arrays and a model's tensors; the agent does the same on the board (``agent/tensors.py``)."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records.artifact import TensorInfo

MOST_ANSWER_CHARACTERS = 10_000
"""Of one answer as JSON text."""

Array = NDArray[Any]


class MisfitError(Exception):
    """What a stage gave does not fit; the message says what was expected."""


def as_inputs(given: object, tensors: tuple[TensorInfo, ...]) -> list[Array]:
    """What preprocess gave, one array an input or a list of them, in the tensors' own shapes and types.

    The batch of 1 may be left out. Floats for a quantised input become round(x / scale) + zero point, clipped to the
    type's range. Raises MisfitError.
    """
    values = list(given) if isinstance(given, list | tuple) else [given]
    if len(values) != len(tensors):
        raise MisfitError(f"{len(values)} arrays, where the model has {len(tensors)} inputs")
    return [_fit_input(np.asarray(value), tensor) for value, tensor in zip(values, tensors, strict=True)]


def as_floats(outputs: list[Array], tensors: tuple[TensorInfo, ...]) -> list[Array]:
    """What postprocess gets: quantised and floating outputs as float32, others (indices, truths) as they are."""
    return [_dequantize(value, tensor) for value, tensor in zip(outputs, tensors, strict=True)]


def answer_text(answer: object) -> str:
    """An answer as JSON, numpy's numbers and arrays included. Raises MisfitError."""
    try:
        text = json.dumps(answer, allow_nan=False, sort_keys=True, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise MisfitError(
            f"an answer that JSON cannot hold ({error}): give a label, numbers, or lists of them"
        ) from error
    if len(text) > MOST_ANSWER_CHARACTERS:
        raise MisfitError(f"an answer of {len(text)} characters; at most {MOST_ANSWER_CHARACTERS} are kept: give less")
    return text


def _fit_input(value: Array, tensor: TensorInfo) -> Array:
    if tensor.shape not in (value.shape, (1, *value.shape)):
        raise MisfitError(f"an array of shape {value.shape}, where {tensor.shape} was expected for {tensor.name}")
    value = value.reshape(tensor.shape)
    if value.dtype.name == tensor.dtype:
        return value
    if value.dtype.kind == "f" and tensor.dtype.startswith("float"):
        return value.astype(tensor.dtype)
    if value.dtype.kind == "f" and tensor.scale > 0:
        return _quantize(value.astype(np.float32), tensor)
    expected = tensor.dtype + (" or float32" if tensor.scale > 0 else "")
    raise MisfitError(f"{value.dtype} values, where {expected} was expected for {tensor.name}: use astype")


def _quantize(value: Array, tensor: TensorInfo) -> Array:
    if not np.isfinite(value).all():
        raise MisfitError(f"NaN or infinite values for {tensor.name}, which is quantised")
    bounds = np.iinfo(tensor.dtype)
    scaled: Array = np.round(value / np.float32(tensor.scale)) + tensor.zero_point
    return np.clip(scaled, bounds.min, bounds.max).astype(tensor.dtype)


def _dequantize(value: Array, tensor: TensorInfo) -> Array:
    if value.dtype.kind == "f":
        return value.astype(np.float32)
    if value.dtype.kind in "iu" and tensor.scale > 0:
        scaled: Array = (value.astype(np.float32) - tensor.zero_point) * np.float32(tensor.scale)
        return scaled
    return value


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value")
