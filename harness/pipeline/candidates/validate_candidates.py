"""What does not go together is refused before anything is made, with the reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.pipeline.candidates.parse_source import parse_source
from harness.pipeline.recipes.recipe import Recipe, parse_recipe
from harness.records.candidate import Candidate
from harness.records.errors import CandidateSpecError

TRAINABLE_KINDS: Final = frozenset({"zoo", "factory", "keras"})
_ZOO_WIDTH: Final = 1
"""Of a model of the zoo where none is named."""


def validate_candidates(
    found: Sequence[Candidate], given: Mapping[str, str | None], *, recipes: Sequence[str], folder: Path
) -> None:
    """Hold every candidate against what was given for all, and against the recipes. Raises CandidateSpecError.

    Teachers are looked for from ``folder``.
    """
    parsed = [parse_recipe(word) for word in recipes]
    for recipe in parsed:
        _refuse_teachers(recipe, folder)
    for candidate in found:
        _refuse_given(candidate, given)
        _refuse_of_opaque(candidate, given, recipes)
        for recipe in parsed:
            _refuse_recipe(candidate, recipe, data=given["data"])


def _refuse_given(candidate: Candidate, given: Mapping[str, str | None]) -> None:
    called = candidate.kind in {"zoo", "factory"}
    if given["data"] and called:
        raise CandidateSpecError(
            f"data goes with model files; name it with {candidate.name} itself: "
            f'"{candidate.name.partition("(")[0]}(data=...)"'
        )
    if given["weights"] and not called:
        raise CandidateSpecError(f"weights go with zoo models and factories; {candidate.source} has its own")
    if given["samples"] and not given["stages"] and called:
        raise CandidateSpecError(f"samples go with model files; {candidate.source} is built and its factory gives data")
    if given["samples"] and not given["stages"] and given["data"] and candidate.kind != "tflite":
        raise CandidateSpecError(f"{candidate.source}: data and samples are both given: name one of them")
    if given["signature"] and candidate.kind not in ("tflite", "saved_model"):
        raise CandidateSpecError(f"a signature goes with .tflite files and SavedModels; {candidate.source} has none")


def _refuse_of_opaque(candidate: Candidate, given: Mapping[str, str | None], recipes: Sequence[str]) -> None:
    odd = next((what for what in ("data", "signature") if given[what]), "recipes" if recipes else None)
    if candidate.kind == "opaque" and odd is not None:
        raise CandidateSpecError(f"{candidate.source} is read by a program on the board alone: {odd} do not go with it")


def _refuse_teachers(recipe: Recipe, folder: Path) -> None:
    for call in recipe.model_steps():
        named = dict(call.keywords).get("teacher")
        if named is None:
            continue
        try:
            teachers = parse_source(str(named), folder)
        except CandidateSpecError as error:
            raise CandidateSpecError(f'recipe "{recipe}": its teacher {error}') from error
        if [teacher.kind in TRAINABLE_KINDS for teacher in teachers] != [True]:
            raise CandidateSpecError(
                f'recipe "{recipe}": {named} cannot teach: give a zoo model, module:function or one Keras file'
            )


def _refuse_recipe(candidate: Candidate, recipe: Recipe, *, data: str | None) -> None:
    steps = recipe.model_steps()
    if not steps:
        return
    first = f"{candidate.name}/{recipe}: {steps[0].name} trains the model, and"
    _refuse_own_width(candidate, recipe)
    if candidate.kind == "tflite":
        raise CandidateSpecError(
            f"{first} a .tflite file cannot be trained: give a factory as module:function or a .keras file"
        )
    if candidate.kind == "saved_model":
        raise CandidateSpecError(f"{first} a SavedModel cannot be trained further: give the model as a .keras file")
    if candidate.kind == "keras" and data is None:
        raise CandidateSpecError(f'{first} no data set was named for the file: give one, such as data="digits"')
    if candidate.kind == "keras" and any(name == "width" for call in steps for name, _ in call.keywords):
        raise CandidateSpecError(
            f"{candidate.name}/{recipe}: a Keras file has one width: give a factory that takes width, "
            "or distill with a teacher alone"
        )


def _refuse_own_width(candidate: Candidate, recipe: Recipe) -> None:
    """A student as wide as the candidate that is its teacher."""
    own = dict(candidate.arguments).get("width", _ZOO_WIDTH if candidate.kind == "zoo" else None)
    for call in recipe.model_steps():
        given = dict(call.keywords)
        if "width" in given and "teacher" not in given and given["width"] == own:
            raise CandidateSpecError(
                f"{candidate.name}/{recipe}: the student is as wide as its teacher, {candidate.name}: "
                "name another width, or a teacher"
            )
