"""One source as a user wrote it, looked up: a zoo model, a factory, a model file or a folder of them."""

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.pipeline.model.data.data_words import check_data_word
from harness.pipeline.model.zoo import ZOO
from harness.pipeline.recipes.recipe_grammar import Call, NoWordsError, parse_word
from harness.records.candidate import Argument, Candidate, CandidateKind
from harness.records.errors import CandidateSpecError
from harness.records.files import expand_home, real_path
from harness.records.nearest import did_you_mean

Source = str | os.PathLike[str]

_FACTORY = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<call>[A-Za-z_]\w*(\(.*\))?)", re.DOTALL)
_KERAS_SUFFIXES: Final = frozenset({".keras", ".h5", ".hdf5"})
_MODEL_SUFFIXES: Final = frozenset({".tflite", *_KERAS_SUFFIXES})
OPAQUE_SUFFIXES: Final = frozenset(
    {
        *(".onnx", ".ort", ".rknn", ".engine", ".plan", ".trt", ".hef", ".dla", ".vmfb", ".blob"),
        *(".mnn", ".param", ".om", ".nb", ".axmodel", ".bmodel", ".pte", ".model"),
    }
)
"""Of files that a program on the board reads, and nothing here."""
_SAVED_MODEL: Final = "saved_model.pb"
_NOT_TEXT: Final = ("Cc", "Cs")
"""Unicode's categories of control characters and of lone surrogates, which stand for bytes that are no UTF-8."""


def parse_source(source: Source, folder: Path) -> list[Candidate]:
    """The candidates that a source names, without recipes. Raises CandidateSpecError."""
    try:
        return list(_from_source(os.fspath(source), folder))
    except OSError as error:
        shown = ascii(os.fspath(source))[:200]
        raise CandidateSpecError(f"{shown} cannot be looked at: {error.strerror}; check its path and rights") from error


def _from_source(text: str, folder: Path) -> Iterator[Candidate]:
    path = folder / expand_home(text)
    factory = _FACTORY.fullmatch(text.strip())
    called = _zoo_call(text)
    if called is not None:
        yield _called(called, folder, kind="zoo", source=called.name)
    elif path.is_dir():
        yield from _from_folder(path, folder)
    elif path.exists():
        yield _from_file(path, folder)
    elif factory is not None:
        call = _parsed(factory["call"])
        yield _called(call, folder, kind="factory", source=f"{factory['module']}:{call.name}")
    else:
        raise CandidateSpecError(_nothing_there(text, path))


def _zoo_call(text: str) -> Call | None:
    """The zoo's model with its arguments; None for anything else."""
    if text.strip().partition("(")[0].strip() not in ZOO:
        return None
    return _parsed(text)


def _parsed(text: str) -> Call:
    try:
        return parse_word(text)
    except NoWordsError as error:
        raise CandidateSpecError(f'candidate {error}; such as "ic_resnet8(width=0.5, data=fashion_mnist)"') from error


def _called(call: Call, folder: Path, *, kind: CandidateKind, source: str) -> Candidate:
    if call.positional:
        raise CandidateSpecError(f"{call}: give arguments by name, such as {call.name}(width=0.5)")
    arguments = {name: _argument(name, value, call, folder) for name, value in call.keywords}
    if len(arguments) < len(call.keywords):
        raise CandidateSpecError(f"{call}: an argument is given twice")
    weights = arguments.pop("weights", None)
    name = str(call) if kind == "zoo" else f"{source.partition(':')[0]}:{call}"
    return Candidate(
        name=name,
        kind=kind,
        source=source,
        base_dir=str(folder),
        arguments=tuple(sorted(arguments.items())),
        weights=None if weights is None else _weights(weights, call, folder),
    )


def _argument(name: str, value: object, call: Call, folder: Path) -> Argument:
    if name == "data":
        return check_data_word(str(value), str(folder))
    if isinstance(value, Call):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise CandidateSpecError(f"{call}: {name} is {value}, where a number, a text, True, False or None was expected")


def _weights(value: object, call: Call, folder: Path) -> str:
    path = folder / expand_home(str(value))
    if not path.is_file():
        raise CandidateSpecError(f"{call}: weights file {path} does not exist")
    return str(real_path(path))


def _from_folder(path: Path, folder: Path) -> Iterator[Candidate]:
    if (path / _SAVED_MODEL).exists():
        yield _named(real_path(path), kind="saved_model")
        return
    files = sorted(file for file in path.iterdir() if file.suffix in _MODEL_SUFFIXES)
    if not files:
        raise CandidateSpecError(
            f"no .tflite or Keras file in the folder {path}, and it is no SavedModel: "
            "put models there or name another folder"
        )
    for file in files:
        yield _from_file(file, folder)


def _from_file(path: Path, folder: Path) -> Candidate:
    if path.suffix in _KERAS_SUFFIXES:
        return replace(_named(real_path(path), kind="keras"), base_dir=str(folder))
    return _named(real_path(path), kind="opaque" if path.suffix in OPAQUE_SUFFIXES else "tflite")


def _named(whole: Path, *, kind: CandidateKind) -> Candidate:
    if any(unicodedata.category(letter) in _NOT_TEXT for letter in str(whole)):
        raise CandidateSpecError(
            f"{str(whole)!a}: a path with control characters, or with bytes that are no UTF-8, "
            "cannot be shown in a report: rename it"
        )
    return Candidate(name=whole.stem, kind=kind, source=str(whole))


def _nothing_there(text: str, path: Path) -> str:
    text = " ".join(text.split())
    if "/" in text or path.suffix:
        return f'model file or folder "{text}" does not exist: looked for {path}'
    hint = did_you_mean(text.partition("(")[0], ZOO, after=" ")
    return f'"{text}" is neither a zoo model nor a file: {hint}the zoo has {", ".join(ZOO)}'
