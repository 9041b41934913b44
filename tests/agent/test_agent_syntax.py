"""The agent's files are what an old board can run, and only import what it has."""

import ast
import sys
from pathlib import Path

import pytest
from agent.agent_conversation import AGENT

OLDEST = (3, 7)
HEAVY = {"numpy", "ai_edge_litert", "tflite_runtime", "tensorflow"}
LIGHT_MODULES = {"steward", "lease", "restore", "tune", "probe", "store", "wire", "block_client", "block", "spec"}
"""What the steward and a block's parent import before they need an interpreter."""
FILES = sorted(AGENT.glob("*.py"))

# Names that came into the standard library after Python 3.7.
YOUNGER = {"removeprefix", "removesuffix", "Protocol", "Literal", "Final", "memfd_create", "pidfd_open"}


def imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_folder_holds_the_agent() -> None:
    assert {path.name for path in FILES} > {"__main__.py", "__init__.py", "steward.py", "block.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_python_3_7_can_parse_it(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=OLDEST)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_annotations_are_never_evaluated(path: Path) -> None:
    tree = ast.parse(path.read_text())
    defines = any(isinstance(node, ast.FunctionDef | ast.AnnAssign) for node in ast.walk(tree))
    assert not defines or path.name == "__main__.py" or "from __future__ import annotations" in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_imports_the_standard_library_numpy_and_itself(path: Path) -> None:
    extra = imported(ast.parse(path.read_text())) - set(sys.stdlib_module_names) - {"edge_agent", "numpy"}
    assert extra == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_never_unpickles_or_evaluates(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert imported(tree).isdisjoint({"pickle", "marshal", "shelve", "runpy", "code"})
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    # A candidate's own pre- and post-processing, checked by its sha256, is the one thing that is not the agent's.
    allowed = {"exec", "compile"} if path.name == "stages.py" else set()
    assert calls.isdisjoint({"eval", "exec", "compile", "__import__"} - allowed)


@pytest.mark.parametrize("path", [AGENT / f"{name}.py" for name in sorted(LIGHT_MODULES)], ids=lambda path: path.name)
def test_the_steward_needs_no_numpy(path: Path) -> None:
    assert imported(ast.parse(path.read_text())).isdisjoint(HEAVY)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_uses_no_younger_names(path: Path) -> None:
    if path.name == "interfaces.py":
        return
    tree = ast.parse(path.read_text())
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert used.isdisjoint(YOUNGER)
