"""In the worker: whether a model can learn from a data set, asked before anything trains."""

from typing import Any

import numpy as np

from harness.pipeline.model.dataset import Dataset
from harness.records.errors import BuildError


def check_learning(model: Any, dataset: Dataset) -> None:  # noqa: ANN401 - keras is not typed
    """Shapes, labels and numbers of the train part fit the model. Raises BuildError."""
    if dataset.train_inputs is None or not len(dataset.train_inputs):
        raise BuildError(f"{dataset.name} has no train part, so that {model.name} cannot be trained on it")
    given, answer = _one_input_one_output(model)
    _check_inputs(model, dataset, given)
    if dataset.score == "auc":
        if answer != given:
            raise BuildError(
                f"{model.name} gives {answer} for an input of {given}: for score auc a model rebuilds its input"
            )
        return
    _check_labels(model, dataset, answer)


def _one_input_one_output(model: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:  # noqa: ANN401
    """Shapes of one sample and of its answer."""
    inputs, outputs = model.inputs or [], model.outputs or []
    if len(inputs) != 1 or len(outputs) != 1:
        raise BuildError(
            f"{model.name} has {len(inputs)} inputs and {len(outputs)} outputs, and the harness trains models with "
            "one of each: train it in its factory and return a TrainedModel"
        )
    return tuple(inputs[0].shape[1:]), tuple(outputs[0].shape[1:])


def _check_inputs(model: Any, dataset: Dataset, given: tuple[int, ...]) -> None:  # noqa: ANN401
    inputs = np.asarray(dataset.train_inputs)
    shape = inputs.shape[1:]
    if len(shape) != len(given) or any(want not in (None, size) for want, size in zip(given, shape, strict=False)):
        raise BuildError(f"{model.name} takes samples of shape {given}, and those of {dataset.name} have {shape}")
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        raise BuildError(f"{dataset.name}: its train part holds values that are NaN or infinite")


def _check_labels(model: Any, dataset: Dataset, answer: tuple[int, ...]) -> None:  # noqa: ANN401
    inputs, labels = np.asarray(dataset.train_inputs), dataset.train_labels
    if labels is None or np.shape(labels) != (len(inputs),):
        found = "none" if labels is None else f"an array of shape {np.shape(labels)}"
        raise BuildError(f"{dataset.name}: {len(inputs)} train inputs need as many labels, and there is {found}")
    if len(answer) != 1:
        raise BuildError(f"{model.name} gives {answer} a sample, where one value a class was expected")
    lowest, highest = int(np.min(labels)), int(np.max(labels))
    if lowest < 0 or highest >= answer[0]:
        raise BuildError(
            f"{model.name} tells {answer[0]} classes apart, and labels of {dataset.name} go from {lowest} to {highest}"
        )
