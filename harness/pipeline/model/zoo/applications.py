"""What networks taken from keras.applications need beside their own code."""

from typing import Any, Final

from harness.pipeline.model.dataset import Schedule
from harness.records.errors import BuildError

CLASSES: Final = 1000
"""Of ImageNet: the end that these networks are published with, and that made-up data gets."""
MADE_UP_CLASSES: Final = 10
BRIEF: Final = Schedule(epochs=1, batch_size=8, learning_rate=1e-3, finetune_epochs=1)
"""A sample of 224x224 takes MobileNet v2 a fifth of a second of one core and back; the graph's making takes longer."""
_SMALLEST: Final = 32
_LARGEST: Final = 1024
_MOMENTUM: Final = 0.9


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
