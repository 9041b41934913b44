"""In the worker: a model's trainings one after another, each made only where its weights are not kept already."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.pipeline.model.dataset import Dataset
from harness.pipeline.model.job import BuildJob
from harness.pipeline.model.training.fitting import fit
from harness.pipeline.model.training.learning_data import check_learning
from harness.pipeline.model.training.making import Fresh, make, remade
from harness.pipeline.model.training.teaching import Teacher, make_teacher, trained_teacher
from harness.pipeline.model.training.weights import Kept, check_finite, keep, kept, load_file, load_kept, locked
from harness.pipeline.recipes import STEPS, ModelStep
from harness.pipeline.recipes.recipe_grammar import Call, parse_word
from harness.pipeline.recipes.step import Made, Subject
from harness.records.artifact import Rival, Training
from harness.records.candidate import Argument
from harness.records.errors import BuildError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """The model a job exports, how its weights came to be, and what it is held against."""

    made: Made
    trainings: tuple[Training, ...]
    rival: Rival | None


@dataclass(frozen=True)
class _Run:
    """A job being done; ``root`` is the model of its source, which its own training trains in place."""

    job: BuildJob
    say: Say
    root: Fresh

    @property
    def label(self) -> str:
        return f"{self.job.model.label}/{self.job.recipe}"


def run_stages(job: BuildJob, say: Say) -> Trained:
    """Run a job's stages; one whose weights are kept trains nothing, and nothing before it does. Raises BuildError."""
    _refuse_hopeless(job)
    say("making the model")
    run = _Run(job, say, _root(job))
    if len(job.stages) > 1 or not run.root.trained:
        with _labelled(run.label):
            check_learning(run.root.made.model, _data(run))
    return _trained(run, len(job.stages) - 1)


def _refuse_hopeless(job: BuildJob) -> None:
    """What can be told before anything is made."""
    if len(job.stages) > 1 and job.model.kind == "keras" and job.model.data is None:
        raise BuildError(
            f"{job.model.label}/{job.recipe} trains the model further, and no data set was named for the file: "
            'give one, such as data="digits"'
        )


def _root(job: BuildJob) -> Fresh:
    fresh = make(job.model, seed=job.seed)
    if job.model.weights is not None:
        load_file(fresh.made.model, Path(job.model.weights), label=job.model.label)
        return Fresh(fresh.made, trained=True)
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


def _trained(run: _Run, index: int) -> Trained:
    """The model of a stage with its weights trained, or loaded where they are kept."""
    if index == 0 and run.root.trained:
        return Trained(run.root.made, (Training(what=_given(run)),), None)
    folder = Path(run.job.stages[index].weights)
    with locked(folder, run.say):
        known = kept(folder)
        if known is not None:
            return _loaded(run, index, known)
        trained = _first(run) if index == 0 else _further(run, index)
        record = Kept(trainings=trained.trainings, rival=trained.rival)
        keep(trained.made.model, folder, record, label=run.label)
    return trained


def _given(run: _Run) -> str:
    """How a model that came trained got its weights."""
    source = run.job.model
    if source.weights is not None:
        return f"weights of {Path(source.weights).name}"
    return "trained by its factory" if source.kind == "factory" else f"trained before: {Path(source.source).name}"


def _loaded(run: _Run, index: int, known: Kept) -> Trained:
    made = _architecture(run, index)
    load_kept(made.model, Path(run.job.stages[index].weights), label=run.label)
    trainings = tuple(training.model_copy(update={"cached": True}) for training in known.trainings)
    return Trained(made, trainings, known.rival)


def _architecture(run: _Run, index: int) -> Made:
    """The model of a stage before its weights are loaded: nothing trains."""
    if index == 0:
        return run.root.made
    step, call = _step(run, index)
    teacher = _teacher(run, index)
    subject = _subject(
        run,
        previous=lambda: _architecture(run, index - 1),
        teacher=None if teacher is None else lambda: teacher.made,
    )
    return replace(run.root.made, model=step.architecture(subject, call))


def _first(run: _Run) -> Trained:
    """The model's own training."""
    made = run.root.made
    with _labelled(run.label):
        training = fit(
            made.model,
            _data(run),
            made.schedule,
            seed=run.job.seed,
            say=lambda message: run.say(f"training, {message}"),
        )
    return Trained(made, (training,), None)


def _further(run: _Run, index: int) -> Trained:
    """The training of a recipe's step; what it does not ask for is not trained."""
    step, call = _step(run, index)
    teacher = _teacher(run, index)
    earlier: list[Trained] = []
    taught: list[Trained] = []

    def previous() -> Made:
        if not earlier:
            earlier.append(_trained(run, index - 1))
        return earlier[0].made

    def teaching() -> Made:
        if not taught and teacher is not None:
            taught.append(Trained(teacher.made, trained_teacher(teacher, seed=run.job.seed, say=run.say), None))
        # The student is trained by its own schedule, with the teacher or alone.
        return replace(taught[0].made, schedule=run.root.made.schedule)

    subject = _subject(run, previous=previous, teacher=None if teacher is None else teaching)
    model = step.architecture(subject, call)
    outcome = step.train(model, subject, call)
    before = tuple(training for trained in [*earlier, *taught] for training in trained.trainings)
    return Trained(replace(run.root.made, model=model), (*before, outcome.training), outcome.rival)


def _step(run: _Run, index: int) -> tuple[ModelStep, Call]:
    call = parse_word(str(run.job.stages[index].step))
    step = STEPS.get(call.name)
    if not isinstance(step, ModelStep):
        raise BuildError(f"{run.label}: {call} is no step that changes a model")
    return step, call


def _teacher(run: _Run, index: int) -> Teacher | None:
    """The teacher that a step names, made and found to fit, not trained yet."""
    stage = run.job.stages[index]
    if stage.teacher is None:
        return None
    folder = None if stage.teacher_weights is None else Path(stage.teacher_weights)
    return make_teacher(stage.teacher, folder, student=run.root.made, job=run.job)


def _subject(run: _Run, *, previous: Callable[[], Made], teacher: Callable[[], Made] | None) -> Subject:
    def fresh(arguments: Mapping[str, Argument]) -> Made:
        made = remade(run.job.model, arguments, seed=run.job.seed)
        # The same data as the model's own, which need not be held twice.
        return replace(made, dataset=run.root.made.dataset)

    return Subject(previous=previous, fresh=fresh, teacher=teacher, seed=run.job.seed, say=run.say, label=run.label)


@contextmanager
def _labelled(label: str) -> Iterator[None]:
    """Put the candidate before what went wrong, where it is not said already."""
    try:
        yield
    except BuildError as error:
        raise error if str(error).startswith(label) else BuildError(f"{label}: {error}") from error
