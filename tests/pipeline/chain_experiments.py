"""Run in the TensorFlow process by tests of the chain: whole jobs, with factories and steps of a trial's own."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
from training_experiments import SCHEDULE, answer, classifier, fitted, print_of, quadrants, refusal

from harness.pipeline.model.dataset import TrainedModel, UntrainedModel
from harness.pipeline.model.job import BuildJob, ModelSource, TrainingStep
from harness.pipeline.model.training.fit import score_model
from harness.pipeline.model.training.step_trainer import StepOutcome
from harness.pipeline.model.training.train_steps import train_steps
from harness.pipeline.recipes import STEPS
from harness.pipeline.recipes.step import ModelStep

HERE = Path(__file__).parent


def student(width: int = 8, data: str = "digits", epochs: int = 4) -> UntrainedModel:
    """A factory whose calls are counted."""
    with (HERE / "calls").open("a") as calls:
        calls.write(f"{width},{data}\n")
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Dense(4, "softmax")(keras.layers.Dense(width, "relu")(x)), name="student")
    return UntrainedModel(model, quadrants(), replace(SCHEDULE, epochs=epochs))


def wide_teacher(data: str = "synthetic(1)") -> UntrainedModel:
    made = student(64, data)
    return UntrainedModel(made.model, replace(made.dataset, name="the teacher's own"), made.schedule)


def five_classes() -> UntrainedModel:
    return UntrainedModel(classifier(classes=5), quadrants(), SCHEDULE)


def taught_itself(width: int = 8) -> TrainedModel:
    made = student(width)
    model = made.model
    model.compile(loss="sparse_categorical_crossentropy")
    model.fit(made.dataset.train_inputs, made.dataset.train_labels, verbose=0)
    return TrainedModel(model, made.dataset)


def without_data() -> TrainedModel:
    return TrainedModel(classifier(), accuracy_reason="made up")


def diverging() -> UntrainedModel:
    model = classifier()
    model.layers[1].set_weights([np.full((2, 16), np.inf, np.float32), np.zeros(16, np.float32)])
    return UntrainedModel(model, quadrants(), replace(SCHEDULE, validation_share=0.0))


def _nothing(_call: Any) -> None:
    pass


def _narrow(context: Any, _call: Any) -> Any:
    return context.fresh({"width": 4}).model


def _taught(model: Any, context: Any, call: Any) -> StepOutcome:
    """Train a little; the teacher, or the training before, is asked for as distillation does."""
    made = context.teacher() if context.teacher else context.previous()
    (HERE / "asked").write_text(f"{made.model.name} {made.dataset.name} {score_model(made.model, made.dataset):.3f}")
    training = fitted(model, made.dataset, epochs=2, seed=context.seed, say=context.say)
    return StepOutcome(training.model_copy(update={"what": str(call)}))


def _further(model: Any, context: Any, call: Any) -> StepOutcome:
    made = context.previous()
    training = fitted(model, made.dataset, epochs=2, seed=context.seed, say=context.say)
    return StepOutcome(training.model_copy(update={"what": str(call)}))


def _step(name: str, architecture: Any, train: Any) -> ModelStep:
    """A step whose module is made here."""
    trainer = ModuleType(f"trial_{name}")
    trainer.__dict__.update(architecture=architecture, train=train)
    sys.modules[trainer.__name__] = trainer
    return ModelStep(name, _nothing, trainer.__name__)


TRIAL_STEPS = {
    "narrow": _step("narrow", _narrow, _taught),
    "further": _step("further", lambda context, _call: context.previous().model, _further),
}


def _job(factory: str, *steps: str, folder: str, teacher: str | None = None, **source: Any) -> BuildJob:
    def of(name: str, **given: Any) -> ModelSource:
        return ModelSource(kind="factory", source=f"{__name__}:{name}", label=name, search=[str(HERE)], **given)

    model = ModelSource(label=factory, **source) if "kind" in source else of(factory, **source)
    trainings = [TrainingStep(step=None, weights=str(HERE / folder / "own"))]
    for number, step in enumerate(steps):
        trainings.append(
            TrainingStep(
                step=step,
                weights=str(HERE / folder / f"{number}{step}"),
                teacher=of(teacher) if teacher else None,
                teacher_weights=str(HERE / folder / "teacher") if teacher else None,
            )
        )
    return BuildJob(model=model, trainings=trainings, recipe="trial", seed=3, prepared="", output="")


def _run(job: BuildJob) -> dict[str, Any]:
    (HERE / "calls").write_text("")
    said: list[str] = []
    STEPS.update(TRIAL_STEPS)
    try:
        trained = train_steps(job, said.append)
    finally:
        for name in TRIAL_STEPS:
            del STEPS[name]
    return {
        "print": print_of(trained.made.model),
        "trainings": [(training.what, training.epochs, training.cached) for training in trained.trainings],
        "epochs": [message for message in said if "epoch" in message],
        "calls": (HERE / "calls").read_text().split(),
        "score": score_model(trained.made.model, trained.made.dataset) if trained.made.dataset else None,
    }


def one_stage() -> Any:
    job = _job("student", folder="one")
    first, second = _run(job), _run(job)
    again = _run(_job("student", folder="one again"))
    return answer("one_stage", first=first, second=second, again=again)


def two_stages() -> Any:
    job = _job("student", "further", folder="two")
    first, second = _run(job), _run(job)
    shutil.rmtree(HERE / "two" / "own")
    return answer("two_stages", first=first, second=second, without_the_first=_run(job))


def narrow_student() -> Any:
    job = _job("student", "narrow", folder="narrow")
    first = _run(job)
    asked = (HERE / "asked").read_text()
    return answer("narrow_student", first=first, asked=asked, second=_run(job))


def named_teacher() -> Any:
    job = _job("student", "narrow", folder="taught", teacher="wide_teacher")
    first = _run(job)
    asked = (HERE / "asked").read_text()
    shutil.rmtree(HERE / "taught" / "0narrow")
    again = _run(job)
    return answer(
        "named_teacher", first=first, asked=asked, again=again, own_trained=(HERE / "taught" / "own").exists()
    )


def teacher_of_other_classes() -> Any:
    job = _job("student", "further", "narrow", folder="misfit", teacher="five_classes")
    refused = refusal(lambda: _run(job))
    return answer("teacher_of_other_classes", refused=refused, left=[p.name for p in HERE.glob("misfit/*[!k]")])


def a_model_that_trains_itself() -> Any:
    found = _run(_job("taught_itself", "further", folder="itself"))
    return answer("a_model_that_trains_itself", found=found, narrow=_run(_job("taught_itself", "narrow", folder="i2")))


def nothing_to_train_on() -> Any:
    return answer(
        "nothing_to_train_on",
        factory=refusal(lambda: _run(_job("without_data", "further", folder="none"))),
        alone=_run(_job("without_data", folder="none"))["trainings"],
    )


def files() -> Any:
    fitted(model := classifier(), quadrants())
    model.save(HERE / "model.keras")
    model.save_weights(HERE / "given.weights.h5")
    narrow = classifier(classes=3)
    narrow.save_weights(HERE / "narrow.weights.h5")
    source = {"kind": "keras", "source": str(HERE / "model.keras")}
    stored = print_of(model)
    (HERE / "text.keras").write_text("no model")
    return answer(
        "files",
        stored=stored,
        as_given=_run(_job("model.keras", folder="file", **source)),
        further=refusal(lambda: _run(_job("model.keras", "further", folder="file", **source))),
        damaged=refusal(lambda: _run(_job("text.keras", folder="file", kind="keras", source=str(HERE / "text.keras")))),
        weights=_run(_job("five_like", folder="file", weights=str(HERE / "given.weights.h5"))),
        of_keras_file=_run(_job("five_like", folder="file", weights=str(HERE / "model.keras")))["print"],
        misfit=refusal(lambda: _run(_job("five_like", folder="file", weights=str(HERE / "narrow.weights.h5")))),
        missing=refusal(lambda: _run(_job("five_like", folder="file", weights=str(HERE / "nowhere.h5")))),
    )


def five_like() -> UntrainedModel:
    return UntrainedModel(classifier(seed=8), quadrants(), SCHEDULE)


def file_with_data() -> Any:
    x = keras.Input((8, 8, 1))
    keras.Model(x, keras.layers.Dense(10)(keras.layers.Flatten()(x)), name="flat").save(HERE / "flat.keras")
    source = {"kind": "keras", "source": str(HERE / "flat.keras"), "data": "digits"}
    trained = _run(_job("flat.keras", "further", folder="digits", **source))
    made_up = _run(_job("flat.keras", folder="synthetic", **{**source, "data": "synthetic(0)"}))
    return answer("file_with_data", trained=trained, made_up=made_up)


def spoiled() -> Any:
    return answer(
        "spoiled",
        refused=refusal(lambda: _run(_job("diverging", folder="spoil"))),
        left=[path.name for path in (HERE / "spoil").glob("*") if path.suffix != ".lock"],
    )
