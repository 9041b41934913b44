"""Run in a process of its own, which TensorFlow needs: prunes and distils a small dense net, prints what came of it."""

import json
import sys
from dataclasses import replace

import keras
import numpy as np

from harness.pipeline.model.dataset import Dataset, Schedule
from harness.pipeline.model.training.fit import fit, score_model
from harness.pipeline.model.training.step_trainer import LoadedModel, StepContext, load_trainer
from harness.pipeline.recipes import STEPS
from harness.pipeline.recipes.recipe_grammar import parse_word
from harness.pipeline.recipes.step import ModelStep
from harness.records.errors import BuildError

SCHEDULE = Schedule(epochs=6, batch_size=32, learning_rate=1e-2, patience=6, finetune_epochs=8)


def network(*, hidden: int, classes: int = 3, softmax: bool = True, rebuilds: bool = False):
    x = inputs = keras.Input((6, 6, 1), name="x")
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.Conv2D(hidden, 3, padding="same", activation="relu")(x)
    x = keras.layers.Flatten()(x)
    if rebuilds:
        return keras.Model(inputs, keras.layers.Reshape((6, 6, 1))(keras.layers.Dense(36)(x)))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax" if softmax else None)(x))


def data(*, auc: bool = False) -> Dataset:
    rng = np.random.default_rng(0)
    prototypes = rng.random((3, 6, 6, 1))
    labels = rng.integers(0, 3, 480)
    inputs = (prototypes[labels] + rng.normal(0, 0.3, (480, 6, 6, 1))).astype(np.float32)
    if auc:
        odd = np.concatenate([inputs[300:360], rng.random((60, 6, 6, 1), dtype=np.float32) * 3])
        return Dataset("d", inputs[:50], odd, np.repeat([0, 1], 60), train_inputs=inputs[50:300], score="auc")
    return Dataset("d", inputs[:50], inputs[50:150], labels[50:150], inputs[150:], labels[150:])


def subject(model, dataset, *, teacher=None, student=None) -> StepContext:
    made = LoadedModel(model, dataset, None if dataset else "no data here", SCHEDULE)
    return StepContext(
        previous=lambda: made,
        fresh=lambda arguments: LoadedModel(student(**arguments), dataset, None, SCHEDULE),
        teacher=None if teacher is None else lambda: LoadedModel(teacher, dataset, None, SCHEDULE),
        seed=0,
        say=lambda message: None,
        label="net/recipe",
    )


_weights = {}


def fitted(dataset, **shape):
    """A network that was fitted to the data; of one shape it is fitted once."""
    model, key = network(**shape), (dataset.score, *shape.items())
    if key in _weights:
        model.set_weights(_weights[key])
    else:
        fit(model, dataset, SCHEDULE, seed=0, say=lambda message: None)
        _weights[key] = model.get_weights()
    return model


def zeros(model):
    kernels = [np.asarray(layer.kernel) for layer in model.layers if hasattr(layer, "kernel")]
    return sum(int((kernel == 0).sum()) for kernel in kernels) / sum(kernel.size for kernel in kernels)


def run(word, about):
    call = parse_word(word)
    step = STEPS[call.name]
    assert isinstance(step, ModelStep)
    trainer = load_trainer(step)
    model = trainer.architecture(about, call)
    return model, trainer.train(model, about, call)


def pruned(word, *, anew=False):
    if anew:
        _weights.clear()
    keras.utils.set_random_seed(0)
    dataset = data()
    model = fitted(dataset, hidden=16)
    before = score_model(model, dataset)
    model, outcome = run(word, subject(model, dataset))
    dense = np.asarray(model.layers[-1].kernel).T
    return {
        "before": before,
        "after": score_model(model, dataset),
        "zeros": zeros(model),
        "blocks": float(np.mean([len(set(block == 0)) == 1 for block in dense.reshape(-1, 4)])),
        "kept": [bool(np.any(np.asarray(layer.kernel))) for layer in model.layers if hasattr(layer, "kernel")],
        "what": outcome.training.what,
        "notes": list(outcome.training.notes),
    }


def distilled(word, *, softmax=True, auc=False, own_teacher=False):
    keras.utils.set_random_seed(0)
    dataset = data(auc=auc)
    model = fitted(dataset, hidden=16, softmax=softmax, rebuilds=auc)
    frozen = [np.array(weights) for weights in model.get_weights()]
    teacher = model if own_teacher else None

    def student(width=1.0):
        return network(hidden=round(16 * width), softmax=softmax, rebuilds=auc)

    student_model, outcome = run(word, subject(model, dataset, teacher=teacher, student=student))
    rival = outcome.rival
    return {
        "parameters": [model.count_params(), student_model.count_params()],
        "own": rival.own_value,
        "alone": rival.value,
        "scored": score_model(student_model, dataset),
        "what": [outcome.training.what, rival.what, rival.score],
        "teacher_moved": any(not np.array_equal(a, b) for a, b in zip(frozen, model.get_weights(), strict=True)),
        "last": student_model.layers[-1].get_config().get("activation"),
    }


def taught():
    """A student whose labels are drawn by lot, with a teacher that knows better: the right answers, and the lot's."""
    keras.utils.set_random_seed(0)
    dataset = data()
    model = fitted(dataset, hidden=16)
    drawn = replace(dataset, train_labels=np.random.default_rng(1).permutation(dataset.train_labels))
    _, outcome = run("distill(width=0.5)", subject(model, drawn, student=lambda width: network(hidden=8)))
    return {"taught": outcome.rival.own_value, "alone": outcome.rival.value}


def taught_to_rebuild():
    """A student whose teacher gives zero for everything: its mean output as a share of what it gives on its own."""
    keras.utils.set_random_seed(0)
    dataset, model = data(auc=True), network(hidden=16, rebuilds=True)
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    student, _ = run(
        "distill(width=0.5)", subject(model, dataset, student=lambda width: network(hidden=8, rebuilds=True))
    )
    return float(np.mean(student.predict(dataset.train_inputs, verbose=0)) / np.mean(dataset.train_inputs))


def refused(word, about):
    try:
        run(word, about)
    except BuildError as error:
        return str(error)
    return ""


def main() -> None:
    keras.utils.set_random_seed(0)
    flat = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten()])
    found = {
        "prune": pruned("prune(0.8)"),
        "again": pruned("prune(0.8)", anew=True),
        "blocks": pruned("prune(0.5, block=(1, 4))"),
        "distill": distilled("distill(width=0.5)"),
        "logits": distilled("distill(width=0.5)", softmax=False),
        "auc": distilled("distill(width=0.5)", auc=True),
        "teacher": distilled("distill(teacher=other)", own_teacher=True),
        "taught": taught(),
        "taught_to_rebuild": taught_to_rebuild(),
        "no_data": refused("prune(0.5)", subject(network(hidden=4), None)),
        "nothing_to_prune": refused("prune(0.5)", subject(flat, data())),
        "other_classes": refused(
            "distill(teacher=other)",
            subject(network(hidden=4), data(), teacher=network(hidden=4, classes=5), student=lambda: network(hidden=4)),
        ),
    }
    sys.stdout.write(json.dumps(found))


main()
