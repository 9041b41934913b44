"""vww_mobilenet_v1: MobileNetV1 0.25, which tells whether a person is in a picture of 96x96.

The visual wake words model of MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/visual_wake_words), two
classes. At width 1 it is the reference, whose channels are a quarter of MobileNetV1's (arXiv:1704.04861, table 1).
"""

from typing import Any, Final

from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.dataset import Dataset, UntrainedModel
from harness.pipeline.model.zoo.common import (
    channels,
    class_count,
    classifier_head,
    conv_block,
    image_shape,
    schedule_for,
    separable_block,
)

_FIRST: Final = 8
_BLOCKS: Final = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *5 * ((128, 1),), (256, 2), (256, 1))
"""Channels and stride of each separated block."""


def vww_mobilenet_v1(*, width: float = 1.0, data: str = "synthetic(0)", epochs: int | None = None) -> UntrainedModel:
    """The network for a data set of pictures; its input and classes are those of the data. Raises BuildError."""
    dataset = load_dataset(data, shape=(96, 96, 3), classes=2)
    return UntrainedModel(_network(dataset, width), dataset, schedule_for(dataset, epochs=epochs))


def _network(dataset: Dataset, width: float) -> Any:  # noqa: ANN401 - keras is not typed
    import keras

    image = keras.Input(image_shape(dataset, "vww_mobilenet_v1"), name="image")
    x = conv_block(image, channels(_FIRST, width), strides=2)
    for filters, strides in _BLOCKS:
        x = separable_block(x, channels(filters, width), strides=strides)
    return keras.Model(image, classifier_head(x, class_count(dataset, "vww_mobilenet_v1")), name="vww_mobilenet_v1")
