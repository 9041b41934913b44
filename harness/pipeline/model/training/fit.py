"""One Keras model trained on a data set's train part, the same for the same seed, and scored on its test part.

Whether the model can learn from the data at all is asked before anything trains.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from harness.pipeline.model.dataset import Dataset, Schedule
from harness.pipeline.model.error_text import describe_exception
from harness.records.artifact import Training
from harness.records.errors import BuildError, EntryError

Array = np.ndarray[Any, np.dtype[Any]]
_BETWEEN_S: Final = 20.0
"""A long epoch says so often how far it is."""
_VALIDATION_BATCH: Final = 256
_PROBED: Final = 16
_SUM_TOLERANCE: Final = 1e-3
_BATCH: Final = 256


@dataclass(frozen=True)
class _Parts:
    """The train part in two: what is learned from and what decides when to stop; targets are labels or inputs."""

    inputs: Array
    targets: Array
    validation: tuple[Array, Array] | None


def fit(  # noqa: PLR0913 - what decides a training, by keyword
    model: Any,  # noqa: ANN401 - keras is not typed
    dataset: Dataset,
    schedule: Schedule,
    *,
    seed: int,
    say: Callable[[str], None],
    epochs: int | None = None,
    learning_rate: float | None = None,
    callbacks: Sequence[Any] = (),
    keep_best: bool = True,
) -> Training:
    """Train a model in place and tell how it went. Raises BuildError.

    Loss: what the model was compiled with; else sparse categorical cross-entropy for score top1, and the mean squared
    error against the input for auc. Adam, with a rate that falls along half a cosine (arXiv:1608.03983, eq. 5,
    without restarts). With ``keep_best`` training stops when the validation loss has not improved for
    ``schedule.patience`` epochs, and the best epoch's weights are kept; without, the last one's are.
    ``epochs`` and ``learning_rate`` take the place of the schedule's. ``callbacks`` are Keras', called last.
    """
    import keras

    epochs = schedule.epochs if epochs is None else epochs
    rate = schedule.learning_rate if learning_rate is None else learning_rate
    _check_schedule(schedule, epochs=epochs, rate=rate)
    check_learning(model, dataset)
    parts = _parts(dataset, schedule, seed)
    steps = max(1, len(parts.inputs) // schedule.batch_size)
    began = time.monotonic()
    keras.utils.set_random_seed(seed)
    _compile(model, dataset, keras.optimizers.schedules.CosineDecay(rate, epochs * steps))
    watched = [
        keras.callbacks.LambdaCallback(**_progress_callbacks(say, epochs=epochs, steps=steps, score=dataset.score))
    ]
    if keep_best and parts.validation is not None:
        watched.append(_early_stop(schedule))
    try:
        _make_variables(model, parts)
        history = model.fit(
            _batches(parts, schedule, seed),
            epochs=epochs,
            steps_per_epoch=steps,
            validation_data=parts.validation,
            validation_batch_size=_VALIDATION_BATCH,
            callbacks=[*watched, *callbacks],
            shuffle=False,
            verbose=0,
        )
    except (EntryError, MemoryError):
        raise
    except Exception as error:
        raise BuildError(f"training {model.name} failed: {describe_exception(error)}") from error
    ran = len(history.epoch)
    notes = _notes(history.history, dataset, stopped=ran < epochs, patience=schedule.patience)
    return Training(what="trained", epochs=ran, seconds=round(time.monotonic() - began, 3), notes=notes)


def score_model(model: Any, dataset: Dataset) -> float:  # noqa: ANN401 - keras is not typed
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


def gives_probabilities(model: Any, inputs: Array) -> bool:  # noqa: ANN401
    """Whether a classifier's outputs are probabilities already, as after a softmax, or still logits."""
    import keras

    outputs = keras.ops.convert_to_numpy(model(inputs[:_PROBED], training=False))
    return bool(np.all(outputs >= 0) and np.all(np.abs(outputs.sum(axis=-1) - 1) < _SUM_TOLERANCE))


def _compile(model: Any, dataset: Dataset, rate: Any) -> None:  # noqa: ANN401
    import keras

    loss = model.loss if getattr(model, "compiled", False) else None
    if loss is None and dataset.score == "auc":
        loss = "mean_squared_error"
    elif loss is None:
        logits = not gives_probabilities(model, dataset.test_inputs)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    metrics = ["accuracy"] if dataset.score == "top1" else None
    # XLA would compile each model for seconds, and sums in an order of its own.
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, metrics=metrics, jit_compile=False)


def _make_variables(model: Any, parts: _Parts) -> None:  # noqa: ANN401
    """Make what the optimiser and the metrics keep: where the first step makes it, Keras traces that step twice."""
    inputs, targets = parts.inputs[:1], parts.targets[:1]
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(inputs, targets, model(inputs, training=False), sample_weight=None)
    model.reset_metrics()


