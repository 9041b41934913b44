"""Pictures of bytes with their classes, from samples as they were read to a data set."""

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.pipeline.data.preprocessing import scale_pixels
from harness.pipeline.data.raw_samples import file_of, first_raw, preprocessed
from harness.pipeline.data.splitting import apart
from harness.pipeline.dataset import Dataset

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]
    Samples = tuple[Array, Array]


def pictures(name: str, *, train: "Samples", test: "Samples", seed: int) -> Dataset:
    """A data set of uint8 pictures and int64 labels whose train and test parts are given.

    The test part stays as it is published, so that accuracies compare; calibration samples are taken from the train
    part, and training samples that equal one of another part are left out. Raises BuildError.
    """
    (images, labels), (test_images, test_labels) = train, test
    kept, calibration = apart(images, test_images, seed=seed)
    return Dataset(
        name=name,
        calibration_inputs=preprocessed(images[calibration], scale_pixels.preprocess),
        test_inputs=preprocessed(test_images, scale_pixels.preprocess),
        test_labels=test_labels,
        train_inputs=preprocessed(images[kept], scale_pixels.preprocess),
        train_labels=labels[kept],
        preprocessing=file_of(scale_pixels),
        raw_test=first_raw(test_images),
    )
