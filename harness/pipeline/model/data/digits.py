"""digits: the 1,797 handwritten digits of 8 x 8 grey levels that scikit-learn brings along."""

from typing import Final

import numpy as np

from harness.pipeline.model.data.preprocessing import scale_scans
from harness.pipeline.model.data.raw_samples import file_of, first_raw, preprocess_all
from harness.pipeline.model.dataset import DataRequest, Dataset
from harness.records.errors import BuildError

_CALIBRATION: Final = 200
_TEST: Final = 500
_SPLIT_SEED: Final = 20240229


def load(wanted: DataRequest) -> Dataset:
    """Inputs (n, 8, 8, 1) in 0..1 and labels 0..9: 1,097 train, 200 calibration and 500 test samples.

    Raises BuildError where the model takes bytes, which scans of 0 to 16 are not.
    """
    if wanted.pixels == "bytes":
        raise BuildError(
            "digits go from 0 to 1, and the model scales pixels of 0 to 255 itself: give pictures of bytes, or a .npz"
        )
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise BuildError('digits come with scikit-learn, which is not installed: pip install "scikit-learn"') from error
    digits = load_digits()
    scans, labels = digits.images, digits.target.astype(np.int64)
    order = np.random.default_rng(_SPLIT_SEED + wanted.seed).permutation(len(labels))
    test, calibration, train = np.split(order, [_TEST, _TEST + _CALIBRATION])
    inputs = preprocess_all(scans, scale_scans.preprocess)
    return Dataset(
        name="scikit-learn digits",
        calibration_inputs=inputs[calibration],
        test_inputs=inputs[test],
        test_labels=labels[test],
        train_inputs=inputs[train],
        train_labels=labels[train],
        preprocessing=file_of(scale_scans),
        raw_test=first_raw(scans[test]),
    )
