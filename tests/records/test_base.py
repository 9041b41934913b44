"""Every record is frozen and strict, and holds no number beyond reason."""

from typing import Literal

import pytest
from pydantic import Field, ValidationError

from harness.records.base import MOST_INTEGER, MOST_PROBLEMS, Record, describe_problems
from harness.records.units import MOST_NUMBER

MOST = "1" + 30 * "0"
"""The largest number, as pydantic writes it."""


class Inner(Record):
    number: float | None = None


class Outer(Record):
    count: int = 0
    share: float = Field(default=0.5, ge=0.0, lt=2e30)
    above: float = Field(default=1.0, gt=-2e30)
    inner: tuple[Inner, ...] = ()
    word: Literal["a"] = "a"


def refused(**fields: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(fields)
    return describe_problems(caught.value)


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Outer().count = 1  # type: ignore[misc]


def test_numbers_have_bounds_that_they_reach() -> None:
    assert (MOST_INTEGER, MOST_NUMBER) == (9_223_372_036_854_775_807, 1e30)
    for count in (MOST_INTEGER, -MOST_INTEGER):
        assert Outer(count=count).count == count
    for number in (MOST_NUMBER, -MOST_NUMBER):
        assert Outer(inner=(Inner(number=number),)).inner[0].number == number


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"count": MOST_INTEGER + 1}, "count: Input should be less than or equal to 9223372036854775807"),
        ({"count": -MOST_INTEGER - 1}, "count: Input should be greater than or equal to -9223372036854775807"),
        ({"inner": ({"number": 1.1e30},)}, f"inner.0.number: Input should be less than or equal to {MOST}"),
        ({"inner": ({"number": -1.1e30},)}, f"inner.0.number: Input should be greater than or equal to -{MOST}"),
        ({"inner": ({"number": float("nan")},)}, "inner.0.number: Input should be a finite number"),
        ({"share": -0.1}, "share: Input should be greater than or equal to 0"),
        ({"count": 1.0}, "count: Input should be a valid integer"),
        ({"counts": 1}, "counts: Extra inputs are not permitted"),
        ({"word": "b"}, "word: Input should be 'a'"),
    ],
)
def test_what_does_not_fit_is_named_where_it_stands(fields: dict[str, object], said: str) -> None:
    assert refused(**fields) == said


def test_a_bound_of_a_field_s_own_stays() -> None:
    assert Outer(share=1.5e30).share == 1.5e30
    assert Outer(above=-1.5e30).above == -1.5e30
    assert refused(share=2e30) == f"share: Input should be less than 2{MOST[1:]}"
    assert refused(above=1.5e30) == f"above: Input should be less than or equal to {MOST}"


def test_problems_are_one_line_and_past_fifty_are_counted() -> None:
    assert refused(count="x", word="b").count("; ") == 1
    names = {f"x{number}": 1 for number in range(MOST_PROBLEMS)}
    assert "more" not in refused(**names)
    said = refused(**names, one=1, two=2, three=3)
    assert (said.count("; "), said.rpartition("; ")[2]) == (MOST_PROBLEMS, "and 3 more")
    assert MOST_PROBLEMS == 50


def test_a_place_is_short_and_printable() -> None:
    assert refused(**{"a\n\x1b" + "x" * 100: 1}) == f"a ?{'x' * 77}: Extra inputs are not permitted"
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate([])
    assert describe_problems(caught.value).startswith("the file: Input should be a valid dictionary")
