"""In the worker: a model's trainings one after another, each made only where its weights are not kept already."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.pipeline.model.dataset import Dataset
from harness.pipeline.model.job import BuildJob
from harness.pipeline.model.training.fit import check_learning, fit
from harness.pipeline.model.training.load_model import SourceModel, load_model, load_untrained
from harness.pipeline.model.training.step_trainer import LoadedModel, StepContext, StepTrainer, load_trainer
from harness.pipeline.model.training.teacher import Teacher, make_teacher, train_teacher
from harness.pipeline.model.training.weights import (
    KeptWeights,
    check_finite,
    find_weights,
    keep_weights,
    load_kept_weights,
    load_weights_file,
    lock_weights,
)
from harness.pipeline.recipes import STEPS
from harness.pipeline.recipes.recipe_grammar import Call, parse_word
from harness.pipeline.recipes.step import ModelStep
from harness.records.artifact import Rival, Training
from harness.records.candidate import Argument
from harness.records.errors import BuildError

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainedSteps:
    """The model a job exports, how its weights came to be, and what it is held against."""

    made: LoadedModel
    trainings: tuple[Training, ...]
    rival: Rival | None


@dataclass(frozen=True)
class _Run:
    """A job being done; ``root`` is the model of its source, which its own training trains in place."""

    job: BuildJob
    say: Say
    root: SourceModel

    @property
    def label(self) -> str:
        return f"{self.job.model.label}/{self.job.recipe}"


def train_steps(job: BuildJob, say: Say) -> TrainedSteps:
    """Run all trainings; one whose weights are kept trains nothing, and nothing before it does. Raises BuildError."""
    _refuse_hopeless(job)
    say("making the model")
    run = _Run(job, say, _root(job))
    if len(job.trainings) > 1 or not run.root.trained:
        with _add_label(run.label):
            check_learning(run.root.made.model, _data(run))
    return _train_or_load(run, len(job.trainings) - 1)


def _refuse_hopeless(job: BuildJob) -> None:
    """What can be told before anything is made."""
    if len(job.trainings) > 1 and job.model.kind == "keras" and job.model.data is None:
        raise BuildError(
            f"{job.model.label}/{job.recipe} trains the model further, and no data set was named for the file: "
            'give one, such as data="digits"'
        )


def _root(job: BuildJob) -> SourceModel:
    fresh = load_model(job.model, seed=job.seed)
    if job.model.weights is not None:
        load_weights_file(fresh.made.model, Path(job.model.weights), label=job.model.label)
        return SourceModel(fresh.made, trained=True)
    if fresh.trained:
        check_finite(fresh.made.model, job.model.label)
    return fresh


def _data(run: _Run) -> Dataset:
    made = run.root.made
    if made.dataset is None:
        raise BuildError(
            f"{run.label} trains the model, and there is no data to train it on: {made.accuracy_reason}: "
            "let the factory return a TrainedModel or an UntrainedModel with a Dataset"
        )
    return made.dataset


def _train_or_load(run: _Run, index: int) -> TrainedSteps:
    """The model of a training with its weights trained, or loaded where they are kept."""
    if index == 0 and run.root.trained:
        return TrainedSteps(run.root.made, (Training(what=_describe_given(run)),), None)
    folder = Path(run.job.trainings[index].weights)
    with lock_weights(folder, run.say):
        known = find_weights(folder)
        if known is not None:
            return _load(run, index, known)
        trained = _train_first(run) if index == 0 else _train_step(run, index)
        record = KeptWeights(trainings=trained.trainings, rival=trained.rival)
        keep_weights(trained.made.model, folder, record, label=run.label)
    return trained


def _describe_given(run: _Run) -> str:
    """How a model that came trained got its weights."""
    source = run.job.model
    if source.weights is not None:
        return f"weights of {Path(source.weights).name}"
    return "trained by its factory" if source.kind == "factory" else f"trained before: {Path(source.source).name}"


def _load(run: _Run, index: int, known: KeptWeights) -> TrainedSteps:
    made = _architecture(run, index)
    load_kept_weights(made.model, Path(run.job.trainings[index].weights), label=run.label)
    trainings = tuple(training.model_copy(update={"cached": True}) for training in known.trainings)
    return TrainedSteps(made, trainings, known.rival)


def _architecture(run: _Run, index: int) -> LoadedModel:
    """The model of a training before its weights are loaded: nothing trains."""
    if index == 0:
        return run.root.made
    trainer, call = _trainer(run, index)
    teacher = _teacher(run, index)
    context = _context(
        run,
        previous=lambda: _architecture(run, index - 1),
        teacher=None if teacher is None else lambda: teacher.made,
    )
    return replace(run.root.made, model=trainer.architecture(context, call))


def _train_first(run: _Run) -> TrainedSteps:
    """The model's own training."""
    made = run.root.made
    with _add_label(run.label):
        training = fit(
            made.model,
            _data(run),
            made.schedule,
            seed=run.job.seed,
            say=lambda message: run.say(f"training, {message}"),
        )
    return TrainedSteps(made, (training,), None)


def _train_step(run: _Run, index: int) -> TrainedSteps:
    """The training of a recipe's step; what it does not ask for is not trained."""
    trainer, call = _trainer(run, index)
    teacher = _teacher(run, index)
    earlier: list[TrainedSteps] = []
    taught: list[TrainedSteps] = []

    def previous() -> LoadedModel:
        if not earlier:
            earlier.append(_train_or_load(run, index - 1))
        return earlier[0].made

    def teaching() -> LoadedModel:
        if not taught and teacher is not None:
            taught.append(TrainedSteps(teacher.made, train_teacher(teacher, seed=run.job.seed, say=run.say), None))
        # The student is trained by its own schedule, with the teacher or alone.
        return replace(taught[0].made, schedule=run.root.made.schedule)

    context = _context(run, previous=previous, teacher=None if teacher is None else teaching)
    model = trainer.architecture(context, call)
    outcome = trainer.train(model, context, call)
    before = tuple(training for trained in [*earlier, *taught] for training in trained.trainings)
    return TrainedSteps(replace(run.root.made, model=model), (*before, outcome.training), outcome.rival)


def _trainer(run: _Run, index: int) -> tuple[StepTrainer, Call]:
    call = parse_word(str(run.job.trainings[index].step))
    step = STEPS.get(call.name)
    if not isinstance(step, ModelStep):
        raise BuildError(f"{run.label}: {call} is no step that changes a model")
    return load_trainer(step), call


def _teacher(run: _Run, index: int) -> Teacher | None:
    """The teacher that a step names, made and found to fit, not trained yet."""
    training = run.job.trainings[index]
    if training.teacher is None:
        return None
    folder = None if training.teacher_weights is None else Path(training.teacher_weights)
    return make_teacher(training.teacher, folder, student=run.root.made, job=run.job)


def _context(
    run: _Run, *, previous: Callable[[], LoadedModel], teacher: Callable[[], LoadedModel] | None
) -> StepContext:
    def fresh(arguments: Mapping[str, Argument]) -> LoadedModel:
        made = load_untrained(run.job.model, arguments, seed=run.job.seed)
        # The same data as the model's own, which need not be held twice.
        return replace(made, dataset=run.root.made.dataset)

    return StepContext(previous=previous, fresh=fresh, teacher=teacher, seed=run.job.seed, say=run.say, label=run.label)


@contextmanager
def _add_label(label: str) -> Iterator[None]:
    """Put the candidate before what went wrong, where it is not said already."""
    try:
        yield
    except BuildError as error:
        raise error if str(error).startswith(label) else BuildError(f"{label}: {error}") from error
