"""What decides the result of a build: the parts that keys are made of."""

import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.pipeline.cache import file_sha256, folder_sha256
from harness.pipeline.model.job import ModelSource
from harness.pipeline.recipes import STEPS
from harness.pipeline.recipes.recipe_grammar import Call
from harness.pipeline.recipes.step import NumberFormat
from harness.pipeline.source_hashes import default_of, harness_source_hashes, user_source_hashes
from harness.records.errors import BuildError

_ROOM = "harness.pipeline"
_TRAINING_ROOMS = (f"{_ROOM}.model.training", f"{_ROOM}.model.dataset", f"{_ROOM}.worker.determinism")
_STEP_ROOMS = (*_TRAINING_ROOMS, f"{_ROOM}.recipes")
_EXPORT_ROOMS = (
    f"{_ROOM}.model.export",
    f"{_ROOM}.model.conversion",
    f"{_ROOM}.model.training.keras_graph",
    f"{_ROOM}.model.dataset",
)
_QUANTIZING_ROOMS = (*_EXPORT_ROOMS, f"{_ROOM}.check.verification.samples", f"{_ROOM}.check.verification.litert")
_ZOO_ROOMS = (f"{_ROOM}.model.zoo", f"{_ROOM}.model.dataset")


@functools.cache
def training_sources() -> dict[str, str]:
    """The harness' own code that trains any model."""
    return _own("model.training.train_steps", _TRAINING_ROOMS) | _own("worker.determinism", _TRAINING_ROOMS)


@functools.cache
def export_sources() -> dict[str, str]:
    """The harness' own code that exports a trained model and writes its data."""
    return _own("model.export.prepare", _EXPORT_ROOMS)


@functools.cache
def file_data_sources() -> dict[str, str]:
    """The harness' own code that writes the data set that was named for a .tflite file."""
    return _own("model.export.file_data", (*_EXPORT_ROOMS, f"{_ROOM}.model.training.pixel_range"))


@functools.cache
def conversion_sources() -> dict[str, str]:
    """The harness' own code that converts an exported model."""
    return _own("model.conversion.convert", _EXPORT_ROOMS)


@functools.cache
def quantizing_sources() -> dict[str, str]:
    """The harness' own code that quantises a .tflite file, or writes it anew, in this process and in limited ones."""
    hashes = _own("model.conversion.quantize_client", _QUANTIZING_ROOMS)
    hashes |= _own("model.conversion.quantize_main", _QUANTIZING_ROOMS)
    return hashes | _own("model.conversion.fixed_file_main", _QUANTIZING_ROOMS)


@functools.cache
def step_sources(name: str) -> dict[str, str]:
    """The code that trains a recipe's step, with what it imports; of a number format its row of the table."""
    step = STEPS[name]
    if isinstance(step, NumberFormat):
        return {"format": repr(step)}
    own = step.module.startswith(f"{_ROOM}.")
    return harness_source_hashes(step.module, _STEP_ROOMS) if own else user_source_hashes(step.module, sys.path)


def step_parts(call: Call) -> list[object]:
    """A recipe's step as a part of keys: its one spelling and its code."""
    return [str(call), step_sources(call.name)]


def model_parts(source: ModelSource) -> list[object]:
    """What decides the model and its data, before any training. Raises BuildError for what is not there."""
    if source.kind == "factory":
        parts = _factory_parts(source)
    elif source.kind == "keras":
        parts = ["keras", file_sha256(Path(source.source))]
    else:
        parts = ["saved_model", folder_sha256(Path(source.source))]
    weights = file_sha256(Path(source.weights)) if source.weights else None
    data = _fingerprint(source.data, source) if source.data else None
    samples = file_sha256(Path(source.samples)) if source.samples else None
    return [*parts, weights, data, samples, source.signature]


def user_sources(source: ModelSource) -> dict[str, str]:
    """The user's files that a factory depends on; none for other kinds."""
    return user_source_hashes(source.source.partition(":")[0], source.search) if source.kind == "factory" else {}


def _factory_parts(source: ModelSource) -> list[object]:
    module, _, function = source.source.partition(":")
    own = module.startswith(f"{_ROOM}.")
    sources = harness_source_hashes(module, _ZOO_ROOMS) if own else user_sources(source)
    if not sources:
        raise BuildError(
            f"{source.label}: there is no module {module} beside the calling file ({source.base_dir}) "
            "or on Python's module path"
        )
    arguments: dict[str, Any] = dict(source.arguments)
    if "data" not in arguments:
        arguments["data"] = default_of(module, function, "data", source.search)
    return ["factory", source.source, sources, _with_fingerprints(arguments, source)]


def _with_fingerprints(arguments: Mapping[str, Any], source: ModelSource) -> list[object]:
    """Arguments by name; the data set by what it holds, since a word or path stays while files change."""
    return [
        [name, _fingerprint(value, source) if name == "data" and isinstance(value, str) else value]
        for name, value in sorted(arguments.items())
    ]


def _fingerprint(word: str, source: ModelSource) -> str:
    from harness.pipeline.model.data import data_fingerprint

    return data_fingerprint(word, base_dir=source.base_dir)


def _own(module: str, rooms: tuple[str, ...]) -> dict[str, str]:
    return harness_source_hashes(f"{_ROOM}.{module}", rooms)
