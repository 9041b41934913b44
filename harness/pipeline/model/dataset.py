"""What a factory returns beside a bare Keras model: its data and how it is trained; what a model asks of data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

Score = Literal["top1", "auc"]
Pixels = Literal["scaled", "bytes", "untold"]
"""Of a picture's pixels: the model takes them divided by 255; from 0 to 255, since it scales them itself; or which of
the two cannot be told from it, so that they are divided and it is said."""


@dataclass(frozen=True)
class Dataset:
    """Data for a model with one input, in parts that do not overlap; samples are the first axis.

    ``score`` top1: ``test_labels`` and ``train_labels`` are class indices. auc: the model rebuilds its input,
    ``test_labels`` say which samples are anomalous (1) and normal (0), and ``train_labels`` are None.
    ``calibration_inputs`` set the ranges of integer recipes. The first test inputs are what the board's outputs are
    checked with. The train part serves training and recipes that train further; it may be left out.
    ``accuracy_reason`` says why no accuracy is claimed for this data; None: it is.
    ``preprocessing`` is the numpy-only file whose ``preprocess`` made the inputs from raw samples, and
    ``raw_test`` holds the raw samples of the first test inputs; both None where inputs are as they come.
    ``notes`` are sentences on how the data was read, which stand beside every figure of the model.
    """

    name: str
    calibration_inputs: "Array"
    test_inputs: "Array"
    test_labels: "Array"
    train_inputs: "Array | None" = None
    train_labels: "Array | None" = None
    score: Score = "top1"
    accuracy_reason: str | None = None
    preprocessing: Path | None = None
    raw_test: "tuple[Array, ...] | None" = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """How a model is trained: Adam with a cosine-decayed rate, ended early where validation stops improving.

    A tenth of the train part (``validation_share``) is set aside for that; the best epoch's weights are kept.
    ``augment`` takes and gives a batch of inputs (numpy arrays) and a numpy random generator; None: as they are.
    ``finetune_epochs`` is for recipes that train further, such as pruning.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 1e-3
    patience: int = 5
    validation_share: float = 0.1
    finetune_epochs: int = 4
    augment: "Callable[[Array, np.random.Generator], Array] | None" = None


@dataclass(frozen=True)
class TrainedModel:
    """A Keras model its factory trained, with its data set or with the reason why no accuracy can be claimed."""

    model: Any
    dataset: Dataset | None = None
    accuracy_reason: str | None = None
    schedule: Schedule = field(default_factory=Schedule)
    """For recipes that train further."""


@dataclass(frozen=True)
class UntrainedModel:
    """A Keras model that the harness trains on its data set, and whose weights it keeps."""

    model: Any
    dataset: Dataset
    schedule: Schedule = field(default_factory=Schedule)


@dataclass(frozen=True)
class DataRequest:
    """What the architecture would like; only made-up data follows it, real data comes as it is.

    ``shape`` is one sample's, without the batch. ``seed`` decides how samples are dealt to the parts; it is
    independent of the build's.
    """

    shape: tuple[int, ...] | None
    classes: int | None
    score: Score = "top1"
    seed: int = 0
    dtype: str = "float32"
    """numpy's name of what the input holds: integers go to an input of integers as they are."""
    pixels: Pixels = "scaled"

    @property
    def integers(self) -> bool:
        """Whether the input holds integers."""
        return self.dtype.startswith(("int", "uint"))
