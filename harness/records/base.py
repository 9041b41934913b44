"""The base of every record that crosses a boundary: frozen, strict, unknown fields refused, numbers within reason."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError

from harness.records.units import MOST_NUMBER

MOST_INTEGER: Final = 2**63 - 1
"""Databases and other languages hold no larger one."""
_MOST: Final = {"int": MOST_INTEGER, "float": MOST_NUMBER}


class Record(BaseModel):
    """A frozen record; parsing is strict and refuses unknown fields, NaN, infinity and numbers beyond reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:  # noqa: ANN401 - pydantic's own
        """The schema in which every number that states no range of its own has ours."""
        return _bounded(handler(source))


def _bounded(schema: Any) -> Any:  # noqa: ANN401 - pydantic's schemas are nested dictionaries and lists
    if isinstance(schema, list):
        return [_bounded(part) for part in schema]
    if isinstance(schema, tuple):
        return tuple(map(_bounded, schema))
    if not isinstance(schema, dict):
        return schema
    most = _MOST.get(schema.get("type", ""))
    if most is None:
        return {key: _bounded(part) for key, part in schema.items()}
    low = {} if "gt" in schema else {"ge": -most}
    high = {} if "lt" in schema else {"le": most}
    return {**low, **high, **schema}


MOST_PROBLEMS = 50


def describe_problems(error: ValidationError) -> str:
    """``where: what`` of each problem, joined by semicolons; past 50 the rest is counted."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    listed = [f"{_where(problem['loc'])}: {problem['msg']}" for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        listed.append(f"and {len(problems) - MOST_PROBLEMS} more")
    line = " ".join("; ".join(listed).split())
    return "".join(character if character.isprintable() else "?" for character in line)


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:80] for part in location) or "the file"
