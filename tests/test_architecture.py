"""What the pages on the code and the rooms' docstrings name is there, and under that name."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HARNESS = ROOT / "harness"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
WAYS = re.findall(r"^\*\*(\w[^*]+, to [^*]+)\.\*\* (.+?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"`((?:[\w-]+/)*[\w-]+\.py|(?:[\w-]+/)+|(?:[\w-]+/)+[\w-]+)`")
ROOMS = sorted(path for path in HARNESS.rglob("__init__.py") if ast.get_docstring(ast.parse(path.read_text("utf-8"))))


def is_there(name: str) -> bool:
    """Whether a file or folder has this name, from the top, below harness/ or pipeline/, or anywhere for a file's."""
    if "/" not in name:
        return any(HARNESS.rglob(name))
    places = (ROOT, HARNESS, HARNESS / "pipeline")
    return any((place / name).exists() or (place / f"{name}.py").exists() for place in places)


def named_modules(init: Path) -> set[str]:
    """The words in double backticks of a room's docstring that are written as modules are."""
    text = ast.get_docstring(ast.parse(init.read_text("utf-8"))) or ""
    return set(re.findall(r"``([a-z][a-z0-9_]*)``", text))


def names_defined_in(folder: Path) -> set[str]:
    """Functions and classes that the room's files define, whatever their depth."""
    trees = (ast.parse(path.read_text("utf-8")) for path in folder.rglob("*.py"))
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize(
    ("page", "fewest"), [("docs/architecture.md", 60), ("CONTRIBUTING.md", 15), ("docs/testing.md", 5)]
)
def test_every_file_that_a_page_on_the_code_names_is_there(page: str, fewest: int) -> None:
    named = _PATH.findall(_FENCED.sub("", (ROOT / page).read_text(encoding="utf-8")))
    assert len(named) >= fewest
    assert [name for name in named if not is_there(name)] == []


def test_the_three_ways_name_their_files_one_after_another() -> None:
    assert [title.partition(",")[0] for title, _ in WAYS] == ["An option", "A budget's text", "A Keras factory"]
    for title, way in WAYS:
        files = _PATH.findall(way)
        assert len(files) >= 10, title
        assert len(set(files)) == len(files), title
        assert [name for name in files if not (HARNESS / name).is_file()] == [], title


@pytest.mark.parametrize("init", ROOMS, ids=lambda path: path.parent.relative_to(ROOT).as_posix())
def test_the_modules_that_a_room_s_docstring_names_are_in_it(init: Path) -> None:
    room = init.parent
    there = {path.stem for path in room.iterdir()} | names_defined_in(room) | {"edge_agent", "harness"}
    assert named_modules(init) - there == set()


def test_a_name_that_is_nowhere_is_not_taken_for_one() -> None:
    assert is_there("agent/trial.py") and is_there("restore.py") and is_there("model/zoo")
    assert not is_there("agent/trials.py") and not is_there("restored.py") and not is_there("model/zoos")
