"""Candidates from what users write: zoo names, "module:function", model files, folders."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Never

from harness.pipeline.candidates.parse_metric import parse_metric
from harness.pipeline.candidates.parse_source import Source, parse_source
from harness.pipeline.candidates.validate_candidates import validate_candidates
from harness.pipeline.model.data.data_words import check_data_word
from harness.pipeline.recipes.recipe import parse_recipe
from harness.records.candidate import BUILT_KINDS, Candidate, OwnMetric
from harness.records.errors import CandidateSpecError
from harness.records.files import expand_home, real_path
from harness.records.nearest import did_you_mean

DATASET_STAGES: Final = "dataset"
"""What ``stages`` says for the data set's own pre- and post-processing."""
_KEYWORDS: Final = ("recipes", "data", "weights", "samples", "stages", "metric")
_SAMPLES_SUFFIXES = frozenset({".npz", ".npy"})


def candidates(  # noqa: PLR0913 - by keyword
    *sources: Source | Sequence[Source],
    recipes: str | Sequence[str] | None = None,
    recipe: str | Sequence[str] | None = None,
    data: str | None = None,
    weights: Source | None = None,
    samples: Source | None = None,
    stages: Source | None = None,
    signature: str | None = None,
    metric: str | None = None,
    **unknown: Never,
) -> list[Candidate]:
    """Candidates to parametrize a benchmark with.

    A source is a zoo name or "module:function", both with arguments where wanted, such as
    "ic_resnet8(width=0.5, data=fashion_mnist)"; a .tflite or Keras file; a SavedModel; or a folder of model files.
    Several stand one after the other or in a list. Paths are relative to the calling file. ``recipes``, or ``recipe``,
    (default: float32) say what is made of each source; a .tflite file is measured as it is unless they are given.
    ``data`` is the data set of files: a name or a path. ``weights`` is a file that takes the place of training.
    ``samples`` is an .npz (i0, i1...) or .npy with real inputs for model files, samples on the first axis; sizes that
    a file leaves open become theirs. With ``stages`` it holds raw samples and may be any file. ``signature`` is the
    one that is measured of a file that has several. ``stages`` is a file that imports only numpy, with
    preprocess and postprocess; "dataset" is the data set's own. ``metric`` is "module:function", the user's own
    in place of top-1, with name, unit and better in parentheses where wanted. Raises CandidateSpecError.
    """
    caller = Path(sys._getframe(1).f_code.co_filename)
    base_dir = real_path(caller).parent if caller.is_file() else Path.cwd()
    _refuse_unknown(unknown)
    if recipe is not None and recipes is not None:
        raise CandidateSpecError("recipe and recipes are the same: give one of them")
    return candidates_from_paths(
        _flattened(sources),
        recipes=recipe if recipes is None else recipes,
        data=data,
        weights=weights,
        samples=samples,
        stages=stages,
        signature=signature,
        metric=metric,
        base_dir=base_dir,
    )


def single_candidate(given: object, folder: Path) -> Candidate:
    """The candidate that a benchmark is given: one as it is, a list of one, or a source as ``candidates`` takes it.

    Paths are relative to ``folder``. Raises CandidateSpecError where it is none, or several.
    """
    found: object = given
    if isinstance(given, str | os.PathLike):
        found = candidates_from_paths([given], base_dir=folder)
    if isinstance(found, list | tuple) and len(found) == 1:
        (found,) = found
    if isinstance(found, Candidate):
        return found
    if isinstance(found, list | tuple) and found:
        raise CandidateSpecError(
            f"bench takes one candidate, not {len(found)}: parametrize the test, "
            '@pytest.mark.parametrize("candidate", candidates(...)), and call bench(candidate)'
        )
    raise CandidateSpecError(f"bench takes a candidate, a name or a path, not {_shown(found)}")


def candidates_from_paths(  # noqa: PLR0913 - as above
    sources: Iterable[Source],
    *,
    recipes: str | Sequence[str] | None = None,
    data: str | None = None,
    weights: Source | None = None,
    samples: Source | None = None,
    stages: Source | None = None,
    signature: str | None = None,
    metric: str | None = None,
    base_dir: Path | None = None,
) -> list[Candidate]:
    """As ``candidates``, with paths relative to ``base_dir`` (None: the working directory)."""
    folder = real_path(base_dir or Path.cwd())
    texts = {"data": data, "weights": weights, "samples": samples, "stages": stages, "signature": signature}
    for what, source in (*texts.items(), ("metric", metric)):
        _refuse_unless_text(what, source)
    words = _recipe_words(recipes)
    found = [candidate for source in sources for candidate in parse_source(source, folder)]
    if not found:
        raise CandidateSpecError("no candidate was named: give a zoo name, module:function, a model file or a folder")
    given = {
        "data": _data(data, folder),
        "weights": _file(weights, folder, what="weights"),
        "samples": _samples(samples, folder, any_file=stages is not None),
        "stages": _stages(stages, folder),
        "signature": signature,
    }
    validate_candidates(found, given, recipes=words if recipes is not None else (), folder=folder)
    own = None if metric is None else parse_metric(metric)
    together = [_with(candidate, given, own, folder) for candidate in _with_unique_names(found)]
    return [
        replace(candidate, recipe=word)
        for candidate in together
        for word in (words if recipes is not None or candidate.kind in BUILT_KINDS else (None,))
    ]


