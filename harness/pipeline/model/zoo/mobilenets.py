"""mobilenet_v2 (arXiv:1801.04381) and mobilenet_v3_small (arXiv:1905.02244), built by keras.applications."""

from typing import Any, Final

from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.dataset import Schedule, UntrainedModel
from harness.pipeline.model.zoo.common import check_width, class_count, image_shape, schedule_for
from harness.records.errors import BuildError

CLASSES: Final = 1000
"""Of ImageNet: the end that these networks are published with, and that made-up data gets."""
MADE_UP_CLASSES: Final = 10
BRIEF: Final = Schedule(epochs=1, batch_size=8, learning_rate=1e-3, finetune_epochs=1)
"""A sample of 224x224 takes MobileNet v2 a fifth of a second of one core and back; the graph's making takes longer."""
_SMALLEST: Final = 32
_LARGEST: Final = 1024
_MOMENTUM: Final = 0.9


def mobilenet_v2(
    *, width: float = 1.0, data: str = "synthetic(0)", size: int = 224, epochs: int | None = None
) -> UntrainedModel:
    """The network for a data set of pictures from 32x32 up; ``width`` is its alpha. Raises BuildError.

    Made-up pictures are ``size`` x ``size`` x 3, and the classifier then has ImageNet's thousand classes.
    """
    import keras

    side = check_size(size)
    dataset = load_dataset(data, shape=(side, side, 3), classes=MADE_UP_CLASSES)
    classes = class_count(dataset, "mobilenet_v2") if dataset.accuracy_reason is None else CLASSES
    model = keras.applications.MobileNetV2(
        input_tensor=keras.Input(image_shape(dataset, "mobilenet_v2"), name="image"),
        alpha=check_width(width),
        weights=None,
        classes=classes,
        name="mobilenet_v2",
    )
    return UntrainedModel(set_momentum(model), dataset, schedule_for(dataset, epochs=epochs, brief=BRIEF))


def mobilenet_v3_small(
    *, width: float = 1.0, data: str = "synthetic(0)", size: int = 224, epochs: int | None = None
) -> UntrainedModel:
    """The network for a data set of pictures from 32x32 up; ``width`` is its alpha. Raises BuildError.

    Made-up pictures are ``size`` x ``size`` x 3, and the classifier then has ImageNet's thousand classes.
    """
    import keras

    side = check_size(size)
    dataset = load_dataset(data, shape=(side, side, 3), classes=MADE_UP_CLASSES)
    classes = class_count(dataset, "mobilenet_v3_small") if dataset.accuracy_reason is None else CLASSES
    model = keras.applications.MobileNetV3Small(
        input_tensor=keras.Input(image_shape(dataset, "mobilenet_v3_small"), name="image"),
        alpha=check_width(width),
        weights=None,
        classes=classes,
        include_preprocessing=False,
        name="mobilenet_v3_small",
    )
    return UntrainedModel(set_momentum(model), dataset, schedule_for(dataset, epochs=epochs, brief=BRIEF))


def check_size(size: int) -> int:
    """The side of the pictures that made-up data gets, in pixels. Raises BuildError."""
    if isinstance(size, bool) or not isinstance(size, int) or not _SMALLEST <= size <= _LARGEST:
        raise BuildError(f"size is {size!r}, where a whole number from {_SMALLEST} to {_LARGEST} was expected")
    return size


def set_momentum(model: Any) -> Any:  # noqa: ANN401 - keras is not typed
    """The model with moving averages that follow within tens of steps: the published momentum needs thousands."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    return model
