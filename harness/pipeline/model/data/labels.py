"""What labels beside plain classes must be: several for one sample, or 0 and 1 for normal and anomalous."""

from typing import Any, Final

import numpy as np

from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]

_SHOWN: Final = 3


def several_labels(labels: Array, where: str) -> Array:
    """Labels of shape (n, labels) as int64. Raises BuildError for what is no 0 or 1, and for one-hot classes."""
    if labels.dtype.kind not in "fiub" or not np.isin(labels, (0, 1)).all() or (labels.sum(axis=1) == 1).all():
        expected = f"({len(labels)},) was expected: give each sample's class index"
        raise BuildError(f"{where} has shape {labels.shape}, where {expected}, or 0 and 1 for labels that go together")
    return labels.astype(np.int64)


def check_anomalies(labels: Array, whose: str) -> None:
    """Test labels of score auc are 0 and 1, some of each. Raises BuildError that begins with ``whose``, "they hold"."""
    found = sorted({int(one) for one in labels})
    if found != [0, 1]:
        raise BuildError(
            f"{whose} {shown_labels(found)}, where 0 (normal) and 1 (anomalous), some of each, were expected"
        )


def shown_labels(labels: list[int]) -> str:
    """The first of some labels, for a message."""
    return ", ".join(map(str, labels[:_SHOWN])) + (" ..." if len(labels) > _SHOWN else "")
