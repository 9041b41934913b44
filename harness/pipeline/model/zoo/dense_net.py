"""dense_net: plain dense layers with ReLU, for any data with classes."""

from typing import Any

from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.dataset import Dataset, UntrainedModel
from harness.pipeline.model.zoo.common import channels, class_count, schedule_for
from harness.records.errors import BuildError

_DEEPEST = 100


def dense_net(
    *, width: float = 1.0, data: str = "digits", units: int = 128, depth: int = 2, epochs: int | None = None
) -> UntrainedModel:
    """``depth`` hidden layers of ``units`` x ``width``; input and classes are those of the data. Raises BuildError."""
    if isinstance(depth, bool) or not isinstance(depth, int) or not 0 <= depth <= _DEEPEST:
        raise BuildError(f"depth is {depth!r}, where a whole number from 0 to {_DEEPEST} was expected")
    if isinstance(units, bool) or not isinstance(units, int) or units < 1:
        raise BuildError(f"units is {units!r}, where a whole number from 1 was expected")
    dataset = load_dataset(data, shape=(64,), classes=10)
    model = _network(dataset, hidden=depth * (channels(units, width),))
    return UntrainedModel(model, dataset, schedule_for(dataset, epochs=epochs))


def _network(dataset: Dataset, *, hidden: tuple[int, ...]) -> Any:  # noqa: ANN401 - keras is not typed
    import keras

    shape = tuple(dataset.test_inputs.shape[1:])
    inputs = keras.Input(shape, name="values")
    x = keras.layers.Flatten()(inputs) if len(shape) > 1 else inputs
    for units in hidden:
        x = keras.layers.Dense(units, activation="relu", kernel_initializer="he_normal")(x)
    outputs = keras.layers.Dense(class_count(dataset, "dense_net"), activation="softmax")(x)
    return keras.Model(inputs, outputs, name="dense_net")
