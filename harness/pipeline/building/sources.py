"""Which files of the user's a factory depends on, found without importing any of them."""

import ast
import sysconfig
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path

_INSTALLED = tuple(Path(path).resolve() for path in set(sysconfig.get_paths().values()) if path)
_HARNESS = Path(__file__).resolve().parents[2]


def source_hashes(module: str, search: Sequence[str]) -> dict[str, str]:
    """sha256 of the module's file and of the files it imports, transitively, keyed by module name.

    ``search`` is the module path. Files of installed packages, of Python and of the harness are left out: their
    versions stand in the cache key. Imports made at run time and data files are not seen. Empty: no such module.
    """
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = _find(name, search)
        if file is None or name in found or (name != module and is_installed(file)):
            continue
        content = file.read_bytes()
        found[name] = sha256(content).hexdigest()
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        waiting.extend(_imported(content, package))
    return found


def _find(module: str, search: Sequence[str]) -> Path | None:
    """The module's source file; parents are looked up as folders, never imported."""
    path: Sequence[str] | None = search
    parts = module.split(".")
    for index in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: index + 1]), path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
        if path is None and index < len(parts) - 1:
            return None
    is_source = spec is not None and spec.origin is not None and spec.origin.endswith(".py")
    return Path(spec.origin) if is_source and spec and spec.origin else None


def is_installed(file: Path) -> bool:
    """Whether a file is Python's, an installed package's or the harness' own, and so none of the user's."""
    resolved = file.resolve()
    return resolved.is_relative_to(_HARNESS) or any(resolved.is_relative_to(place) for place in _INSTALLED)


def _imported(content: bytes, package: str) -> Iterator[str]:
    """Names of modules that a source may import; names taken from a module may be modules themselves."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return  # the worker will say so when it imports the file
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            yield from _from_names(node, package)


def _from_names(node: ast.ImportFrom, package: str) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        parents = package.split(".") if package else []
        kept = parents[: len(parents) - node.level + 1]
        base = ".".join([*kept, *([node.module] if node.module else [])])
    if base:
        yield from _with_parents(base)
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[: index + 1]) for index in range(len(parts)))
