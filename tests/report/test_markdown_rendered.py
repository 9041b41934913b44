"""summary.md as a reader of Markdown makes it: what was named stands there as text, and nothing else is markup."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.baseline_results import baseline_results
from support.sample_results import HOSTILE, results
from support.told_results import told_results

from harness.records.text import visible
from harness.report.markdown import LONGEST, escape
from harness.report.summary import summary

READER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
LAYOUT = {"h1", "h2", "p", "ul", "li", "strong", "br", "details", "summary"}
LAYOUT |= {"table", "thead", "tbody", "tr", "th", "td"}
TEXT = st.text(max_size=LONGEST) | st.text(alphabet="\\`*_[]()<>{}|~#!&;:/@.+-= \n\tabwx12\"'$^", max_size=60)


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def read(text):
    return Page(READER.render(text))


@pytest.mark.parametrize("made", [results, told_results, baseline_results])
def test_only_our_own_layout_is_markup(made):
    page = read(summary(made()))
    assert page.tags <= LAYOUT | {"pre", "code"}  # commands, and waivers to paste
    assert visible(HOSTILE) in page.text


@given(TEXT)
@example("[a](b) ![c](d) <e> &amp; `f` **g** ~~h~~ | i \\ #j @k https://l.m www.n.o")
@example("\u200b<!-- -->&#60;script&#62;")
def test_any_text_in_a_line_is_read_as_it_is(text):
    page = read(f"- x: {escape(text)}")
    assert page.tags == {"ul", "li"}
    assert squeezed(page.text) == squeezed(f"x: {visible(text)}")


@given(TEXT)
def test_any_text_in_a_cell_is_read_as_it_is(text):
    page = read(f"| a | b |\n| --- | --- |\n| x{escape(text)} | last |")
    assert page.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert squeezed(page.text) == squeezed(f"ab x{visible(text)} last")


def squeezed(text):
    """Without white space and without what keeps a name from being told of."""
    return "".join(text.split()).replace("\u200b", "")
