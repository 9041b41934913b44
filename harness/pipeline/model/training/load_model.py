"""In the worker: from a model's source to a Keras model with its data, trained or not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final

from harness.pipeline.model.dataset import Dataset, Schedule, TrainedModel, UntrainedModel
from harness.pipeline.model.error_text import describe_exception
from harness.pipeline.model.job import ModelSource
from harness.pipeline.model.training.factories import call_factory
from harness.pipeline.model.training.pixel_range import pixel_range_of_model
from harness.pipeline.model.training.step_trainer import LoadedModel
from harness.records.candidate import Argument
from harness.records.errors import BuildError

_FACTORY_INSTEAD: Final = (
    "what a file cannot hold, such as custom layers, a Lambda or layers of another Keras, a factory can: give "
    "module:function, a function of yours that makes the model and loads its weights"
)
_NO_DATA: Final = "no data set was named, so that no accuracy is claimed"


@dataclass(frozen=True)
class SourceModel:
    """A model as its source gives it; ``trained`` says whether the source trained it."""

    made: LoadedModel
    trained: bool


def load_model(source: ModelSource, *, seed: int) -> SourceModel:
    """The model of a source, with random numbers seeded before. Raises BuildError.

    A Keras file is read in Keras' safe mode; its data set is the one that the user named for it.
    """
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if source.kind == "keras":
        return SourceModel(_read_file(source), trained=True)
    if source.kind == "saved_model":
        raise BuildError(f"{source.label}: a SavedModel cannot be trained further: give the model as a .keras file")
    given = call_factory(source)
    if isinstance(given, UntrainedModel):
        made = LoadedModel(_check_model(given.model, source), _check_data(given.dataset, source), None, given.schedule)
        return SourceModel(made, trained=False)
    if not isinstance(given, TrainedModel):
        given = TrainedModel(_check_model(given, source))
    dataset = None if given.dataset is None else _check_data(given.dataset, source)
    reason = None if dataset else given.accuracy_reason or "the factory gave no data set"
    return SourceModel(LoadedModel(_check_model(given.model, source), dataset, reason, given.schedule), trained=True)


def load_untrained(source: ModelSource, arguments: Mapping[str, Argument], *, seed: int) -> LoadedModel:
    """A factory's model with some other arguments, its weights not trained. Raises BuildError."""
    import keras

    if source.kind != "factory":
        raise BuildError(
            f"{source.label} is a file and cannot be made anew with {_write_arguments(arguments)}: give a factory"
        )
    fresh = load_model(source.model_copy(update={"arguments": {**source.arguments, **arguments}}), seed=seed)
    if not fresh.trained:
        return fresh.made
    keras.utils.set_random_seed(seed)
    try:
        untrained = keras.models.clone_model(fresh.made.model)
    except Exception as error:
        raise BuildError(
            f"{source.label} trains itself and cannot be copied without its weights ({describe_exception(error)}): "
            "let it return an UntrainedModel"
        ) from error
    return replace(fresh.made, model=untrained)


def _read_file(source: ModelSource) -> LoadedModel:
    """The model of a .keras or .h5 file, without what it was compiled with, which may need code that is not here."""
    import keras

    try:
        model = keras.saving.load_model(source.source, compile=False, safe_mode=True)
    except Exception as error:
        instead = f": {_FACTORY_INSTEAD}" if _needs_code(error) else ""
        raise BuildError(
            f"{source.label}: {source.source} cannot be read as a model: {describe_exception(error)}{instead}"
        ) from error
    model = _check_model(model, source)
    if source.data is None:
        return LoadedModel(model, None, _NO_DATA, Schedule())
    return LoadedModel(model, _data_of_file(model, source.data, source), None, Schedule())


def _needs_code(error: Exception) -> bool:
    """Whether a file failed for code that it does not hold, or may not run."""
    return isinstance(error, TypeError) or "deserializ" in str(error)


def _data_of_file(model: Any, word: str, source: ModelSource) -> Dataset:  # noqa: ANN401 - keras is not typed
    """The data set that the user named for a file, asked for in the model's own shapes."""
    from harness.pipeline.model.data import load_dataset

    if len(model.inputs or []) != 1 or len(model.outputs or []) != 1:
        raise BuildError(f"{source.label}: a data set serves models with one input and one output, which it is not")
    given, answer = tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:])
    rebuilds = given == answer
    return load_dataset(
        word,
        shape=None if None in given else given,
        classes=None if rebuilds or None in answer else prod(answer),
        score="auc" if rebuilds else "top1",
        base_dir=source.base_dir,
        dtype=str(model.inputs[0].dtype),
        pixels=pixel_range_of_model(model),
    )


def _check_model(model: object, source: ModelSource) -> Any:  # noqa: ANN401
    import keras

    if not isinstance(model, keras.Model):
        raise BuildError(
            f"{source.label} returned {type(model).__name__}, where a keras.Model, "
            "harness.pipeline.TrainedModel or harness.pipeline.UntrainedModel was expected"
        )
    return model


def _check_data(dataset: object, source: ModelSource) -> Dataset:
    if not isinstance(dataset, Dataset):
        raise BuildError(
            f"{source.label} gave {type(dataset).__name__} as its data, where a harness.pipeline.Dataset was expected"
        )
    return dataset


def _write_arguments(arguments: Mapping[str, Argument]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items()) or "other weights"
