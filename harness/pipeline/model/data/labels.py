"""Labels of which a sample may have several: one column an output, 0 or 1."""

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.records.errors import BuildError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]


def several_labels(labels: "Array", where: str) -> "Array":
    """Labels of shape (n, labels) as int64. Raises BuildError for what is no 0 or 1, and for one-hot classes."""
    if labels.dtype.kind not in "fiub" or not np.isin(labels, (0, 1)).all() or (labels.sum(axis=1) == 1).all():
        expected = f"({len(labels)},) was expected: give each sample's class index"
        raise BuildError(f"{where} has shape {labels.shape}, where {expected}, or 0 and 1 for labels that go together")
    return labels.astype(np.int64)
