"""What a factory may return beside a bare Keras model: the model with its data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Dataset:
    """Data for a classifier with one input, in parts that do not overlap; samples are the first axis.

    ``calibration_inputs`` set the ranges of integer recipes. ``test_inputs`` and ``test_labels`` (class indices)
    give the accuracy, and the first test inputs are what the board's outputs are checked with.
    The train part serves recipes that train further; it may be left out.
    """

    name: str
    calibration_inputs: "Array"
    test_inputs: "Array"
    test_labels: "Array"
    train_inputs: "Array | None" = None
    train_labels: "Array | None" = None


@dataclass(frozen=True)
class TrainedModel:
    """A Keras model, with its data set or with the reason why no accuracy can be claimed."""

    model: Any
    dataset: Dataset | None = None
    accuracy_reason: str | None = None
