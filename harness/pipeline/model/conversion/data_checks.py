"""A data set is held against the model it goes with, before anything is converted: each misfit is one line."""

from math import prod
from typing import Any

import numpy as np

from harness.pipeline.model.conversion.exported import Exported, Port
from harness.pipeline.model.data.several_labels import several_labels
from harness.pipeline.model.dataset import Dataset
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]

_MAY_BECOME = {"f": "f", "i": "fiu", "u": "fiu", "b": "fiub"}
"""numpy's kinds of numbers, and what each may be turned into."""
_SHOWN_LABELS = 3


def fitted(values: object, port: Port, *, part: str, label: str) -> Array:
    """A part's inputs in the input's own dtype: shape (n, *sizes). Raises BuildError for what does not fit or is lost.

    Whole numbers may go into any input that can hold them, floats only into inputs of floats.
    """
    array = np.asarray(values)
    if array.ndim == 0 or array.shape[1:] != port.shape[1:]:
        sizes = ", ".join(map(str, ("n", *port.shape[1:])))
        raise BuildError(f"{label}: its {part} data has shape {array.shape}, where ({sizes}) was expected")
    if port.kind not in _MAY_BECOME.get(array.dtype.kind, ""):
        raise BuildError(f'{label}: its {part} data is {_spoken(array)}, where input "{port.name}" takes {port.dtype}')
    wanted = np.dtype(port.dtype)
    with np.errstate(over="ignore"):
        cast = array.astype(wanted)
    if wanted.kind == "f" and not np.isfinite(cast).all():
        broken = int((~np.isfinite(cast.reshape(len(cast), -1))).any(axis=1).argmax())
        raise BuildError(f"{label}: its {part} data holds NaN, or numbers beyond {wanted}, in sample {broken}")
    if wanted.kind != "f" and not np.array_equal(cast, array):
        raise BuildError(f"{label}: its {part} data goes from {array.min()} to {array.max()}, beyond {wanted}")
    return cast


def class_labels(dataset: Dataset, exported: Exported, *, n: int, label: str) -> Array:
    """The test labels as int64, one for each of ``n`` samples, or one for each output of the model, 0 or 1.

    Raises BuildError for what cannot be labels here.
    """
    labels = np.asarray(dataset.test_labels)
    if labels.ndim == 2 and dataset.score == "top1" and labels.shape == (n, _classes(exported)):
        return several_labels(labels, f"{label}: its test part's array of labels")
    if labels.shape != (n,):
        hint = ": give each sample's class index" if labels.ndim > 1 else ""
        raise BuildError(f"{label}: its {n} test inputs have labels of shape {labels.shape}, not ({n},){hint}")
    if labels.dtype.kind not in "fiub" or not np.array_equal(labels, whole := labels.astype(np.int64)):
        raise BuildError(f"{label}: its test labels are {_spoken(labels)}, where whole numbers were expected")
    if dataset.score == "auc":
        _check_anomalies(whole, label)
    elif (classes := _classes(exported)) is not None:
        _check_classes(whole, classes, label)
    return whole


def why_not_scored(dataset: Dataset, exported: Exported, labels: Array) -> str | None:
    """Why this model's outputs say nothing on the data set's labels; None where they do."""
    outputs = exported.outputs
    if len(outputs) != 1:
        return f"the model has {len(outputs)} outputs, and which of them names the class is not known"
    if dataset.score == "auc":
        rebuilt, given = outputs[0].shape, exported.inputs[0].shape
        if rebuilt != given:
            return f"the model's output has shape {rebuilt}, which is no reconstruction of its input {given}"
    elif prod(outputs[0].shape) < 2 and not np.isin(labels, (0, 1)).all():
        return "the model's output is one number, and labels beyond 0 and 1 are no two classes"
    return None


def _classes(exported: Exported) -> int | None:
    """How many classes the one output tells apart; None where it names none."""
    sizes = [prod(port.shape) for port in exported.outputs]
    return sizes[0] if len(sizes) == 1 and sizes[0] > 1 else None


def _check_classes(labels: Array, classes: int, label: str) -> None:
    beyond = sorted({int(one) for one in labels[(labels < 0) | (labels >= classes)]})
    if beyond:
        shown = ", ".join(map(str, beyond[:_SHOWN_LABELS])) + (" ..." if len(beyond) > _SHOWN_LABELS else "")
        raise BuildError(
            f"{label}: its test labels hold {shown}, where the model tells classes 0 to {classes - 1} apart"
        )


def _check_anomalies(labels: Array, label: str) -> None:
    found = sorted({int(one) for one in labels})
    if found != [0, 1]:
        shown = ", ".join(map(str, found[:_SHOWN_LABELS])) + (" ..." if len(found) > _SHOWN_LABELS else "")
        raise BuildError(
            f"{label}: its test labels hold {shown}, where 0 (normal) and 1 (anomalous), some of each, were expected"
        )


def _spoken(array: Array) -> str:
    return "no numbers" if array.dtype.kind not in "fiubc" else str(array.dtype)
