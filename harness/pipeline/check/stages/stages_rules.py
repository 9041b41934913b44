"""What a stages file must keep to, read from its source without running it."""

import ast
from pathlib import Path

from harness.records.errors import BuildError
from harness.records.files import read_bytes

STAGES = ("preprocess", "postprocess")
OLDEST_PYTHON = (3, 7)
"""Boards may have no newer one."""
MOST_BYTES = 1 << 20
_ALLOWED = frozenset({"numpy", "__future__"})
_OUT_OF_REACH = frozenset({"open", "input", "eval", "exec", "compile", "__import__"})
"""Built-in functions that lead out of the file."""


def check_stages(path: Path) -> None:
    """Refuse a file that a board could not run: BuildError, one line with the file and the line in it.

    It must be of Python 3.7's syntax, import only numpy, open no files, and define preprocess or postprocess at its
    top level.
    """
    tree = _parse(path, _source(path))
    for node in ast.walk(tree):
        problem = _problem(node)
        if problem:
            raise BuildError(f"{path}, line {getattr(node, 'lineno', 1)}: {problem}")
    if not _defined_names(tree) & set(STAGES):
        raise BuildError(f"{path} defines neither preprocess nor postprocess: write at least one as a function")


def _source(path: Path) -> bytes:
    try:
        return read_bytes(path, max_bytes=MOST_BYTES)
    except OSError as error:
        raise BuildError(f"the stages file {path} cannot be read: {error.strerror or error}") from error


def _parse(path: Path, source: bytes) -> ast.Module:
    """The file's syntax tree. Python's own parser refuses most, not all, of what came after version 3.7."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise BuildError(f"{path}, line {error.lineno or 1}: it is no Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise BuildError(f"{path} is no Python file: {error}") from error
    try:
        return ast.parse(source, feature_version=OLDEST_PYTHON)
    except SyntaxError as error:
        raise BuildError(
            f"{path}, line {error.lineno or 1}: {error.msg}; boards may have Python 3.7, so write it the older way"
        ) from error


def _problem(node: ast.AST) -> str:
    """What is wrong with one part of the file; empty where nothing is."""
    if isinstance(node, ast.Import):
        foreign = [alias.name for alias in node.names if alias.name.partition(".")[0] not in _ALLOWED]
    elif isinstance(node, ast.ImportFrom):
        name = "." * node.level + (node.module or "")
        foreign = [] if name.partition(".")[0] in _ALLOWED else [name]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OUT_OF_REACH:
        return f"it calls {node.func.id}: only this file is sent to boards, so write labels and the like into it"
    else:
        return ""
    if not foreign:
        return ""
    return f"it imports {foreign[0]}: a stages file imports only numpy, since boards have nothing else"


def _defined_names(tree: ast.Module) -> set[str]:
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assigned = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return functions | {target.id for target in assigned if isinstance(target, ast.Name)}
