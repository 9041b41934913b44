"""In the worker: the teacher that a recipe names, made for the student's data, trained on it and kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.pipeline.model.job import BuildJob, ModelSource
from harness.pipeline.model.training.factories import default_of, takes
from harness.pipeline.model.training.fit import check_learning, fit
from harness.pipeline.model.training.load_model import load_model
from harness.pipeline.model.training.step_trainer import LoadedModel
from harness.pipeline.model.training.weights import (
    KeptWeights,
    check_finite,
    find_weights,
    keep_weights,
    load_kept_weights,
    lock_weights,
)
from harness.records.artifact import Training
from harness.records.errors import BuildError


@dataclass(frozen=True)
class Teacher:
    """A teacher with the student's data; ``folder`` keeps its weights, ``trained`` says whether its source did that."""

    made: LoadedModel
    label: str
    folder: Path | None
    trained: bool


def make_teacher(source: ModelSource, folder: Path | None, *, student: LoadedModel, job: BuildJob) -> Teacher:
    """The teacher, not trained yet unless its source does that. Raises BuildError where it does not fit the student."""
    fresh = load_model(_on_the_same_data(source, job.model), seed=job.seed)
    label = f"{job.model.label}/{job.recipe}: its teacher {source.label}"
    made = replace(fresh.made, dataset=student.dataset, accuracy_reason=student.accuracy_reason)
    _check_fit(made, student, label)
    if fresh.trained:
        check_finite(made.model, label)
    return Teacher(made, label, folder, fresh.trained)


def train_teacher(teacher: Teacher, *, seed: int, say: Callable[[str], None]) -> tuple[Training, ...]:
    """Train a teacher in place, or load what was kept of it; gives how its weights came to be. Raises BuildError."""
    if teacher.trained or teacher.folder is None or teacher.made.dataset is None:
        return (Training(what="its teacher, which came trained"),)
    made, folder = teacher.made, teacher.folder
    with lock_weights(folder, say):
        known = find_weights(folder)
        if known is not None:
            load_kept_weights(made.model, folder, label=teacher.label)
            return tuple(training.model_copy(update={"cached": True}) for training in known.trainings)
        training = fit(
            made.model,
            teacher.made.dataset,
            made.schedule,
            seed=seed,
            say=lambda message: say(f"training its teacher, {message}"),
        ).model_copy(update={"what": "its teacher, trained"})
        keep_weights(made.model, folder, KeptWeights(trainings=(training,)), label=teacher.label)
    return (training,)


def _on_the_same_data(source: ModelSource, student: ModelSource) -> ModelSource:
    """The teacher's source with the student's data set, where its factory takes one and it was given none."""
    if source.kind != "factory" or "data" in source.arguments or not takes(source, "data"):
        return source
    word: object = student.arguments.get("data", student.data)
    if word is None and student.kind == "factory":
        word = default_of(student, "data")
    if not isinstance(word, str):
        return source
    return source.model_copy(update={"arguments": {**source.arguments, "data": word}, "base_dir": student.base_dir})


def _check_fit(made: LoadedModel, student: LoadedModel, label: str) -> None:
    if made.dataset is None:
        raise BuildError(f"{label} has no data to teach with")
    try:
        check_learning(made.model, made.dataset)
    except BuildError as error:
        raise BuildError(f"{label} does not fit the student's data: {error}") from error
    given, wanted = (tuple(model.outputs[0].shape[1:]) for model in (made.model, student.model))
    if given != wanted:
        raise BuildError(f"{label} gives {given} a sample, and the student {wanted}: name one with the same classes")
