"""Arguments of a step's call, by name, held to what the step takes."""

from collections.abc import Sequence

from harness.pipeline.recipes.recipe_grammar import Call
from harness.records.errors import CandidateSpecError
from harness.records.nearest import did_you_mean


def arguments_of(call: Call, names: Sequence[str], *, usage: str) -> dict[str, object]:
    """What was given, by name: positional ones in the order of ``names``. Raises CandidateSpecError."""
    if len(call.positional) > len(names):
        raise CandidateSpecError(f'step "{call}" has {len(call.positional)} values; write {usage}')
    given = dict(zip(names, call.positional, strict=False))
    for name, value in call.keywords:
        if name not in names:
            hint = did_you_mean(name, names, after=" ")
            raise CandidateSpecError(f'step "{call}" takes no {name}: {hint}write {usage}')
        if name in given:
            raise CandidateSpecError(f'step "{call}" gives {name} twice; write {usage}')
        given[name] = value
    return given


def number(value: object) -> float | None:
    """A value as a number; None for anything else, truths included."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
