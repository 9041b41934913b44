"""Text from elsewhere, made fit to be shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.text import encoded, escaped_json, visible, visible_lines, without_commands


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("\x9b31m", "\ufffd31m"),
        ("a\r\nb\tc\x85d\u2028e", "a b c d e"),
        ("\u202egpj.exe", "\ufffdgpj.exe"),
        ("\ud800 \udcff", "\ufffd \ufffd"),
        ("\ufffe\uffff\U0001fffe\U0010ffff\ufdd0", "\ufffd" * 5),
        ("\U000e0041", "\ufffd"),
        ("Größe 4 µs ✓ 模型", "Größe 4 µs ✓ 模型"),
    ],
)
def test_what_steers_or_is_no_text_is_replaced(text, shown):
    assert visible(text) == shown


@given(st.text(st.characters(), max_size=50))
def test_any_text_can_be_written_anywhere_after(text):
    shown = visible(text)
    assert visible(shown) == shown
    shown.encode("utf-8")
    assert not set(shown) & {"\n", "\r", "\x1b", "\ufffe"}


def test_lines_stay_lines():
    assert visible_lines("a\x1b\n\tb\n") == "a\ufffd\n b\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", "| ::error::x"),
        ("  ::error::x", "|   ::error::x"),
        ("\u3000::stop-commands::x", "| \u3000::stop-commands::x"),
        ("fine\n::add-mask::a\nfine", "fine\n| ::add-mask::a\nfine"),
        ("a ##[group]b", "a ## [group]b"),
        ("test.py::test_a", "test.py::test_a"),
    ],
)
def test_no_line_is_read_as_a_workflow_command(text, shown):
    assert without_commands(text) == shown


def test_a_json_document_stays_the_same_and_steers_nothing():
    told = {"name": "a\x7f\u202eb\x85c\u2028d\ue000", "other": ["\U000e0041"]}
    shown = escaped_json(json.dumps(told, ensure_ascii=False, indent=1))
    assert json.loads(shown) == told
    assert "\\u007f\\u202eb\\u0085c\\u2028d\ue000" in shown
    assert visible_lines(shown) == shown


def test_text_is_utf8_also_where_it_stands_for_bytes_that_are_none():
    assert encoded("Größe") == "Größe".encode()
    assert encoded("a\udcffb") == "a\ufffdb".encode()
