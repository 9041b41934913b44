"""Between a user's arrays and a model's tensors; the host does the same when it computes the answers to expect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, List

from edge_agent.interpreters import TensorDetails

if TYPE_CHECKING:
    from edge_agent.interfaces import Array

MOST_ANSWER_CHARACTERS = 10000
"""Of one answer as JSON text."""


class StageMisfitError(Exception):
    """What a stage gave does not fit; the message says what was expected."""


class Form:
    """What one tensor takes and gives; what stays the same from run to run is computed once, as an application would.

    Floats for a quantised input become round(x / scale) + zero point, clipped to the type's range.
    """

    def __init__(self, tensor: TensorDetails) -> None:
        import numpy as np

        self._name = tensor.name
        self._shape = tuple(tensor.shape)
        self._shapes = (self._shape, self._shape[1:]) if self._shape[:1] == (1,) else (self._shape,)
        self._dtype = np.dtype(np.object_ if tensor.dtype == "string" else tensor.dtype)
        self._quantised = self._dtype.kind in "iu" and tensor.scale > 0
        self._scale = np.float32(tensor.scale)
        self._zero_point = np.float32(tensor.zero_point)
        if self._quantised:
            bounds = np.iinfo(self._dtype)
            self._lowest, self._highest = np.float32(bounds.min), np.float32(bounds.max)

    def fitted(self, value: Array) -> Array:
        """An array of preprocess in the tensor's own shape and type; raises StageMisfitError."""
        import numpy as np

        if value.shape not in self._shapes:
            raise StageMisfitError(
                "preprocess gives shape %s, where %s was expected for %s" % (value.shape, self._shape, self._name)
            )
        value = value.reshape(self._shape)
        if value.dtype == self._dtype:
            return value
        if value.dtype.kind != "f" or not (self._quantised or self._dtype.kind == "f"):
            raise StageMisfitError(
                "preprocess gives %s, where %s was expected for %s" % (value.dtype, self._dtype, self._name)
            )
        if not self._quantised:
            return value.astype(self._dtype)
        steps = np.rint(value.astype(np.float32) / self._scale) + self._zero_point
        clipped: Array = np.minimum(np.maximum(steps, self._lowest), self._highest)
        return clipped.astype(self._dtype)

    def floats(self, value: Array) -> Array:
        """An output for postprocess: float32 where it is quantised or floating, others as they are."""
        import numpy as np

        if self._quantised:
            real: Array = (value.astype(np.float32) - self._zero_point) * self._scale
            return real
        return value.astype(np.float32) if self._dtype.kind == "f" else value


def as_inputs(given: object, forms: List[Form]) -> List[Array]:
    """What preprocess gave, one array an input or a list of them, as the model takes it; raises StageMisfitError."""
    import numpy as np

    values = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(values) != len(forms):
        raise StageMisfitError("preprocess gives %d arrays, where the model has %d inputs" % (len(values), len(forms)))
    return [form.fitted(np.asarray(value)) for value, form in zip(values, forms)]


def answer_text(answer: object) -> str:
    """An answer as JSON, numpy's numbers and arrays included; raises StageMisfitError."""
    try:
        text = json.dumps(answer, allow_nan=False, sort_keys=True, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise StageMisfitError("postprocess gives an answer that JSON cannot hold (%s)" % error) from error
    if len(text) > MOST_ANSWER_CHARACTERS:
        raise StageMisfitError(
            "postprocess gives an answer of %d characters, over %d" % (len(text), MOST_ANSWER_CHARACTERS)
        )
    return text


def _plain(value: object) -> object:
    import numpy as np

    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError("%s is no JSON value" % type(value).__name__)
