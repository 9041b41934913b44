"""A metric of the user's own, as candidates name it: "module:function(name=mAP, unit=dB, better=lower)"."""

import re
from typing import Final, Literal

from harness.pipeline.recipes.recipe_grammar import Call, NoWordsError, parse_word
from harness.records.candidate import OwnMetric
from harness.records.errors import CandidateSpecError
from harness.records.nearest import did_you_mean
from harness.records.units import is_our_unit

_WRITTEN: Final = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<call>[A-Za-z_]\w*(\(.*\))?)", re.DOTALL)
_EXAMPLE: Final = 'such as "metrics:mean_ap" or "metrics:word_errors(name=WER, better=lower)"'
_MOST_LETTERS: Final = 24
"""Of a name and of a unit: both stand in the columns of tables."""


def parse_metric(text: str) -> OwnMetric:
    """The metric that a text names; its name is the function's unless one is given. Raises CandidateSpecError."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise CandidateSpecError(f'metric "{" ".join(text.split())}" is no module:function: write it {_EXAMPLE}')
    try:
        call = parse_word(found["call"])
    except NoWordsError as error:
        raise CandidateSpecError(f"metric {error}; {_EXAMPLE}") from error
    given = _given(call)
    return OwnMetric(
        function=f"{found['module']}:{call.name}",
        name=_word(given.get("name", call.name), "name"),
        unit=_unit(given.get("unit", "1")),
        better=_better(given.get("better", "higher")),
    )


def _given(call: Call) -> dict[str, object]:
    given = dict(call.keywords)
    if call.positional or len(given) < len(call.keywords):
        raise CandidateSpecError(f"metric {call}: give name, unit and better by name, once each")
    for name in given:
        if name not in ("name", "unit", "better"):
            hint = did_you_mean(name, ("name", "unit", "better")) or "known: name, unit, better"
            raise CandidateSpecError(f"metric {call} has no argument {name}: {hint}")
    return given


def _word(value: object, what: str) -> str:
    """A short text that can stand in a table."""
    text = str(value).strip()
    if not isinstance(value, str) or not text or not text.isprintable() or len(text) > _MOST_LETTERS:
        raise CandidateSpecError(
            f"metric: its {what} is {str(value)[:40]!r}, where a text of 1 to {_MOST_LETTERS} letters was expected"
        )
    return text


def _unit(value: object) -> str:
    if value == 1:
        return "1"
    unit = _word(value, "unit")
    if is_our_unit(unit):
        raise CandidateSpecError(
            f'metric: its unit is "{unit}", one of other metrics: give shares as fractions, 0.42 for 42 %, without a '
            'unit, and other figures in a unit such as "dB" or "px"'
        )
    if unit != "1" and unit[0].isdigit():
        raise CandidateSpecError(f'metric: its unit is "{unit}": expected one that begins with no digit, such as "dB"')
    return unit


def _better(value: object) -> Literal["lower", "higher"]:
    if value == "lower":
        return "lower"
    if value == "higher":
        return "higher"
    raise CandidateSpecError(f'metric: better is "{value}", where higher or lower was expected')
