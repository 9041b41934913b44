"""ad_autoencoder: a dense autoencoder that rebuilds 640 spectrogram values, badly where a machine sounds anomalous.

The anomaly detection model of MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/anomaly_detection): four
layers of 128, a bottleneck of 8, four layers of 128.
"""

from typing import Any, Final

from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.dataset import Dataset, UntrainedModel
from harness.pipeline.model.zoo.common import channels, normalization, schedule_for
from harness.records.errors import BuildError

_HIDDEN: Final = (*4 * (128,), 8, *4 * (128,))


def ad_autoencoder(*, width: float = 1.0, data: str = "synthetic(0)", epochs: int | None = None) -> UntrainedModel:
    """The network for a data set of normal samples, with anomalous ones in its test part. Raises BuildError."""
    dataset = load_dataset(data, shape=(640,), classes=None, score="auc")
    return UntrainedModel(_network(dataset, width), dataset, schedule_for(dataset, epochs=epochs))


def _network(dataset: Dataset, width: float) -> Any:  # noqa: ANN401 - keras is not typed
    import keras

    values = keras.Input((_length(dataset),), name="spectrogram")
    x = values
    for number, units in enumerate(_HIDDEN, start=1):
        x = keras.layers.Dense(channels(units, width), use_bias=False, name=f"dense_{number}")(x)
        x = normalization(x, number=number)
    # Names are a hundredth of the int8 file, which is to be no larger than the published one: they are short here.
    return keras.Model(values, keras.layers.Dense(_length(dataset), name="rebuilt")(x), name="ad")


def _length(dataset: Dataset) -> int:
    shape = tuple(dataset.test_inputs.shape[1:])
    if len(shape) != 1 or dataset.score != "auc":
        what = f"samples of shape {shape}" if len(shape) != 1 else "classes"
        raise BuildError(
            f"ad_autoencoder finds anomalies in rows of values (n, values), and {dataset.name} has {what}: "
            "name a data set of normal rows, with anomalous ones in its test part"
        )
    return int(shape[0])
