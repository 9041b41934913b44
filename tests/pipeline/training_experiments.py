"""Run in the TensorFlow process by tests of training: each function trains something tiny and writes what came of it.

They are factories, since that is what the process can be asked to call; the model each gives means nothing.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from harness.pipeline.model.dataset import Dataset, Schedule
from harness.pipeline.model.training.fit import fit, gives_probabilities, score_model
from harness.pipeline.model.training.weights import (
    KeptWeights,
    check_finite,
    find_weights,
    keep_weights,
    load_kept_weights,
)
from harness.records.artifact import Training
from harness.records.errors import BuildError

HERE = Path(__file__).parent
SCHEDULE = Schedule(epochs=12, batch_size=16, learning_rate=0.05, patience=12)


def quadrants(train: int = 160, **changes: Any) -> Dataset:
    """Points in the plane; the class is the quadrant."""
    rng = np.random.default_rng(5)
    inputs = rng.uniform(-1, 1, (train + 120, 2)).astype(np.float32)
    labels = (2 * (inputs[:, 0] > 0) + (inputs[:, 1] > 0)).astype(np.int64)
    made = Dataset(
        "quadrants", inputs[:20], inputs[20:120], labels[20:120], train_inputs=inputs[120:], train_labels=labels[120:]
    )
    return replace(made, **changes)


def line(train: int = 128) -> Dataset:
    """Points on a line through six dimensions; anomalous ones lie beside it."""
    rng = np.random.default_rng(6)
    on = np.outer(rng.uniform(-1, 1, train + 100), np.linspace(0.5, 1, 6)).astype(np.float32)
    test = on[train:].copy()
    labels = np.arange(len(test)) % 2
    test[labels == 1] += rng.normal(0, 0.5, (labels.sum(), 6)).astype(np.float32)
    return Dataset("line", on[:20], test, labels, train_inputs=on[:train], score="auc")


def classifier(*, activation: str | None = "softmax", classes: int = 4, dropout: float = 0.0, seed: int = 1) -> Any:
    keras.utils.set_random_seed(seed)
    x = given = keras.Input((2,))
    x = keras.layers.Dense(16, "relu")(x)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    return keras.Model(given, keras.layers.Dense(classes, activation=activation)(x), name="classifier")


def autoencoder() -> Any:
    keras.utils.set_random_seed(1)
    given = keras.Input((6,))
    return keras.Model(given, keras.layers.Dense(6)(keras.layers.Dense(2)(given)), name="autoencoder")


def any_model() -> Any:
    x = keras.Input((2,))
    return keras.Model(x, keras.layers.Dense(1)(x))


def answer(name: str, **found: Any) -> Any:
    (HERE / f"{name}.json").write_text(json.dumps(found))
    return any_model()


def print_of(model: Any) -> str:
    """What the weights are, to the bit."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(value).tobytes() for value in model.get_weights())).hexdigest()


def refusal(call: Any) -> str:
    try:
        call()
    except BuildError as error:
        return str(error)
    return "nothing was refused"


def quiet(_message: str) -> None:
    pass


def fitted(model: Any, dataset: Dataset, schedule: Schedule = SCHEDULE, **given: Any) -> Training:
    return fit(model, dataset, schedule, **{"seed": 0, "say": quiet, **given})


# fitting and scoring


def learns() -> Any:
    said: list[str] = []
    model = classifier()
    before = score_model(model, quadrants())
    training = fitted(model, quadrants(), say=said.append)
    return answer(
        "learns", before=before, after=score_model(model, quadrants()), said=said, training=training.model_dump()
    )


def same_for_the_same_seed() -> Any:
    def trained(seed: int) -> str:
        model = classifier(dropout=0.2)
        fitted(model, quadrants(), epochs=3, seed=seed)
        return print_of(model)

    np.random.default_rng().random()
    keras.utils.set_random_seed(99)
    return answer("same_for_the_same_seed", prints=[trained(0), trained(0), trained(1)])


def logits_and_probabilities() -> Any:
    found = {}
    for activation in ("softmax", None):
        model = classifier(activation=activation)
        fitted(model, quadrants())
        found[str(activation)] = {
            "logits": model.loss.get_config()["from_logits"],
            "probabilities": gives_probabilities(model, quadrants().test_inputs),
            "score": score_model(model, quadrants()),
        }
    return answer("logits_and_probabilities", **found)


def rebuilds() -> Any:
    said: list[str] = []
    model = autoencoder()
    fitted(model, line(), say=said.append)
    return answer("rebuilds", loss=str(model.loss), score=score_model(model, line()), said=said)


def doubled(labels: Any, outputs: Any) -> Any:
    return 2 * keras.losses.sparse_categorical_crossentropy(labels, outputs)


def own_loss() -> Any:
    model = classifier()
    model.compile("sgd", loss=doubled)
    training = fitted(model, quadrants(), epochs=1)
    return answer(
        "own_loss", own=model.loss is doubled, optimizer=type(model.optimizer).__name__, epochs=training.epochs
    )


def stops_early() -> Any:
    model = classifier()
    training = fitted(model, quadrants(), replace(SCHEDULE, epochs=200, patience=2, learning_rate=0.3))
    losses = model.evaluate(quadrants().test_inputs, quadrants().test_labels, verbose=0)
    return answer("stops_early", epochs=training.epochs, notes=training.notes, loss=losses[0])


def keeps_the_best() -> Any:
    """Weights are spoiled in the last epoch: with keep_best the epoch before counts, without it does not."""
    found = {}
    for keep_best in (True, False):
        model = classifier()
        spoil = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs=None, model=model: (
                model.set_weights([np.zeros_like(w) for w in model.get_weights()]) if epoch == 11 else None
            )
        )
        fitted(model, quadrants(), callbacks=[spoil], keep_best=keep_best)
        found[str(keep_best)] = score_model(model, quadrants())
    return answer("keeps_the_best", **found)


