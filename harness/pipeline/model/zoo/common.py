"""What the models of the zoo share: channels by width, usual runs of layers, schedules by how much data there is.

Before a normalisation a layer has no bias: the mean would take it away again, and the converter would leave its name
in the file.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from harness.pipeline.model.dataset import Schedule
from harness.records.errors import BuildError

if TYPE_CHECKING:
    from harness.pipeline.model.dataset import Dataset

_MOMENTUM: Final = 0.9
"""Of the moving averages. Keras' 0.99 needs hundreds of steps to follow, more than a brief training has."""
_LANES: Final = 4
"""Kernels work on four floats at a time, so that channels in fours stay in fours, from two of them up."""
_WIDEST: Final = 16
_FEW: Final = 1_500
_MANY: Final = 20_000
_SMALL = Schedule(epochs=20, batch_size=32, learning_rate=4e-3, patience=6, finetune_epochs=24)
_MIDDLE = Schedule(epochs=20, batch_size=64, learning_rate=4e-3, patience=6)
_LARGE = Schedule(epochs=3, batch_size=64, learning_rate=4e-3, patience=4, finetune_epochs=1)
BRIEF: Final = Schedule(epochs=6, batch_size=32, learning_rate=4e-3, patience=6, finetune_epochs=3)
"""For made-up data, whose accuracy nobody claims: enough that activations have the ranges of a trained network."""


def check_width(width: float) -> float:
    """A width as it was given, where it is one. Raises BuildError."""
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width <= _WIDEST:
        raise BuildError(f"width is {width!r}, where a number above 0 and up to {_WIDEST} was expected, such as 0.5")
    return width


def channels(count: int, width: float) -> int:
    """A layer's channels at a width, at least 1; in fours from 8 up where ``count`` is. Raises BuildError."""
    scaled = count * check_width(width)
    if count % _LANES or scaled < 2 * _LANES:
        return max(1, round(scaled))
    return _LANES * round(scaled / _LANES)


def image_shape(dataset: "Dataset", model: str) -> tuple[int, ...]:
    """The shape of one sample, which must be (height, width, channels). Raises BuildError."""
    shape = tuple(dataset.test_inputs.shape[1:])
    if len(shape) != 3:
        raise BuildError(
            f"{model} takes images (height, width, channels), and a sample of {dataset.name} has shape {shape}: "
            "name another data set, or a model such as dense_net"
        )
    return shape


def class_count(dataset: "Dataset", model: str) -> int:
    """How many classes the labels tell apart. Raises BuildError for data without classes."""
    if dataset.score != "top1":
        raise BuildError(f"{model} tells classes apart, and {dataset.name} has none: name a data set with classes")
    parts = [part for part in (dataset.train_labels, dataset.test_labels) if part is not None]
    return 1 + max(int(part.max()) for part in parts)


def normalization(x: Any, *, relu: bool = True, number: int | None = None) -> Any:  # noqa: ANN401 - keras is not typed
    """Batch normalisation, then ReLU unless it is told otherwise; ``number`` is for their names."""
    import keras

    norm_name, relu_name = (None, None) if number is None else (f"norm_{number}", f"relu_{number}")
    x = keras.layers.BatchNormalization(momentum=_MOMENTUM, name=norm_name)(x)
    return keras.layers.ReLU(name=relu_name)(x) if relu else x


def conv_block(x: Any, filters: int, kernel: int | tuple[int, int] = 3, *, strides: int = 1, relu: bool = True) -> Any:  # noqa: ANN401
    """A convolution with padding, normalised."""
    import keras

    x = keras.layers.Conv2D(
        filters, kernel, strides=strides, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    return normalization(x, relu=relu)


def separable_block(x: Any, filters: int, *, strides: int = 1) -> Any:  # noqa: ANN401
    """A depthwise 3x3 convolution and a 1x1 convolution, each normalised, with ReLU."""
    import keras

    x = keras.layers.DepthwiseConv2D(
        3, strides=strides, padding="same", use_bias=False, depthwise_initializer="he_normal"
    )(x)
    return conv_block(normalization(x), filters, 1)


def classifier_head(x: Any, classes: int, *, dropout: float = 0.0) -> Any:  # noqa: ANN401
    """The mean over the whole picture, then a softmax over classes."""
    import keras

    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.AveragePooling2D(tuple(x.shape[1:3]))(x)
    # MLPerf Tiny flattens before the dense layer, with the same result. There TensorFlow 2.21's converter drops the
    # RESHAPE that the reference files have; here it stays, so that files can be compared operator by operator.
    return keras.layers.Softmax()(keras.layers.Flatten()(keras.layers.Dense(classes)(x)))


def schedule_for(dataset: "Dataset", *, epochs: int | None = None, brief: Schedule = BRIEF) -> Schedule:
    """A schedule for the data set: many epochs of few samples, few epochs of many. Raises BuildError.

    ``epochs`` sets their number; ``brief`` is taken where no accuracy is claimed for the data.
    """
    count = 0 if dataset.train_inputs is None else len(dataset.train_inputs)
    if dataset.accuracy_reason is not None:
        schedule = brief
    elif count <= _FEW:
        schedule = _SMALL
    else:
        schedule = _MIDDLE if count <= _MANY else _LARGE
    if epochs is None:
        return schedule
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise BuildError(f"epochs is {epochs!r}, where a whole number from 1 was expected")
    return replace(schedule, epochs=epochs)
