"""In the worker: knowledge distillation by keras.distillation, and the same student trained alone beside it.

Classifiers learn from softened probabilities (G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural
network", arXiv:1503.02531), networks that rebuild their input from the teacher's output itself.
"""

import time
from typing import Any, Final

from harness.pipeline.model.dataset import Dataset
from harness.pipeline.model.error_text import describe_exception
from harness.pipeline.model.training.fit import fit, gives_probabilities, score_model
from harness.pipeline.model.training.step_trainer import LoadedModel, StepContext, StepOutcome
from harness.pipeline.recipes.distill import width_of
from harness.pipeline.recipes.recipe_grammar import Call
from harness.records.artifact import Rival
from harness.records.errors import BuildError

TEMPERATURE: Final = 3.0
LABELS_SHARE: Final = 0.3
"""Of the loss: what comes from the labels; the rest comes from the teacher."""
_SMALLEST: Final = 1e-7
"""A probability below which its logarithm is cut."""


def architecture(context: StepContext, call: Call) -> Any:  # noqa: ANN401 - keras is not typed
    """The student: the candidate's own architecture, with another width where the step names one."""
    width = width_of(call)
    return context.fresh({} if width is None else {"width": width}).model


def train(student: Any, context: StepContext, call: Call) -> StepOutcome:  # noqa: ANN401
    """Train a student in place from its teacher, and a copy of it alone by the same schedule. Raises BuildError."""
    made = (context.teacher or context.previous)()
    dataset = _dataset(made, context)
    began = time.monotonic()
    alone = _trained_alone(student, dataset, made, context)
    distiller = _distiller(made.model, student, dataset, label=context.label)
    training = fit(
        distiller,
        dataset,
        made.schedule,
        seed=context.seed,
        say=lambda message: context.say(f"distilling, {message}"),
    )
    rival = Rival(
        what="the same student trained alone",
        value=score_model(alone, dataset),
        own_value=score_model(student, dataset),
        score=dataset.score,
        n=len(dataset.test_labels),
        seed=context.seed,
    )
    both_s = round(time.monotonic() - began, 3)  # the rival is part of what the recipe takes
    return StepOutcome(training.model_copy(update={"what": str(call), "seconds": both_s}), rival)


def _dataset(made: LoadedModel, context: StepContext) -> Dataset:
    if made.dataset is None:
        raise BuildError(f"{context.label} trains a student, and there is no data: {made.accuracy_reason}")
    return made.dataset


def _trained_alone(student: Any, dataset: Dataset, made: LoadedModel, context: StepContext) -> Any:  # noqa: ANN401
    """A copy with the same first weights, trained from the labels alone."""
    import keras

    alone = keras.models.clone_model(student)
    alone.set_weights(student.get_weights())
    fit(
        alone,
        dataset,
        made.schedule,
        seed=context.seed,
        say=lambda message: context.say(f"training the student alone, {message}"),
    )
    return alone


def _distiller(teacher: Any, student: Any, dataset: Dataset, *, label: str) -> Any:  # noqa: ANN401
    import keras

    if dataset.score == "auc":
        loss = keras.distillation.LogitsDistillation(temperature=1.0, loss="mean_squared_error")
    else:
        # By its name Keras 3.15 takes the divergence of logits as if they were probabilities, and nothing is learned.
        divergence = keras.losses.KLDivergence()
        loss = keras.distillation.LogitsDistillation(temperature=TEMPERATURE, loss=divergence)
        teacher, student = _as_logits(teacher, dataset), _as_logits(student, dataset)
    try:
        distiller = keras.distillation.Distiller(
            teacher=teacher, student=student, distillation_losses=loss, student_loss_weight=LABELS_SHARE
        )
    except ValueError as error:
        raise BuildError(f"{label}: its teacher does not fit the student: {describe_exception(error)}") from error
    # What the harness asks of a model that it trains, and Keras gives for functional ones only.
    distiller.inputs, distiller.outputs = student.inputs, student.outputs
    return distiller


def _as_logits(model: Any, dataset: Dataset) -> Any:  # noqa: ANN401
    """The model with logits for outputs: the logarithm of probabilities has them for its softmax."""
    import keras

    if not gives_probabilities(model, dataset.test_inputs):
        return model
    logits = keras.ops.log(keras.ops.clip(model.outputs[0], _SMALLEST, 1.0))
    return keras.Model(model.inputs, logits, name=f"{model.name}_logits")
