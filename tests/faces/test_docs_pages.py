"""The pages read easily and are found: short paragraphs and lines, a short README, an index that leads to each."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from faces.test_docs_commands import DOCUMENTS, ROOT

PAGES = (*DOCUMENTS, ROOT / "CHANGELOG.md")
MOST_WORDS = 80
MOST_LETTERS = 110
MOST_README_WORDS = 600
PARTS = ["Start", "Guides", "Concepts", "Reference"]
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_APART = re.compile(r"\s*(?:[|#<>]|$)")
_ITEM = re.compile(r"\s*(?:[-*]|\d+\.) ")


def paragraphs(page: Path) -> Iterator[list[str]]:
    """The lines of each paragraph and list item; code, tables and headings are left out."""
    found: list[str] = []
    for line in _FENCED.sub("", page.read_text(encoding="utf-8")).splitlines():
        if found and (_APART.match(line) or _ITEM.match(line)):
            yield found
            found = []
        if not _APART.match(line):
            found.append(line)
    if found:
        yield found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_paragraph_and_no_line_is_long(page: Path) -> None:
    told = [paragraph[0] for paragraph in paragraphs(page) if len(" ".join(paragraph).split()) > MOST_WORDS]
    assert told == [], f"more than {MOST_WORDS} words"
    wide = [line for paragraph in paragraphs(page) for line in paragraph if len(line) > MOST_LETTERS]
    assert wide == [], f"more than {MOST_LETTERS} letters"


def test_the_readme_is_read_in_three_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= MOST_README_WORDS


def test_the_index_has_four_parts_and_leads_to_every_page() -> None:
    index = ROOT / "docs/index.md"
    text = index.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    linked = {(index.parent / name).resolve() for name in re.findall(r"\]\(([^)#]+)\)", text)}
    assert sorted(page.name for page in PAGES if page.resolve() not in {*linked, index}) == []


def test_the_glossary_is_in_order_a_line_each() -> None:
    rows = re.findall(r"^\| (?!word|-)(.+?) \| (.+) \|$", (ROOT / "docs/glossary.md").read_text("utf-8"), re.MULTILINE)
    words = [word.casefold() for word, _ in rows]
    assert len(words) > 30
    assert words == sorted(set(words))


def test_paragraphs_are_told_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Head\none\ntwo\n\n- three\n- four\n  five\n\n| a | b |\n```sh\nsix\n```\nseven\n", encoding="utf-8"
    )
    assert list(paragraphs(page)) == [["one", "two"], ["- three"], ["- four", "  five"], ["seven"]]
