"""The code's structure: no import cycle, no function longer than a screen, and a script that counts the rest."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from structure import structure

SCRIPT = Path(structure.__file__)
BUDGET_PASSES = {"gates/budgets.py", "gates/limits.py", "gates/judge.py", "gates/absolute.py", "gates/sentences.py"}


@pytest.fixture(scope="module")
def here():
    return structure.describe(structure.ROOT)


def written(folder, files):
    """A checkout whose harness/ has these modules."""
    for name, text in files.items():
        path = folder / "harness" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_no_module_imports_itself_in_a_circle_even_within_functions(here):
    assert here.cycles == []


def test_no_function_is_longer_than_a_screen(here):
    assert here.function_longest <= 60


def test_no_text_that_is_run_or_imported_names_a_room_above_its_own():
    contracts = tomllib.loads((structure.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = [re.split(r" \| ", floor) for floor in contracts[0]["layers"]]
    height = {room: -at for at, rooms in enumerate(floors) for room in rooms}
    found = []
    for path in sorted((structure.ROOT / "harness").glob("*/**/*.py")):
        room = path.relative_to(structure.ROOT / "harness").parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named = re.fullmatch(r"(?:from |import )?harness\.([a-z]+)(?:[.:][\w.:]+)?(?: import .*)?", node.value)
                if named and height[named[1]] >= height[room] and named[1] != room:
                    found.append((path.name, node.value))
    assert found == []


def test_a_cycle_is_found_through_an_import_within_a_function(tmp_path):
    files = {
        "__init__.py": "",
        "a.py": "from harness.b import c\n",
        "b/__init__.py": "",
        "b/c.py": "def late():\n    from harness import a\n\n    return a\n",
        "d.py": "import harness.a\n",
    }
    assert structure.describe(written(tmp_path, files)).cycles == [["harness.a", "harness.b.c"]]


def test_an_import_for_type_checkers_alone_makes_no_cycle(tmp_path):
    quiet = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from harness.a import b\n"
    files = {"__init__.py": "", "a.py": "from harness import c\n", "c.py": quiet}
    assert structure.describe(written(tmp_path, files)).cycles == []


def test_lines_names_and_lengths_are_counted(tmp_path):
    told = "    def told(self):\n        return os\n\n"
    closed = "    def closed(self) -> bool:\n        return sys is None\n"
    one = f"import os\nimport sys\n\n\nclass Twice:\n{told}{closed}"
    functions = "def feed(): ...\n\n\ndef made(): ...  # noqa: D103\n"
    two = f"from pathlib import (\n    Path,\n)\n\n\nclass Twice: ...\n\n\n{functions}"
    found = structure.describe(written(tmp_path, {"one.py": one, "two.py": two}))
    assert (found.files, found.lines, found.median_lines, found.small_share) == (2, 22, 11, 1)
    assert found.import_share == 5 / 22
    assert (found.functions, found.participle_share) == (4, 0.5)
    assert (found.function_median, found.function_longest) == (1.5, 2)
    assert (found.twice, found.noqa) == (["Twice"], 1)


def test_files_are_traced_from_a_budgets_text_to_the_sentence(tmp_path):
    passed = structure.judge_entry(structure.ROOT, tmp_path)
    assert passed >= BUDGET_PASSES
    assert not {"store/results_file.py", "records/settings.py"} & passed, "only imported, or run before"


def test_files_are_traced_in_processes_that_a_traced_one_starts_and_that_end_at_once(tmp_path):
    leave = "import os\n\n\ndef leave():\n    os._exit(0)\n"
    root = written(tmp_path, {"__init__.py": "", "called.py": leave, "imported.py": "class Seen: ...\n"})
    child = "from harness import called, imported; called.leave()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    assert structure.trace(root, tmp_path, ["-c", parent]) == {"called.py"}


def test_a_run_that_fails_is_told_with_its_last_words(tmp_path):
    with pytest.raises(RuntimeError, match=r"exit status 4: .*nowhere"):
        structure.trace(structure.ROOT, tmp_path, structure.harness_words("judge", "nowhere"))


def test_the_script_prints_the_figures(here):
    done = subprocess.run([sys.executable, SCRIPT, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["files"], told["noqa"], told["runs"]) == (here.files, here.noqa, {})
