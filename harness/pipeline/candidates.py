"""Candidates from what users write: zoo names, "module:function", model files, folders."""

import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.pipeline.recipes import parse_recipe
from harness.pipeline.zoo import ZOO
from harness.records.candidate import Candidate
from harness.records.errors import CandidateSpecError
from harness.records.nearest import nearest

Source = str | os.PathLike[str]

_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_KERAS_SUFFIXES = frozenset({".keras", ".h5", ".hdf5"})
_SAMPLES_SUFFIXES = frozenset({".npz", ".npy"})
_NOT_TEXT = ("Cc", "Cs")
"""Unicode's categories of control characters and of lone surrogates, which stand for bytes that are no UTF-8."""
_INSTEAD = "give its .tflite file, or a factory as module:function"


def candidates(
    *sources: Source, recipes: Sequence[str] | None = None, samples: Source | None = None
) -> list[Candidate]:
    """Candidates to parametrize a benchmark with.

    A source is a zoo name, "module:function", a TensorFlow Lite file, or a folder of ``.tflite`` files; paths
    are relative to the calling file. ``recipes`` (default: float32) apply to what is built; a model file is
    measured as it is.
    ``samples`` is an .npz (i0, i1...) or .npy with real inputs for model files, samples on the first axis.
    Raises CandidateSpecError.
    """
    caller = Path(sys._getframe(1).f_code.co_filename)
    base_dir = caller.resolve().parent if caller.is_file() else Path.cwd()
    return candidates_from_paths(sources, recipes=recipes, samples=samples, base_dir=base_dir)


def candidates_from_paths(
    sources: Iterable[Source],
    *,
    recipes: Sequence[str] | None = None,
    samples: Source | None = None,
    base_dir: Path | None = None,
) -> list[Candidate]:
    """As ``candidates``, with paths relative to ``base_dir`` (None: the working directory)."""
    folder = (base_dir or Path.cwd()).resolve()
    words = _recipe_words(recipes)
    samples_path = _samples_path(samples, folder)
    found = [candidate for source in sources for candidate in _looked_up(source, folder)]
    if not found:
        raise CandidateSpecError("no candidate was named: give a zoo name, module:function, a model file or a folder")
    _refuse_misfits(found, recipes_given=recipes is not None, samples_given=samples_path is not None)
    unique = _with_unique_names(found)
    return [
        replace(candidate, recipe=word, samples=samples_path)
        for candidate in unique
        for word in ((None,) if candidate.kind == "tflite" else words)
    ]


def _recipe_words(recipes: Sequence[str] | None) -> tuple[str, ...]:
    given = ("float32",) if recipes is None else (recipes,) if isinstance(recipes, str) else tuple(recipes)
    if not given:
        raise CandidateSpecError('recipes is empty: name at least one, such as "float32"')
    return tuple(dict.fromkeys(str(parse_recipe(word)) for word in given))


def _samples_path(samples: Source | None, folder: Path) -> str | None:
    if samples is None:
        return None
    path = folder / Path(samples).expanduser()
    if path.suffix not in _SAMPLES_SUFFIXES:
        raise CandidateSpecError(f"samples {path} is no .npz or .npy file")
    if not path.is_file():
        raise CandidateSpecError(f"samples file {path} does not exist")
    return str(path)


def _looked_up(source: Source, folder: Path) -> list[Candidate]:
    try:
        return list(_from_source(source, folder))
    except OSError as error:
        shown = ascii(os.fspath(source))[:200]
        raise CandidateSpecError(f"{shown} cannot be looked at: {error.strerror}; check its path and rights") from error


def _from_source(source: Source, folder: Path) -> Iterator[Candidate]:
    text = os.fspath(source)
    path = folder / Path(text).expanduser()
    if text in ZOO:
        yield Candidate(name=text, kind="zoo", source=text)
    elif path.is_dir():
        yield from _from_folder(path)
    elif path.exists():
        yield _from_file(path)
    elif _FACTORY.fullmatch(text):
        yield Candidate(name=text, kind="factory", source=text, base_dir=str(folder))
    else:
        raise CandidateSpecError(_nothing_there(text, path))


def _from_folder(path: Path) -> Iterator[Candidate]:
    if (path / "saved_model.pb").exists():
        raise CandidateSpecError(f"{path} is a SavedModel, which cannot be measured yet: {_INSTEAD}")
    files = sorted(file for file in path.iterdir() if file.suffix == ".tflite")
    if not files:
        raise CandidateSpecError(f"no .tflite file in the folder {path}: put models there or name another folder")
    yield from map(_from_file, files)


def _from_file(path: Path) -> Candidate:
    if path.suffix in _KERAS_SUFFIXES:
        raise CandidateSpecError(f"{path} is a Keras file, which cannot be measured yet: {_INSTEAD}")
    whole = path.resolve()
    if any(unicodedata.category(letter) in _NOT_TEXT for letter in str(whole)):
        raise CandidateSpecError(
            f"{str(whole)!a}: a path with control characters, or with bytes that are no UTF-8, "
            "cannot be shown in a report: rename it"
        )
    return Candidate(name=path.stem, kind="tflite", source=str(whole))


def _nothing_there(text: str, path: Path) -> str:
    text = " ".join(text.split())
    if "/" in text or path.suffix:
        return f'model file or folder "{text}" does not exist: looked for {path}'
    close = nearest(text, ZOO)
    hint = f'did you mean "{close}"? ' if close else ""
    return f'"{text}" is neither a zoo model nor a file: {hint}the zoo has {", ".join(ZOO)}'


def _refuse_misfits(found: Sequence[Candidate], *, recipes_given: bool, samples_given: bool) -> None:
    for candidate in found:
        is_file = candidate.kind == "tflite"
        if is_file and recipes_given:
            raise CandidateSpecError(
                f"recipes cannot be applied to {candidate.source}: a .tflite file is measured as it is; "
                "leave recipes out, or give a factory as module:function"
            )
        if samples_given and not is_file:
            raise CandidateSpecError(
                f"samples go with model files; {candidate.source} is built and its factory gives the data set"
            )


def _with_unique_names(found: Sequence[Candidate]) -> list[Candidate]:
    """Names told apart: by the file's suffix where stems are equal, by a number where file names are too."""
    stems = [candidate.name for candidate in found]
    taken: dict[str, int] = {}
    unique = []
    for candidate in found:
        twin = candidate.kind == "tflite" and stems.count(candidate.name) > 1
        name = Path(candidate.source).name if twin else candidate.name
        taken[name] = taken.get(name, 0) + 1
        unique.append(replace(candidate, name=name if taken[name] == 1 else f"{name}#{taken[name]}"))
    return unique
