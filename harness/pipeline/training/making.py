"""In the worker: from a model's source to a Keras model with its data, trained or not."""

import importlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.pipeline.building.jobs import ModelSource
from harness.pipeline.building.sources import is_installed
from harness.pipeline.dataset import TrainedModel, UntrainedModel
from harness.pipeline.steps.step import Made
from harness.records.errors import BuildError

_searched: list[str] = []


@dataclass(frozen=True)
class Fresh:
    """A model as its source gives it; ``trained`` says whether the source trained it."""

    made: Made
    trained: bool


def make(source: ModelSource, *, seed: int) -> Fresh:
    """The model of a source, with random numbers seeded before. Raises BuildError."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    given = _called(source)
    if isinstance(given, UntrainedModel):
        return Fresh(Made(_checked(given.model, source), given.dataset, None, given.schedule), trained=False)
    if not isinstance(given, TrainedModel):
        given = TrainedModel(_checked(given, source))
    reason = None if given.dataset else given.accuracy_reason or "the factory gave no data set"
    return Fresh(Made(_checked(given.model, source), given.dataset, reason, given.schedule), trained=True)


def one_line(error: BaseException) -> str:
    """An exception's type and message, on one line of a readable length."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _checked(model: object, source: ModelSource) -> Any:  # noqa: ANN401 - keras is not typed
    import keras

    if not isinstance(model, keras.Model):
        raise BuildError(
            f"{source.label} returned {type(model).__name__}, where a keras.Model, "
            "harness.pipeline.TrainedModel or harness.pipeline.UntrainedModel was expected"
        )
    return model


def _called(source: ModelSource) -> object:
    factory = _import_factory(source)
    try:
        return factory(**source.arguments)
    except Exception as error:
        raise BuildError(f"{source.label} raised {one_line(error)}{_where(error)}") from error


def _import_factory(source: ModelSource) -> Callable[..., Any]:
    module_name, _, function = source.source.partition(":")
    _search_in(source.search)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise BuildError(f"{source.label} cannot be imported: {one_line(error)}{_where(error)}") from error
    factory = getattr(module, function, None)
    if not callable(factory):
        raise BuildError(f"{source.label}: the module {module_name} has no function {function}")
    return factory  # type: ignore[no-any-return]


def _where(error: BaseException) -> str:
    """The last line of the user's own that an exception came through; "" where it came through none."""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if Path(step.filename).is_file()]
    mine = [step for step in steps if not is_installed(Path(step.filename))]
    return f" ({mine[-1].filename}, line {mine[-1].lineno})" if mine else ""


def _search_in(folders: list[str]) -> None:
    """Put folders first on the module path; modules from another candidate's folders are forgotten."""
    if folders == _searched:
        return
    gone = set(_searched) - set(folders)
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if origin and any(Path(origin).is_relative_to(folder) for folder in gone):
            del sys.modules[name]
    sys.path[:] = [*folders, *(place for place in sys.path if place not in folders and place not in gone)]
    _searched[:] = folders
    importlib.invalidate_caches()
