"""Recipes: what is done to a model, as steps joined by "+", such as "prune(0.8)+int8"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from harness.pipeline.recipes import STEPS
from harness.pipeline.recipes.number_formats import FLOAT32
from harness.pipeline.recipes.recipe_grammar import Call, NoWordsError, parse_words
from harness.pipeline.recipes.step import ModelStep, NumberFormat, Step
from harness.records.errors import CandidateSpecError
from harness.records.nearest import did_you_mean


@dataclass(frozen=True)
class Recipe:
    """The steps of a recipe in the order they are applied; str() is its one spelling."""

    steps: tuple[Call, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The recipe that a text such as "prune(0.8)+int8" stands for. Raises CandidateSpecError."""
        return cls(parse_recipe(text).steps)

    def __str__(self) -> str:
        return "+".join(str(step) for step in self.steps)

    @property
    def number_format(self) -> NumberFormat:
        """What the last step says of numbers; float32 where it says nothing."""
        last = STEPS[self.steps[-1].name]
        return last if isinstance(last, NumberFormat) else FLOAT32

    def model_steps(self) -> tuple[Call, ...]:
        """The steps that change the model before it is exported."""
        return tuple(step for step in self.steps if isinstance(STEPS[step.name], ModelStep))


def parse_recipe(text: str, *, steps: Mapping[str, Step] = STEPS) -> Recipe:
    """The recipe that a text such as "int8" stands for.

    Raises CandidateSpecError for an unknown step, for arguments a step does not take, and where more than one
    step, or not the last, sets the number format.
    """
    text = " ".join(text.split())
    try:
        parsed = parse_words(text)
    except NoWordsError as error:
        raise CandidateSpecError(f'recipe "{text}": {error}; known steps: {", ".join(steps)}') from error
    for call in parsed:
        _check(call, recipe=text, steps=steps)
    formats = [index for index, call in enumerate(parsed) if isinstance(steps[call.name], NumberFormat)]
    if len(formats) > 1:
        names = " and ".join(parsed[index].name for index in formats)
        raise CandidateSpecError(f'recipe "{text}" sets the number format twice, by {names}: name one')
    if formats and formats[0] != len(parsed) - 1:
        name = parsed[formats[0]].name
        raise CandidateSpecError(f'recipe "{text}": {name} sets the number format and must be the last step')
    _refuse_in_vain(parsed, text, steps)
    return Recipe(parsed)


def _refuse_in_vain(parsed: tuple[Call, ...], text: str, steps: Mapping[str, Step]) -> None:
    """Steps that undo one another."""
    names: list[str] = []
    for call in parsed:
        step = steps[call.name]
        if isinstance(step, ModelStep):
            if step.name in names:
                raise CandidateSpecError(f'recipe "{text}" has {step.name} twice: name one')
            if step.new_model and names:
                raise CandidateSpecError(
                    f'recipe "{text}": {step.name} makes a new model, so that what {names[0]} did before is lost: '
                    f"write {step.name}(...)+{names[0]}(...)"
                )
            names.append(step.name)


def _check(call: Call, *, recipe: str, steps: Mapping[str, Step]) -> None:
    step = steps.get(call.name)
    if step is None:
        hint = did_you_mean(call.name, steps, after=" ")
        raise CandidateSpecError(f'recipe "{recipe}": unknown step "{call.name}": {hint}known: {", ".join(steps)}')
    if isinstance(step, ModelStep):
        try:
            step.check(call)
        except CandidateSpecError as error:
            raise CandidateSpecError(f'recipe "{recipe}": {error}') from error
    elif call.positional or call.keywords:
        raise CandidateSpecError(f'recipe "{recipe}": write {call.name}, not "{call}": it takes no argument')
