"""Long texts of others in a message of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.text import shorten


def test_the_end_stays_since_a_cause_often_stands_there():
    text = f"could not be read: config={'{...}' * 500}\n\nException encountered: no class 'Mine'"
    line = shorten(text)
    assert len(line) <= 300 and line.startswith("could not be read") and line.endswith("no class 'Mine'")


@pytest.mark.parametrize(
    ("limit", "line"),
    [
        (26, "abcdefghijklmnopqrstuvwxyz"),
        (25, "abcdefghij ... qrstuvwxyz"),
        (16, "abcde ... uvwxyz"),
        (15, "abcde ... vwxyz"),
    ],
)
def test_the_middle_is_left_out_and_the_end_has_the_odd_letter(limit, line):
    assert shorten("abcdefghijklmnopqrstuvwxyz", limit) == line


def test_unless_told_otherwise_a_line_has_three_hundred_letters():
    assert shorten("x" * 300) == "x" * 300
    assert len(shorten("x" * 301)) == 300


def test_a_short_text_is_only_brought_to_one_line():
    assert shorten(" two\n  lines ") == "two lines"


@given(st.text(), st.integers(20, 400))
def test_it_is_one_line_of_the_length_asked_for(text, limit):
    line = shorten(text, limit)
    assert len(line) <= limit and len(line.splitlines()) <= 1
