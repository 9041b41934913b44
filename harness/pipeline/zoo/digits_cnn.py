"""digits_cnn: a small depthwise-separable CNN, trained in seconds on scikit-learn's 8x8 digits."""

from typing import Any

import numpy as np

from harness.pipeline.dataset import Dataset, TrainedModel

_CALIBRATION = 200
_TEST = 500
_EPOCHS = 15
_LEARNING_RATE = 2e-3
_BATCH = 32
_MOMENTUM = 0.9
"""Few steps are trained, so that moving averages must follow soon."""
_SPLIT_SEED = 20240229
_BRIGHTEST = 16.0
"""The data set's pixels are 0..16."""


def digits_cnn() -> TrainedModel:
    """The trained model with its data: inputs (n, 8, 8, 1) float32 in [0, 1], labels 0..9."""
    import keras

    inputs, labels = _load()
    train, calibration, test = split_digits(len(labels))
    model = _network()
    optimizer = keras.optimizers.Adam(_LEARNING_RATE)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", jit_compile=False)
    model.fit(inputs[train], labels[train], epochs=_EPOCHS, batch_size=_BATCH, verbose=0)
    return TrainedModel(
        model,
        Dataset(
            name="scikit-learn digits",
            calibration_inputs=inputs[calibration],
            test_inputs=inputs[test],
            test_labels=labels[test],
            train_inputs=inputs[train],
            train_labels=labels[train],
        ),
    )


def split_digits(count: int) -> tuple[Any, Any, Any]:
    """Indices of the train, calibration and test part, which do not overlap; the same whatever the build's seed."""
    order = np.random.default_rng(_SPLIT_SEED).permutation(count)
    test, calibration, train = np.split(order, [_TEST, _TEST + _CALIBRATION])
    return train, calibration, test


def _load() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return (digits.images[..., np.newaxis] / _BRIGHTEST).astype(np.float32), digits.target.astype(np.int64)


def _network() -> Any:  # noqa: ANN401 - keras is not typed
    import keras

    inputs = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    x = keras.layers.BatchNormalization(momentum=_MOMENTUM)(x)
    x = keras.layers.ReLU()(x)
    for filters in (32, 64):
        x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=_MOMENTUM)(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.Conv2D(filters, 1, use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=_MOMENTUM)(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs, name="digits_cnn")
