"""Data of the user's own, a .npz or a folder with a subfolder for each class: read, checked, cut into parts.

Parts must not overlap. Each fault is one line that says where it is.
"""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from harness.pipeline.model.data.labels import check_anomalies, several_labels, shown_labels
from harness.pipeline.model.data.preprocessing import speech_features
from harness.pipeline.model.data.raw_samples import file_of, first_raw, pixel_notes, pixel_preprocessing, preprocess_all
from harness.pipeline.model.data.splitting import calibration_size, differ_from, fingerprints, split_indices
from harness.pipeline.model.data.user_data_files import UserDataParts
from harness.pipeline.model.data.user_data_folder import read_folder
from harness.pipeline.model.data.user_data_npz import read_npz
from harness.pipeline.model.dataset import DataRequest, Dataset
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]
_NUMBERS: Final = "fiub"
"""numpy's kinds of what becomes float32."""


def load(path: Path, wanted: DataRequest) -> Dataset:
    """The data set of a file or folder, in the shape its samples have. Raises BuildError, one line with the path."""
    try:
        parts = read_folder(path, wanted) if path.is_dir() else read_npz(path)
        return replace(assemble(parts, wanted), name=path.name)
    except MemoryError as error:
        raise BuildError(f"{path}: its samples do not fit into this machine's memory: give fewer") from error


def assemble(parts: UserDataParts, wanted: DataRequest) -> Dataset:
    """Checked, cut and preprocessed. Raises BuildError, one line with the path."""
    check_inputs(parts)
    train_labels, test_labels = check_labels(parts, wanted)
    check_overlaps(parts)
    train, calibration = parts.train, parts.calibration
    if calibration is None and train is not None:
        kept, chosen = _cut(parts, train, seed=wanted.seed)
        train, calibration = train[kept], train[chosen]
        train_labels = None if train_labels is None else train_labels[kept]
    assert calibration is not None, "one of the two was read"  # noqa: S101
    way = _preprocessing(parts, wanted)
    return Dataset(
        name=str(parts.path),
        calibration_inputs=_inputs(calibration, way, wanted),
        test_inputs=_inputs(parts.test, way, wanted),
        test_labels=test_labels,
        train_inputs=None if train is None else _inputs(train, way, wanted),
        train_labels=train_labels,
        score=wanted.score,
        preprocessing=file_of(way) if way else None,
        raw_test=first_raw(parts.test) if way else None,
        notes=pixel_notes(parts.path.name, wanted) if way and not parts.sounds else (),
    )


def _cut(parts: UserDataParts, train: Array, *, seed: int) -> tuple[Array, Array]:
    """Indices for training and for calibration; what equals a calibration sample is no longer trained on."""
    chosen, rest = split_indices(len(train), calibration_size(len(train)), seed=seed)
    kept = rest[differ_from(train[rest], train[chosen])]
    if not len(kept):
        raise BuildError(f"{parts.path}: its {len(train)} training samples cannot be cut in two: give more")
    return kept, chosen


def _preprocessing(parts: UserDataParts, wanted: DataRequest) -> ModuleType | None:
    """What raw samples go through; None: they are inputs as they come."""
    if parts.sounds:
        return speech_features
    pixels = parts.test.dtype == np.uint8 and parts.test.ndim in (3, 4)
    return pixel_preprocessing(wanted) if pixels else None


def _inputs(raw: Array, way: ModuleType | None, wanted: DataRequest) -> Array:
    """As float32, or whole numbers as they are; a model of pictures gets a channel where samples have none."""
    if way is not None:
        return preprocess_all(raw, way.preprocess)
    whole = wanted.integers and raw.dtype.kind in "iub"
    inputs = raw if whole else raw.astype(np.float32)
    return inputs[..., np.newaxis] if wanted.shape is not None and len(wanted.shape) == inputs.ndim else inputs


def check_inputs(parts: UserDataParts) -> None:
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


def check_labels(parts: UserDataParts, wanted: DataRequest) -> tuple[Array | None, Array]:
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


def _check_anomalies(parts: UserDataParts, train: Array | None, test: Array) -> None:
    check_anomalies(test, f"{parts.path}: test_y holds")
    if train is not None and train.any():
        raise BuildError(
            f"{parts.path}: train_y is not all 0: a model that finds anomalies is trained on normal samples"
        )


def _check_classes(parts: UserDataParts, train: Array, test: Array, wanted: int | None) -> None:
    """Test classes occur in training; class indices leave no gaps, unless the model has so many classes anyhow."""
    classes = set(train.tolist())
    unknown = sorted(set(test.tolist()) - classes)
    if unknown:
        raise BuildError(f"{parts.path}: test_y holds {shown_labels(unknown)}, which no training sample has")
    if len(classes) < 2:
        raise BuildError(f"{parts.path}: train_y has one class only, where two or more were expected")
    highest = max(classes)
    if highest >= max(len(classes), wanted or 0):
        missing = next(index for index in range(highest) if index not in classes)
        raise BuildError(
            f"{parts.path}: train_y goes up to {highest} and never holds {missing}: number its {len(classes)} classes "
            f"0 to {len(classes) - 1}"
        )


def check_overlaps(parts: UserDataParts) -> None:
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
