"""ic_resnet8: a residual network of eight layers that tells small pictures apart.

The image classification model of MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/image_classification):
three stacks of 16, 32 and 64 channels on 32x32x3, ten classes.
"""

from typing import Any

from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.dataset import Dataset, UntrainedModel
from harness.pipeline.model.zoo.common import (
    channels,
    class_count,
    classifier_head,
    conv_block,
    image_shape,
    schedule_for,
)


def ic_resnet8(*, width: float = 1.0, data: str = "synthetic(0)", epochs: int | None = None) -> UntrainedModel:
    """The network for a data set of pictures; its input and classes are those of the data. Raises BuildError."""
    dataset = load_dataset(data, shape=(32, 32, 3), classes=10)
    return UntrainedModel(_network(dataset, width), dataset, schedule_for(dataset, epochs=epochs))


def _network(dataset: Dataset, width: float) -> Any:  # noqa: ANN401 - keras is not typed
    import keras

    image = keras.Input(image_shape(dataset, "ic_resnet8"), name="image")
    x = conv_block(image, channels(16, width))
    x = _stack(x, channels(16, width), strides=1)
    x = _stack(x, channels(32, width), strides=2)
    x = _stack(x, channels(64, width), strides=2)
    return keras.Model(image, classifier_head(x, class_count(dataset, "ic_resnet8")), name="ic_resnet8")


def _stack(x: Any, filters: int, *, strides: int) -> Any:  # noqa: ANN401
    """Two convolutions beside a shortcut, which is a 1x1 convolution where the size changes."""
    import keras

    y = conv_block(x, filters, strides=strides)
    y = conv_block(y, filters, relu=False)
    if strides > 1:
        x = keras.layers.Conv2D(filters, 1, strides=strides, padding="same", kernel_initializer="he_normal")(x)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))
