"""From raw samples to a model's inputs, by the very functions that boards run; what pictures of bytes go through."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from harness.pipeline.model.data.preprocessing import byte_pixels, plain_pixels, scale_pixels
from harness.pipeline.model.data.splitting import split_without_overlap
from harness.pipeline.model.dataset import DataRequest, Dataset

Array = np.ndarray[Any, np.dtype[Any]]
KEPT_RAW: Final = 100
"""Raw test samples that a data set hands on."""
Samples = tuple[Array, Array]


def preprocess_all(raw: Sequence[Array] | Array, preprocess: "Callable[[Any], Any]") -> Array:
    """All samples preprocessed one by one into one array, samples first: float32, or uint8 where bytes stay bytes."""
    first = np.asarray(preprocess(raw[0]))
    inputs = np.empty((len(raw), *first.shape), np.uint8 if first.dtype == np.uint8 else np.float32)
    for at, sample in enumerate(raw):
        inputs[at] = preprocess(sample)
    return inputs


def file_of(preprocessing: ModuleType) -> Path:
    """The file of a module of ``data.preprocessing``."""
    return Path(str(preprocessing.__file__))


def first_raw(raw: Sequence[Array] | Array) -> tuple[Array, ...]:
    """The raw samples that a data set hands on."""
    return tuple(np.array(sample) for sample in raw[:KEPT_RAW])


def picture_dataset(name: str, *, train: Samples, test: Samples, wanted: DataRequest) -> Dataset:
    """A data set of uint8 pictures and int64 labels whose train and test parts are given.

    The test part stays as it is published, so that accuracies compare; calibration samples are taken from the train
    part, and training samples that equal one of another part are left out. Raises BuildError.
    """
    (images, labels), (test_images, test_labels) = train, test
    kept, calibration = split_without_overlap(images, test_images, seed=wanted.seed)
    way = pixel_preprocessing(wanted)
    return Dataset(
        name=name,
        calibration_inputs=preprocess_all(images[calibration], way.preprocess),
        test_inputs=preprocess_all(test_images, way.preprocess),
        test_labels=test_labels,
        train_inputs=preprocess_all(images[kept], way.preprocess),
        train_labels=labels[kept],
        preprocessing=file_of(way),
        raw_test=first_raw(test_images),
        notes=pixel_notes(name, wanted),
    )


def pixel_preprocessing(wanted: DataRequest) -> ModuleType:
    """What brings a picture's bytes to what the model takes."""
    if wanted.integers:
        return byte_pixels
    return plain_pixels if wanted.pixels == "bytes" else scale_pixels


def pixel_notes(name: str, wanted: DataRequest) -> tuple[str, ...]:
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
