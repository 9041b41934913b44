"""mobilenet_v2: MobileNetV2 (arXiv:1801.04381) as keras.applications builds it, trained here."""

from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.dataset import UntrainedModel
from harness.pipeline.model.zoo.applications import BRIEF, CLASSES, MADE_UP_CLASSES, check_size, set_momentum
from harness.pipeline.model.zoo.common import check_width, class_count, image_shape, schedule_for


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
