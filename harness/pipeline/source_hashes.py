"""Which source files a module depends on, found without importing any of them."""

import ast
import functools
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

_INSTALLED = tuple({form for path in sysconfig.get_paths().values() for form in (Path(path), Path(path).resolve())})
_HARNESS: Final = Path(__file__).resolve().parents[1]


def user_source_hashes(module: str, search: Sequence[str]) -> dict[str, str]:
    """A hash of what the module's file says and of the files it imports, transitively, keyed by module name.

    ``search`` is the module path. Files of installed packages, of Python and of the harness are left out: versions,
    and ``harness_source_hashes``, stand for them in keys. Comments, layout and docstrings count for nothing. Imports at
    run time and data files are not seen. Empty: no such module.
    """
    return _hashes(module, search, lambda _name, file: not is_installed(file))


@functools.cache
def harness_source_hashes(module: str, rooms: tuple[str, ...]) -> dict[str, str]:
    """The same for a module of the harness: what it imports from some of the harness' packages.

    ``rooms`` are module names: their modules are followed, the ``__init__`` of a package is not: it lists
    everything, and what is taken from it is named in the key anyhow. Read once: a process runs the code it began with.
    """

    def followed(name: str, file: Path) -> bool:
        inside = any(name == room or name.startswith(f"{room}.") for room in rooms)
        return inside and file.name != "__init__.py"

    return _hashes(module, [str(_HARNESS.parent)], followed)


def default_of(module: str, function: str, parameter: str, search: Sequence[str]) -> object:
    """A parameter's default as the source states it: a number, a text, a truth; None where it states none."""
    file = _find(module, search)
    try:
        tree = ast.parse(file.read_bytes()) if file else ast.Module([], [])
    except (SyntaxError, ValueError, OSError):
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            default = dict(_defaults(node.args)).get(parameter)
            return default.value if isinstance(default, ast.Constant) else None
    return None


def is_installed(file: Path) -> bool:
    """Whether a file is Python's, an installed package's or the harness' own, and so none of the user's."""
    # As found and as resolved: an environment may be made of links.
    forms = (file.absolute(), file.resolve())
    return any(form.is_relative_to(place) for form in forms for place in (_HARNESS, *_INSTALLED))


def _hashes(module: str, search: Sequence[str], followed: Callable[[str, Path], bool]) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = None if name in found else _find(name, search)
        if file is None or (name != module and not followed(name, file)):
            continue
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        found[name], imported = _read(file.read_bytes(), package)
        waiting.extend(imported)
    return found


@functools.lru_cache(maxsize=1024)
def _read(content: bytes, package: str) -> tuple[str, tuple[str, ...]]:
    """A source's hash and what it imports: parsing takes long, and candidates share most of their files."""
    return meaning_sha256(content), tuple(dict.fromkeys(_imported(content, package)))


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


def _defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr | None]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    for argument, value in zip(with_default, arguments.defaults, strict=True):
        yield argument.arg, value
    for argument, keyword_value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield argument.arg, keyword_value


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