class Counting(keras.Model):
    """Python runs a step where Keras traces it."""

    traced = 0

    def train_step(self, data: Any) -> Any:
        self.traced += 1
        return super().train_step(data)


def traces() -> Any:
    given = keras.Input((2,))
    model = Counting(given, keras.layers.Dense(4, "softmax")(given))
    fitted(model, quadrants(), epochs=1)
    return answer("traces", traced=model.traced)


def augments() -> Any:
    shapes = []

    def mirrored(batch: Any, rng: Any) -> Any:
        shapes.append(list(batch.shape))
        return batch * np.float32(1) + 0 * rng.random()

    schedule = replace(SCHEDULE, augment=mirrored, epochs=1)
    fitted(classifier(), quadrants(), schedule)
    cut = replace(schedule, augment=lambda batch, _rng: batch[:3])
    return answer("augments", shapes=shapes, refused=refusal(lambda: fitted(classifier(), quadrants(), cut)))


def diverges() -> Any:
    huge = quadrants(train_inputs=quadrants().train_inputs * np.float32(3e38))
    return answer("diverges", refused=refusal(lambda: fitted(classifier(), huge)))


def refused_schedules() -> Any:
    wrong = {
        "epochs": replace(SCHEDULE, epochs=0),
        "batch_size": replace(SCHEDULE, batch_size=0),
        "learning_rate": replace(SCHEDULE, learning_rate=0.0),
        "patience": replace(SCHEDULE, patience=-1),
        "validation_share": replace(SCHEDULE, validation_share=1.0),
    }
    found = {name: refusal(lambda one=one: fitted(classifier(), quadrants(), one)) for name, one in wrong.items()}
    return answer("refused_schedules", **found)


def refused_data() -> Any:
    points, labels = quadrants().train_inputs, quadrants().train_labels
    broken = points.copy()
    broken[3, 1] = np.nan
    wrong = {
        "no_train_part": quadrants(train_inputs=None),
        "empty": quadrants(train_inputs=points[:0]),
        "shape": quadrants(train_inputs=points[:, :1]),
        "axes": quadrants(train_inputs=points[..., np.newaxis]),
        "nan": quadrants(train_inputs=broken),
        "no_labels": quadrants(train_labels=None),
        "fewer_labels": quadrants(train_labels=labels[:-1]),
        "label_too_high": quadrants(train_labels=labels + 1),
        "label_below": quadrants(train_labels=labels - 1),
        "not_rebuilt": quadrants(score="auc"),
    }
    found = {name: refusal(lambda one=one: fitted(classifier(), one)) for name, one in wrong.items()}
    two = keras.Model(inputs := [keras.Input((2,)), keras.Input((2,))], keras.layers.Add()(inputs), name="two")
    found["two_inputs"] = refusal(lambda: fitted(two, quadrants()))
    return answer("refused_data", **found)


def scores() -> Any:
    """A model that gives its input, on data whose score can be counted by hand."""
    given = keras.Input((2,))
    same = keras.Model(given, keras.layers.Identity()(given))
    inputs = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]], np.float32)
    top1 = Dataset("four", inputs, inputs, np.array([0, 1, 1, 1]))
    zero = keras.Model(given, keras.layers.Rescaling(0.0)(given))
    errors = np.array([[1, 0], [2, 0], [3, 0], [4, 0]], np.float32)
    auc = {
        name: score_model(zero, Dataset("four", errors, errors, np.array(labels), score="auc"))
        for name, labels in {"all": [0, 0, 1, 1], "half": [0, 1, 1, 0], "none": [1, 1, 0, 0]}.items()
    }
    one_kind = Dataset("normal", errors, errors, np.zeros(4), score="auc")
    return answer("scores", top1=score_model(same, top1), auc=auc, refused=refusal(lambda: score_model(zero, one_kind)))


# weights


def kept_and_loaded() -> Any:
    folder = HERE / "kept"
    model, other = classifier(seed=1), classifier(seed=2)
    record = KeptWeights(trainings=(Training(what="trained", epochs=3),))
    keep_weights(model, folder, record, label="a model")
    found, nothing = find_weights(folder), find_weights(HERE / "nothing")
    load_kept_weights(other, folder, label="a model")
    return answer(
        "kept_and_loaded",
        same=print_of(model) == print_of(other),
        record=found == record,
        nothing=nothing is None,
        files=sorted(path.name for path in folder.iterdir()),
        beside=sorted(path.name for path in HERE.glob("kept*")),
    )


def weights_not_numbers() -> Any:
    model = classifier()
    layer = model.layers[1]
    layer.set_weights([np.full_like(layer.get_weights()[0], np.nan), layer.get_weights()[1]])
    folder = HERE / "spoiled"
    record = KeptWeights(trainings=())
    return answer(
        "weights_not_numbers",
        checked=refusal(lambda: check_finite(model, "a model")),
        kept=refusal(lambda: keep_weights(model, folder, record, label="a model")),
        left=[path.name for path in HERE.glob("spoiled*")],
        layer=layer.name,
    )


def damaged_record() -> Any:
    folder = HERE / "damaged"
    keep_weights(classifier(), folder, KeptWeights(trainings=()), label="a model")
    (folder / "training.json").write_text("{")
    torn = find_weights(folder) is None
    keep_weights(classifier(), folder, KeptWeights(trainings=()), label="a model")
    mended = find_weights(folder) is not None
    (folder / "model.weights.h5").write_bytes(b"no weights")
    return answer(
        "damaged_record",
        torn=torn,
        mended=mended,
        refused=refusal(lambda: load_kept_weights(classifier(), folder, label="a model")),
    )
