"""digits_cnn: a small depthwise-separable CNN, trained in seconds on scikit-learn's 8x8 digits."""

from typing import Any

from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.dataset import Dataset, UntrainedModel
from harness.pipeline.model.zoo.common import (
    channels,
    class_count,
    conv_block,
    image_shape,
    schedule_for,
    separable_block,
)


def digits_cnn(*, width: float = 1.0, data: str = "digits", epochs: int | None = None) -> UntrainedModel:
    """The network for a data set of pictures; its input and classes are those of the data. Raises BuildError."""
    dataset = load_dataset(data, shape=(8, 8, 1), classes=10)
    return UntrainedModel(_network(dataset, width), dataset, schedule_for(dataset, epochs=epochs))


def _network(dataset: Dataset, width: float) -> Any:  # noqa: ANN401 - keras is not typed
    import keras

    image = keras.Input(image_shape(dataset, "digits_cnn"), name="image")
    x = conv_block(image, channels(16, width))
    for filters in (32, 64):
        x = separable_block(x, channels(filters, width))
        x = keras.layers.MaxPooling2D(padding="same")(x)
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(class_count(dataset, "digits_cnn"), activation="softmax")(x)
    return keras.Model(image, outputs, name="digits_cnn")
