"""In the worker: factories found, held to the arguments that they take, and called."""

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.pipeline.model.error_text import describe_exception, describe_place
from harness.pipeline.model.job import ModelSource
from harness.records.candidate import Argument
from harness.records.errors import BuildError, CandidateSpecError, EntryError
from harness.records.nearest import did_you_mean

Factory = Callable[..., Any]

_searched: list[str] = []


def call_factory(source: ModelSource) -> object:
    """What the factory of a source gives for its arguments, each of which it takes. Raises BuildError."""
    factory = _import(source)
    arguments = _check_arguments(factory, source)
    try:
        return factory(**arguments)
    except EntryError as error:
        raise BuildError(f"{source.label}: {error}") from error
    except MemoryError:
        raise
    except Exception as error:
        raise BuildError(f"{source.label} raised {describe_exception(error)}{describe_place(error)}") from error


def default_of(source: ModelSource, parameter: str) -> object:
    """What a factory takes where a parameter is not given; None where it has no such parameter or no default."""
    taken = _named_parameters(_import(source)) or {}
    default = taken[parameter].default if parameter in taken else None
    return None if default is inspect.Parameter.empty else default


def takes(source: ModelSource, parameter: str) -> bool:
    """Whether a factory names a parameter."""
    return parameter in (_named_parameters(_import(source)) or {})


def _check_arguments(factory: Factory, source: ModelSource) -> dict[str, Argument]:
    """The arguments of a source as they are given, data in its one spelling. Raises BuildError."""
    taken = _named_parameters(factory)
    if taken is not None:
        _check_names(taken, source)
    arguments = dict(source.arguments)
    if isinstance(arguments.get("data"), str):
        arguments["data"] = _data_word(str(arguments["data"]), source)
    return arguments


def _check_names(taken: dict[str, inspect.Parameter], source: ModelSource) -> None:
    """Every argument given is taken, and every argument needed is given. Raises BuildError."""
    open_ended = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken.values())
    named = [name for name, parameter in taken.items() if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    for unknown in (name for name in source.arguments if name not in named and not open_ended):
        hint = did_you_mean(unknown, named, after=" ")
        known = f"it takes {', '.join(named)}" if named else "it takes none"
        raise BuildError(f"{source.label}: its factory has no argument {unknown}: {hint}{known}")
    for name in named:
        if taken[name].default is inspect.Parameter.empty and name not in source.arguments:
            raise BuildError(
                f"{source.label}: its factory needs the argument {name}: write {source.source}({name}=...)"
            )


def _named_parameters(factory: Factory) -> dict[str, inspect.Parameter] | None:
    """Parameters that can be given by name; None for a callable that does not tell its own."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return None
    nameless = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    return {name: parameter for name, parameter in parameters.items() if parameter.kind not in nameless}


def _data_word(word: str, source: ModelSource) -> str:
    from harness.pipeline.model.data import check_data_word

    try:
        return check_data_word(word, source.base_dir)
    except CandidateSpecError as error:
        raise BuildError(f"{source.label}: {error}") from error


def _import(source: ModelSource) -> Factory:
    module_name, _, function = source.source.partition(":")
    _search_in(source.search)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise BuildError(
            f"{source.label} cannot be imported: {describe_exception(error)}{describe_place(error)}"
        ) from error
    factory = getattr(module, function, None)
    if not callable(factory):
        raise BuildError(f"{source.label}: the module {module_name} has no function {function}")
    return factory  # type: ignore[no-any-return]


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
