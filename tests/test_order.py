"""The longest files of tests are run first."""

from pathlib import Path

import pytest
from support.order import LONGEST, place_of

TESTS = Path(__file__).parent


def test_the_longest_files_are_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).is_file()] == []


def test_they_come_before_all_others(request: pytest.FixtureRequest) -> None:
    paths = [item.path for item in request.session.items if item.path.is_relative_to(TESTS)]
    files = [path.relative_to(TESTS).as_posix() for path in paths]
    places = [place_of(file) for file in files]
    assert places == sorted(places)
