"""vww_mobilenet_v1: MobileNetV1 0.25 for visual wake words (96x96x3, two classes), with seeded weights.

The architecture of MLPerf Tiny's person detector. It is not trained: latency, memory and size are those of the
real network, its answers mean nothing.
"""

from harness.pipeline.dataset import TrainedModel


def vww_mobilenet_v1() -> TrainedModel:
    """The network with weights drawn from the seed of the build; inputs (n, 96, 96, 3) float32."""
    import keras

    image = keras.Input((96, 96, 3), name="image")
    model = keras.applications.MobileNet(
        input_tensor=image, alpha=0.25, weights=None, classes=2, name="vww_mobilenet_v1"
    )
    return TrainedModel(model, accuracy_reason="synthetic data: accuracy not claimed")