def _flattened(sources: Iterable[Source | Sequence[Source]]) -> list[Source]:
    """Lists of sources as if their members had been given. Raises CandidateSpecError for what is no source."""
    found: list[Source] = []
    for source in sources:
        members = source if isinstance(source, list | tuple) else [source]
        for member in members:
            if isinstance(member, Candidate):
                raise CandidateSpecError(f"{member} is a candidate already: parametrize the test with it")
            if not isinstance(member, str | os.PathLike):
                raise CandidateSpecError(f"candidates takes names and paths, not {_shown(member)}")
            found.append(member)
    return found


def _refuse_unknown(unknown: Mapping[str, object]) -> None:
    """Raise CandidateSpecError for a keyword that is none of ours, with the nearest."""
    for name in unknown:
        hint = did_you_mean(name, _KEYWORDS) or f"known: {', '.join(_KEYWORDS)}"
        raise CandidateSpecError(f"candidates has no argument {name}: {hint}")


def _refuse_unless_text(what: str, given: object) -> None:
    if given is not None and not isinstance(given, str | os.PathLike):
        raise CandidateSpecError(f"{what} is {_shown(given)}: expected a name or a path")


def _shown(given: object) -> str:
    return "nothing" if given is None else f"{type(given).__name__} {given!r}"[:80]


def _with(candidate: Candidate, given: dict[str, str | None], metric: OwnMetric | None, folder: Path) -> Candidate:
    """What was given for all; weights in a source's own parentheses stay. A metric is found from ``folder``."""
    return replace(
        candidate,
        data=given["data"],
        weights=candidate.weights or given["weights"],
        samples=given["samples"],
        stages=given["stages"],
        signature=given["signature"],
        metric=metric,
        base_dir=str(folder) if metric is not None else candidate.base_dir,
    )


def _recipe_words(recipes: str | Sequence[str] | None) -> tuple[str, ...]:
    given = ("float32",) if recipes is None else (recipes,) if isinstance(recipes, str) else recipes
    if not isinstance(given, list | tuple | set | frozenset) or not all(isinstance(word, str) for word in given):
        raise CandidateSpecError(f'recipes is {_shown(recipes)}: expected texts, such as ["float32", "int8"]')
    if not given:
        raise CandidateSpecError('recipes is empty: name at least one, such as "float32"')
    return tuple(dict.fromkeys(str(parse_recipe(word)) for word in given))


def _data(data: str | None, folder: Path) -> str | None:
    if data is None:
        return None
    return check_data_word(data, str(folder))


def _samples(samples: Source | None, folder: Path, *, any_file: bool) -> str | None:
    path = None if samples is None else folder / expand_home(samples)
    if path is not None and not any_file and path.suffix not in _SAMPLES_SUFFIXES:
        raise CandidateSpecError(f"samples {path} is no .npz or .npy file")
    return _file(samples, folder, what="samples")


def _stages(stages: Source | None, folder: Path) -> str | None:
    if stages is None or os.fspath(stages) == DATASET_STAGES:
        return None if stages is None else DATASET_STAGES
    path = _file(stages, folder, what="stages")
    if path is not None and not path.endswith(".py"):
        raise CandidateSpecError(f'stages {path} is no .py file: give one with preprocess or postprocess, or "dataset"')
    return path


def _file(source: Source | None, folder: Path, *, what: str) -> str | None:
    """The absolute path of a file that is there."""
    if source is None:
        return None
    path = folder / expand_home(source)
    if not path.is_file():
        raise CandidateSpecError(f"{what} file {path} does not exist")
    return str(real_path(path))


def _with_unique_names(found: Sequence[Candidate]) -> list[Candidate]:
    """Names told apart: by the file's suffix where stems are equal, by a number where file names are too."""
    stems = [candidate.name for candidate in found]
    taken: dict[str, int] = {}
    unique = []
    for candidate in found:
        is_file = candidate.kind not in {"zoo", "factory"}
        twin = is_file and stems.count(candidate.name) > 1
        name = Path(candidate.source).name if twin else candidate.name
        taken[name] = taken.get(name, 0) + 1
        unique.append(replace(candidate, name=name if taken[name] == 1 else f"{name}#{taken[name]}"))
    return unique
