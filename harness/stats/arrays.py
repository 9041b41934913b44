"""What comes in: finite numbers in one dimension."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def finite_array(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """The values as a float64 array; ValueError for none, NaN, infinity or more than one dimension."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"expected at least one value in one dimension, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("expected finite values, got NaN or infinity")
    return array
