"""Data of the user's own is checked before it is used: each fault is one line that says where it is."""

from typing import Any, Final

import numpy as np

from harness.pipeline.model.data.own_parts import OwnParts
from harness.pipeline.model.data.several_labels import several_labels
from harness.pipeline.model.data.splitting import fingerprints
from harness.pipeline.model.data.wanted import Wanted
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]

_NUMBERS: Final = "fiub"
"""numpy's kinds of what becomes float32."""
_SHOWN: Final = 3


def check_inputs(parts: OwnParts) -> None:
    """Samples are numbers, finite, of one shape and type in all parts, and there are some. Raises BuildError."""
    for name, part in parts.inputs().items():
        where = f"{parts.path}: its {name} part"
        if part.ndim < 2:
            raise BuildError(f"{where} has shape {part.shape}, where samples on the first axis were expected")
        if part.size == 0:
            raise BuildError(f"{where} is empty: its shape is {part.shape}")
        if part.dtype.kind not in _NUMBERS:
            raise BuildError(f"{where} is {part.dtype}, where plain numbers were expected")
        _check_finite(part, where)
    for name, part in parts.inputs().items():
        if part.shape[1:] != parts.test.shape[1:] or part.dtype != parts.test.dtype:
            raise BuildError(
                f"{parts.path}: its {name} part has {part.dtype} samples of shape {part.shape[1:]}, "
                f"its test part {parts.test.dtype} of {parts.test.shape[1:]}: bring them to one"
            )


def _check_finite(part: Array, where: str) -> None:
    with np.errstate(over="ignore"):
        finite = np.isfinite(part.astype(np.float32)) if part.dtype.kind == "f" else np.True_
    if not np.all(finite):
        broken = int((~finite.reshape(len(part), -1)).any(axis=1).argmax())
        raise BuildError(f"{where} holds NaN, or numbers beyond float32, in sample {broken}")


def checked_labels(parts: OwnParts, wanted: Wanted) -> tuple[Array | None, Array]:
    """Train and test labels as int64 of shape (n,), or (n, labels) where samples have several. Raises BuildError.

    Classes are counted from 0. For score auc test labels are 0 (normal) or 1, and all training samples are normal.
    """
    if parts.test_labels.ndim == 2 and parts.test_labels.shape[1] > 1 and wanted.score == "top1":
        return None, several_labels(parts.test_labels, f"{parts.path}: test_y")
    test = _whole(parts.test_labels, len(parts.test), f"{parts.path}: test_y")
    train = None
    if parts.train is not None and parts.train_labels is not None:
        train = _whole(parts.train_labels, len(parts.train), f"{parts.path}: train_y")
    if wanted.score == "auc":
        _check_anomalies(parts, train, test)
        return None, test
    if parts.train is not None and train is None:
        raise BuildError(f"{parts.path} has train_x without train_y: give each training sample's class")
    if train is not None:
        _check_classes(parts, train, test, wanted.classes)
    return train, test


def _whole(labels: Array, count: int, where: str) -> Array:
    labels = labels.reshape(-1) if labels.shape == (count, 1) else labels
    if labels.shape != (count,):
        hint = ": give each sample's class index" if labels.ndim > 1 else ""
        raise BuildError(f"{where} has shape {labels.shape}, where ({count},) was expected{hint}")
    if labels.dtype.kind not in _NUMBERS or not np.isfinite(labels).all() or (labels % 1 != 0).any():
        raise BuildError(f"{where} is {labels.dtype}, where whole numbers were expected")
    if labels.min() < 0:
        raise BuildError(f"{where} holds {labels.min()}, where classes from 0 were expected")
    return labels.astype(np.int64)


def _check_anomalies(parts: OwnParts, train: Array | None, test: Array) -> None:
    if set(test.tolist()) != {0, 1}:
        found = ", ".join(map(str, sorted(set(test.tolist()))[:_SHOWN]))
        raise BuildError(
            f"{parts.path}: test_y holds {found}, where 0 (normal) and 1 (anomalous), some of each, were expected"
        )
    if train is not None and train.any():
        raise BuildError(
            f"{parts.path}: train_y is not all 0: a model that finds anomalies is trained on normal samples"
        )


def _check_classes(parts: OwnParts, train: Array, test: Array, wanted: int | None) -> None:
    """Test classes occur in training; class indices leave no gaps, unless the model has so many classes anyhow."""
    classes = set(train.tolist())
    unknown = sorted(set(test.tolist()) - classes)
    if unknown:
        shown = ", ".join(map(str, unknown[:_SHOWN]))
        raise BuildError(f"{parts.path}: test_y holds {shown}, which no training sample has")
    if len(classes) < 2:
        raise BuildError(f"{parts.path}: train_y has one class only, where two or more were expected")
    highest = max(classes)
    if highest >= max(len(classes), wanted or 0):
        missing = next(index for index in range(highest) if index not in classes)
        raise BuildError(
            f"{parts.path}: train_y goes up to {highest} and never holds {missing}: number its {len(classes)} classes "
            f"0 to {len(classes) - 1}"
        )


def check_overlaps(parts: OwnParts) -> None:
    """No sample of one part stands in another. Raises BuildError that says the first and how many."""
    hashes = {name: fingerprints(part).tolist() for name, part in parts.inputs().items()}
    names = list(hashes)
    for at, first in enumerate(names):
        where = {mark: index for index, mark in reversed(list(enumerate(hashes[first])))}
        for second in names[at + 1 :]:
            shared = [index for index, mark in enumerate(hashes[second]) if mark in where]
            if shared:
                twin = where[hashes[second][shared[0]]]
                raise BuildError(
                    f"{parts.path}: {first} sample {twin} is {second} sample {shared[0]} too, one of {len(shared)} "
                    "in both parts: take them out of one"
                )
