"""Pictures of bytes with their classes, from samples as they were read to a data set."""

from types import ModuleType
from typing import Any

import numpy as np

from harness.pipeline.model.data.preprocessing import byte_pixels, plain_pixels, scale_pixels
from harness.pipeline.model.data.raw_samples import file_of, first_raw, preprocessed
from harness.pipeline.model.data.splitting import apart
from harness.pipeline.model.data.wanted import Wanted
from harness.pipeline.model.dataset import Dataset

Array = np.ndarray[Any, np.dtype[Any]]
Samples = tuple[Array, Array]


def pictures(name: str, *, train: Samples, test: Samples, wanted: Wanted) -> Dataset:
    """A data set of uint8 pictures and int64 labels whose train and test parts are given.

    The test part stays as it is published, so that accuracies compare; calibration samples are taken from the train
    part, and training samples that equal one of another part are left out. Raises BuildError.
    """
    (images, labels), (test_images, test_labels) = train, test
    kept, calibration = apart(images, test_images, seed=wanted.seed)
    way = pixel_preprocessing(wanted)
    return Dataset(
        name=name,
        calibration_inputs=preprocessed(images[calibration], way.preprocess),
        test_inputs=preprocessed(test_images, way.preprocess),
        test_labels=test_labels,
        train_inputs=preprocessed(images[kept], way.preprocess),
        train_labels=labels[kept],
        preprocessing=file_of(way),
        raw_test=first_raw(test_images),
        notes=pixel_notes(name, wanted),
    )


def pixel_preprocessing(wanted: Wanted) -> ModuleType:
    """What brings a picture's bytes to what the model takes."""
    if wanted.integers:
        return byte_pixels
    return plain_pixels if wanted.pixels == "bytes" else scale_pixels


def pixel_notes(name: str, wanted: Wanted) -> tuple[str, ...]:
    """What was done to pixels, where that is no matter of course."""
    if wanted.integers:
        return ()
    if wanted.pixels == "bytes":
        return (f"pixels of {name} stay 0 to 255, since the model scales them itself",)
    if wanted.pixels == "untold":
        return (
            f"pixels of {name} were divided by 255, since nothing in the model tells what it takes: give them as "
            "floats where it takes others",
        )
    return ()
