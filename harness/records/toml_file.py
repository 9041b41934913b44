"""The one reader of TOML files: profiles, budgets, pyproject.toml. What is wrong with one is said in one line."""

import codecs
import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.records.errors import HarnessError
from harness.records.files import read_bytes

MOST_BYTES = 2**20
MOST_SHARED_BYTES = 16 * 2**20
MOST_LEVELS = 32
"""Tables and arrays within each other; the files read here need five."""
_MOST_INTEGER = 2**63 - 1
"""TOML's integers have 64 bits; Python's would take any number of digits."""
_MARKS = {codecs.BOM_UTF8: "UTF-8", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
# A dotted key of n parts costs tomllib n^2, and so does each line below such a header.
_PART = r"""(?:(?<![\w-])[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?:{_PART}[ \t]*+\.[ \t]*+){{{MOST_LEVELS}}}")


def read_toml(path: Path, *, error: type[HarnessError], label: str | None = None) -> dict[str, Any]:
    """The tables of a TOML file of at most `MOST_BYTES`, nested at most `MOST_LEVELS` deep, integers of 64 bits.

    Raises ``error``, one line that begins with ``label`` (the path, where None): not there, no regular file, too large,
    a byte order mark, another encoding than UTF-8, no TOML, nested too deeply, an integer too large.
    """
    with _named(label or str(path), error):
        return parse_toml(read_bytes(path, max_bytes=MOST_BYTES))


def read_toml_table(path: Path, keys: Sequence[str], *, error: type[HarnessError]) -> dict[str, Any]:
    """The table at ``keys`` of a TOML file that other programs have tables in, too; empty where it is not there.

    What the others hold is theirs: the limits are those of this table, and the file may have `MOST_SHARED_BYTES`.
    Raises ``error`` as `read_toml` does, and where something else than a table stands there.
    """
    with _named(str(path), error):
        table: Any = _parsed(read_bytes(path, max_bytes=MOST_SHARED_BYTES))
        for key in keys:
            table = table.get(key, {})
            if not isinstance(table, dict):
                raise ValueError(f"{key} = {table!r:.60}: expected a table, [{'.'.join(keys)}]")
        return _within_limits(table)


def parse_toml(content: bytes) -> dict[str, Any]:
    """The tables of a TOML text in UTF-8; ValueError says what is wrong, without the file's name."""
    return _within_limits(_parsed(content))


@contextmanager
def _named(name: str, error: type[HarnessError]) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise error(f"{name}: cannot be read: {problem.strerror}; check the path") from problem
    except ValueError as problem:
        raise error(f"{name}: {problem}") from problem


def _parsed(content: bytes) -> dict[str, Any]:
    text = _decode(content)
    if _LONG_KEY.search(text):
        raise ValueError(_too_deep())
    try:
        return tomllib.loads(text)
    except RecursionError as problem:
        raise ValueError(_too_deep()) from problem
    except tomllib.TOMLDecodeError as problem:
        raise ValueError(f"not valid TOML: {' '.join(str(problem).split())}; mend the file") from problem
    except (ValueError, OverflowError) as problem:
        # Python's own limit on the digits of a number, which tomllib lets through.
        raise ValueError(_too_large()) from problem


def _within_limits(table: dict[str, Any]) -> dict[str, Any]:
    for level, value in _values(table):
        if level > MOST_LEVELS:
            raise ValueError(_too_deep())
        if isinstance(value, int) and not -_MOST_INTEGER <= value <= _MOST_INTEGER:
            raise ValueError(_too_large())
    return table


def _decode(content: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            raise ValueError(f"begins with a byte order mark (BOM) of {encoding}; save it as UTF-8 without BOM")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(f"not UTF-8 at byte {problem.start}; save it as UTF-8 text") from problem


def _values(table: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    """Every value and the number of tables and arrays around it, without recursion."""
    waiting: list[tuple[int, Any]] = [(0, table)]
    while waiting:
        level, value = waiting.pop()
        yield level, value
        below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(level + 1, item) for item in below]


def _too_deep() -> str:
    return f"nests keys, tables or arrays more than {MOST_LEVELS} deep; write it flatter"


def _too_large() -> str:
    return "holds an integer beyond 64 bits, which TOML does not have; write a smaller number"
