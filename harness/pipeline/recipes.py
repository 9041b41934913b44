"""Recipes: what is done to a model, as steps joined by "+", such as "int8"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.pipeline.steps import STEPS, Step
from harness.records.errors import CandidateSpecError
from harness.records.nearest import nearest

_WORD = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*(\(\s*(?P<argument>[^()]*?)\s*\))?\s*")


@dataclass(frozen=True)
class RecipeStep:
    """One step of a recipe; ``argument`` is the text in its parentheses, or None."""

    name: str
    argument: str | None = None

    def __str__(self) -> str:
        return self.name if self.argument is None else f"{self.name}({self.argument})"


@dataclass(frozen=True)
class Recipe:
    """The steps of a recipe in the order they are applied; str() is its one spelling."""

    steps: tuple[RecipeStep, ...]

    def __str__(self) -> str:
        return "+".join(str(step) for step in self.steps)


def parse_recipe(text: str, *, steps: Mapping[str, Step] = STEPS) -> Recipe:
    """The recipe that a text such as "int8" stands for.

    Raises CandidateSpecError for an unknown step, for an argument where none is taken (or none where one is),
    and where more than one step, or not the last, sets the number format.
    """
    text = " ".join(text.split())  # a message that repeats it must stay on one line
    parsed = tuple(_parse_word(word, recipe=text, steps=steps) for word in text.split("+"))
    formats = [index for index, step in enumerate(parsed) if steps[step.name].stage == "number_format"]
    if len(formats) > 1:
        names = " and ".join(parsed[index].name for index in formats)
        raise CandidateSpecError(f'recipe "{text}" sets the number format twice, by {names}: name one')
    if formats and formats[0] != len(parsed) - 1:
        name = parsed[formats[0]].name
        raise CandidateSpecError(f'recipe "{text}": {name} sets the number format and must be the last step')
    return Recipe(parsed)


def _parse_word(word: str, *, recipe: str, steps: Mapping[str, Step]) -> RecipeStep:
    match = _WORD.fullmatch(word)
    if match is None:
        raise CandidateSpecError(
            f'recipe "{recipe}": "{word.strip()}" is no step; join names by "+", of: {", ".join(steps)}'
        )
    name, argument = match["name"], match["argument"]
    if name not in steps:
        close = nearest(name, steps)
        hint = f'did you mean "{close}"? ' if close else ""
        raise CandidateSpecError(f'recipe "{recipe}": unknown step "{name}": {hint}known: {", ".join(steps)}')
    if steps[name].takes_argument != bool(argument):
        expected = f"{name}(argument)" if steps[name].takes_argument else name
        raise CandidateSpecError(f'recipe "{recipe}": write {expected}, not "{word.strip()}"')
    return RecipeStep(name, argument or None)
