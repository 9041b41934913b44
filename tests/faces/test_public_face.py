"""The names that others may rely on: which they are, that each is there and described, and the examples with them."""

import ast
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from faces.test_docs_commands import ROOT, fences
from faces.test_lightness import loaded_after

import harness
import harness.testing

PAGE = ROOT / "docs/api.md"
FACE = {
    "Builder",
    "Candidate",
    "Dataset",
    "Entry",
    "HarnessError",
    "Recipe",
    "Schedule",
    "Status",
    "TrainedModel",
    "UntrainedModel",
    "__version__",
    "candidates",
    "inspect_file",
    "load_dataset",
}


def described() -> set[str]:
    """The names at the head of the page's rows."""
    heads = re.findall(r"^\| (`.+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for head in heads for name in re.findall(r"`(\w+)`", head)}


def test_the_public_face_is_these_names() -> None:
    assert set(harness.__all__) == FACE
    assert set(dir(harness)) >= FACE
    assert harness.__version__ == version("edge-harness")
    assert all(getattr(harness, name).__name__ == name for name in FACE - {"__version__"})
    nearly = "candidate"
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'candidate'"):
        getattr(harness, nearly)


def test_type_checkers_see_the_names_where_they_are_found() -> None:
    tree = ast.parse(Path(harness.__file__).read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    homes = {
        alias.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert homes == harness._HOMES


def test_every_name_is_described_and_no_other() -> None:
    assert described() == FACE | set(harness.testing.__all__)


def test_importing_the_face_loads_nothing_heavy() -> None:
    assert loaded_after("import harness\nfrom harness import Candidate, candidates, Status, HarnessError") == set()


def test_the_page_s_examples_hold(tmp_path: Path) -> None:
    for number, fence in enumerate(fences("python", documents=(PAGE,))):
        (tmp_path / f"test_example{number}.py").write_text(fence.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_benchmarks_and_documents_import_the_face_alone() -> None:
    texts = {fence.document: fence.text for fence in fences("python")}
    texts |= {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")}
    private = re.compile(r"^\s*(?:from|import) harness\.(?!testing\b).*", re.MULTILINE)
    assert {name: found for name, text in texts.items() if (found := private.findall(text))} == {}
