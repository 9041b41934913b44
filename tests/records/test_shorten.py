"""Long texts of others in a message of ours."""

from hypothesis import given
from hypothesis import strategies as st

from harness.records.text import shorten


def test_the_end_stays_since_a_cause_often_stands_there():
    text = f"could not be read: config={'{...}' * 500}\n\nException encountered: no class 'Mine'"
    line = shorten(text)
    assert len(line) <= 300 and line.startswith("could not be read") and line.endswith("no class 'Mine'")


def test_a_short_text_is_only_brought_to_one_line():
    assert shorten(" two\n  lines ") == "two lines"


@given(st.text(), st.integers(20, 400))
def test_it_is_one_line_of_the_length_asked_for(text, limit):
    line = shorten(text, limit)
    assert len(line) <= limit and len(line.splitlines()) <= 1
