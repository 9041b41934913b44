"""kws_ds_cnn: a depthwise-separable network that spots spoken words in 49 x 10 MFCC features.

The keyword spotting model of MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/keyword_spotting):
64 channels, twelve classes.
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
    separable_block,
)

_SEPARATED = 4


def kws_ds_cnn(*, width: float = 1.0, data: str = "synthetic(0)", epochs: int | None = None) -> UntrainedModel:
    """The network for features (frames, coefficients, 1); its input and classes are the data's. Raises BuildError."""
    dataset = load_dataset(data, shape=(49, 10, 1), classes=12)
    return UntrainedModel(_network(dataset, width), dataset, schedule_for(dataset, epochs=epochs))


def _network(dataset: Dataset, width: float) -> Any:  # noqa: ANN401 - keras is not typed
    import keras

    filters = channels(64, width)
    features = keras.Input(image_shape(dataset, "kws_ds_cnn"), name="features")
    x = keras.layers.Dropout(0.2)(conv_block(features, filters, (10, 4), strides=2))
    for _ in range(_SEPARATED):
        x = separable_block(x, filters)
    return keras.Model(features, classifier_head(x, class_count(dataset, "kws_ds_cnn"), dropout=0.4), name="kws_ds_cnn")