def _early_stop(schedule: Schedule) -> Any:  # noqa: ANN401
    import keras

    return keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="min", patience=schedule.patience, restore_best_weights=True
    )


def _parts(dataset: Dataset, schedule: Schedule, seed: int) -> _Parts:
    inputs = np.asarray(dataset.train_inputs)
    targets = inputs if dataset.train_labels is None else np.asarray(dataset.train_labels)
    order = np.random.default_rng(seed).permutation(len(inputs))
    aside = round(len(inputs) * schedule.validation_share)
    if not aside:
        return _Parts(inputs, targets, None)
    held, learned = order[:aside], order[aside:]
    return _Parts(inputs[learned], targets[learned], (inputs[held], targets[held]))


def _batches(parts: _Parts, schedule: Schedule, seed: int) -> Iterator[tuple[Array, Array]]:
    """Batches without end, in a new order each epoch; what does not fill a batch waits for another epoch."""
    rng = np.random.default_rng([seed, 1])
    size = min(schedule.batch_size, len(parts.inputs))
    rebuilds = parts.targets is parts.inputs
    while True:
        order = rng.permutation(len(parts.inputs))
        for first in range(0, len(order) - size + 1, size):
            chosen = order[first : first + size]
            inputs = _augment(parts.inputs[chosen], schedule, rng)
            yield inputs, inputs if rebuilds else parts.targets[chosen]


def _augment(inputs: Array, schedule: Schedule, rng: np.random.Generator) -> Array:
    if schedule.augment is None:
        return inputs
    changed = np.asarray(schedule.augment(inputs, rng))
    if changed.shape != inputs.shape:
        raise BuildError(f"the schedule's augment made a batch of {changed.shape} out of one of {inputs.shape}")
    return changed.astype(inputs.dtype, copy=False)


def _progress_callbacks(say: Callable[[str], None], *, epochs: int, steps: int, score: str) -> dict[str, Any]:
    """Callbacks that tell how training goes, and end it where the loss is no number any more."""
    told = time.monotonic()
    epoch = 0

    def begin(number: int, _logs: Any = None) -> None:  # noqa: ANN401
        nonlocal epoch
        epoch = number + 1

    def batch(number: int, logs: Any = None) -> None:  # noqa: ANN401
        nonlocal told
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            raise BuildError(
                f"training diverged in epoch {epoch}: its loss is {logs['loss']}: try a lower learning rate"
            )
        if time.monotonic() - told > _BETWEEN_S:
            told = time.monotonic()
            say(f"epoch {epoch} of {epochs}: {(number + 1) / steps:.0%} done")

    def end(number: int, logs: Any = None) -> None:  # noqa: ANN401
        nonlocal told
        told = time.monotonic()
        say(f"epoch {number + 1} of {epochs}: {_figure(logs or {}, score)}")

    return {"on_epoch_begin": begin, "on_train_batch_end": batch, "on_epoch_end": end}


def _figure(logs: dict[str, float], score: str) -> str:
    """The figure of an epoch that tells most."""
    prefix, where = ("val_", "validation ") if "val_loss" in logs else ("", "")
    if score == "top1" and f"{prefix}accuracy" in logs:
        return f"{where}accuracy {100 * logs[f'{prefix}accuracy']:.1f} %"
    return f"{where}loss {logs.get(f'{prefix}loss', float('nan')):.4g}"


def _notes(history: dict[str, list[float]], dataset: Dataset, *, stopped: bool, patience: int) -> tuple[str, ...]:
    if "val_loss" not in history:
        return ()
    best = int(np.argmin(history["val_loss"]))
    figure = _figure({name: values[best] for name, values in history.items()}, dataset.score)
    notes = [f"best validation loss in epoch {best + 1}: {figure}"]
    if stopped:
        notes.append(f"stopped early: no better validation loss in {patience} epochs")
    return tuple(notes)


def _check_schedule(schedule: Schedule, *, epochs: int, rate: float) -> None:
    wrong = {
        "epochs": (epochs, epochs >= 1, "1 or more"),
        "batch_size": (schedule.batch_size, schedule.batch_size >= 1, "1 or more"),
        "learning_rate": (rate, rate > 0, "above 0"),
        "patience": (schedule.patience, schedule.patience >= 0, "0 or more"),
        "validation_share": (schedule.validation_share, 0 <= schedule.validation_share < 1, "from 0 to below 1"),
    }
    for name, (value, good, expected) in wrong.items():
        if not good:
            raise BuildError(f"the schedule's {name} is {value}, where {expected} was expected")
