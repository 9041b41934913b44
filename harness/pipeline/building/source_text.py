"""What a Python source says, apart from how it is written: comments, layout and docstrings do not count."""

import ast
from collections.abc import Iterator
from hashlib import sha256

_WITHOUT_MEANING = frozenset({"kind", "type_comment", "type_ignores"})
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def meaning_sha256(content: bytes) -> str:
    """sha256 of the parsed source; of the bytes as they are where it is no Python.

    Written out here and not by ``ast.dump``, whose text changes from one Python version to the next.
    """
    try:
        parts = list(_told(ast.parse(content)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return sha256(content).hexdigest()
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _told(node: ast.AST) -> Iterator[str]:
    """The tree from the top down; what is absent is left out, so that fields of newer Pythons do not show."""
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        if name in _WITHOUT_MEANING or value is None or value == []:
            continue
        yield f".{name}"
        documented = isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None
        yield from _value(value[1:] if documented and name == "body" else value)
    yield "end"


def _value(value: object) -> Iterator[str]:
    if isinstance(value, ast.AST):
        yield from _told(value)
    elif isinstance(value, list):
        for part in value:
            yield from _value(part)
        yield "end"
    else:
        yield f"{type(value).__name__} {value!r}"
