"""From what was read of the user's own data to a data set whose parts are good and do not overlap."""

from types import ModuleType
from typing import Any

import numpy as np

from harness.pipeline.model.data.own_checks import check_inputs, check_overlaps, checked_labels
from harness.pipeline.model.data.own_parts import OwnParts
from harness.pipeline.model.data.pictures import pixel_notes, pixel_preprocessing
from harness.pipeline.model.data.preprocessing import speech_features
from harness.pipeline.model.data.raw_samples import file_of, first_raw, preprocessed
from harness.pipeline.model.data.splitting import calibration_size, dealt, unlike
from harness.pipeline.model.data.wanted import Wanted
from harness.pipeline.model.dataset import Dataset
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]


def assembled(parts: OwnParts, wanted: Wanted) -> Dataset:
    """Checked, cut and preprocessed. Raises BuildError, one line with the path."""
    check_inputs(parts)
    train_labels, test_labels = checked_labels(parts, wanted)
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


def _cut(parts: OwnParts, train: Array, *, seed: int) -> tuple[Array, Array]:
    """Indices for training and for calibration; what equals a calibration sample is no longer trained on."""
    chosen, rest = dealt(len(train), calibration_size(len(train)), seed=seed)
    kept = rest[unlike(train[rest], train[chosen])]
    if not len(kept):
        raise BuildError(f"{parts.path}: its {len(train)} training samples cannot be cut in two: give more")
    return kept, chosen


def _preprocessing(parts: OwnParts, wanted: Wanted) -> ModuleType | None:
    """What raw samples go through; None: they are inputs as they come."""
    if parts.sounds:
        return speech_features
    pixels = parts.test.dtype == np.uint8 and parts.test.ndim in (3, 4)
    return pixel_preprocessing(wanted) if pixels else None


def _inputs(raw: Array, way: ModuleType | None, wanted: Wanted) -> Array:
    """As float32, or whole numbers as they are; a model of pictures gets a channel where samples have none."""
    if way is not None:
        return preprocessed(raw, way.preprocess)
    whole = wanted.integers and raw.dtype.kind in "iub"
    inputs = raw if whole else raw.astype(np.float32)
    return inputs[..., np.newaxis] if wanted.shape is not None and len(wanted.shape) == inputs.ndim else inputs
