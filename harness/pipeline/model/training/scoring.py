"""In the worker: how well a Keras model does on a data set's test part, before any conversion."""

from typing import Any, Final

import numpy as np

from harness.pipeline.model.dataset import Dataset
from harness.records.errors import BuildError

_BATCH: Final = 256


def score(model: Any, dataset: Dataset) -> float:  # noqa: ANN401 - keras is not typed
    """The share classified rightly (top1), or the area under the ROC curve of the reconstruction error (auc), 0..1.

    A sample's reconstruction error is the mean squared difference of output and input. Raises BuildError.
    """
    labels = np.asarray(dataset.test_labels)
    if not len(labels):
        raise BuildError(f"{dataset.name} has no test part to score {model.name} with")
    outputs = np.asarray(model.predict(dataset.test_inputs, batch_size=_BATCH, verbose=0))
    if dataset.score == "top1":
        return float(np.mean(outputs.reshape(len(labels), -1).argmax(axis=1) == labels))
    if len(np.unique(labels)) != 2:
        raise BuildError(f"{dataset.name}: an AUC needs normal (0) and anomalous (1) test samples, and one is missing")
    from sklearn.metrics import roc_auc_score

    errors = np.square(outputs - dataset.test_inputs).reshape(len(labels), -1).mean(axis=1)
    return float(roc_auc_score(labels, errors))
