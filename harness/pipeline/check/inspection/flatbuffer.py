"""A reader of FlatBuffers tables that trusts nothing: every offset and length is checked against the file's end.

Offsets may lead to one place many times, so a small file can describe endless lists: what is read is counted too.

Layout: https://flatbuffers.dev/internals/ (little endian; a table points back to its vtable of field offsets).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_TABLES: Final = 100_000
"""Tensors, operators and the like read from one file; the largest models that run on boards have some ten thousand."""
_NUMBERS_A_TABLE = 16
"""As many numbers of a list take about as long to read as one table."""

_FORMATS: Final = {code: struct.Struct(f"<{code}") for code in "?bBHiIqQf"}


class DamagedError(Exception):
    """A file contradicts itself; the message says what its bytes do, e.g. "lead to byte 1,000"."""


class Reading:
    """How much was read of one file, so that reading it ends."""

    def __init__(self, most: int = MOST_TABLES) -> None:
        self._left = most

    def spend(self, tables: int) -> None:
        """Count tables that are about to be read; raises DamagedError past the most."""
        self._left -= tables
        if self._left < 0:
            raise DamagedError("describe more tensors and operators than any model has")


@dataclass(frozen=True)
class Vector:
    """A vector's first element and number of elements, known to lie within the buffer."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table at a position of a buffer, and where its list of field offsets lies."""

    buffer: memoryview
    position: int
    offsets: int
    offsets_bytes: int
    reading: Reading

    def scalar(self, index: int, code: str, default: int = 0) -> int:
        """The integer field at an index of the schema; ``code`` is its struct format."""
        place = self._place(index)
        return default if place is None else _unpack(self.buffer, code, place)

    def table(self, index: int) -> "Table | None":
        """The table a field points to."""
        place = self._place(index)
        return None if place is None else _table(self.buffer, place, self.reading)

    def vector(self, index: int, *, element_bytes: int) -> Vector:
        """The vector a field points to; an absent one is empty."""
        place = self._place(index)
        if place is None:
            return Vector(0, 0)
        target = _follow(self.buffer, place)
        length = _unpack(self.buffer, "I", target)
        end = target + 4 + length * element_bytes
        if end > len(self.buffer):
            raise DamagedError(f"lead to data up to byte {end:,}")
        return Vector(target + 4, length)

    def text(self, index: int, *, limit: int) -> str:
        """The string a field points to, cut to a limit, with only printable characters."""
        found = self.vector(index, element_bytes=1)
        raw = bytes(self.buffer[found.start : found.start + min(found.length, limit)])
        return "".join(char if char.isprintable() else "?" for char in raw.decode("utf-8", "replace"))

    def numbers(self, index: int, code: str, *, limit: int = 64) -> tuple[int | float, ...]:
        """The first numbers of a vector."""
        size = _FORMATS[code].size
        found = self.vector(index, element_bytes=size)
        count = min(found.length, limit)
        self.reading.spend(count // _NUMBERS_A_TABLE)
        raw = self.buffer[found.start : found.start + count * size]
        return struct.unpack(f"<{count}{code}", raw)

    def whole_numbers(self, index: int, *, limit: int = 64) -> tuple[int, ...]:
        """The first numbers of a vector of 32-bit integers."""
        return tuple(int(number) for number in self.numbers(index, "i", limit=limit))

    def tables(self, index: int) -> Iterator["Table"]:
        """The tables of a vector."""
        found = self.vector(index, element_bytes=4)
        self.reading.spend(found.length)
        for number in range(found.length):
            yield _table(self.buffer, found.start + 4 * number, self.reading)

    def element(self, index: int, number: int) -> "Table":
        """One table of a vector."""
        found = self.vector(index, element_bytes=4)
        if not 0 <= number < found.length:
            raise DamagedError(f"name element {number} of {found.length}")
        return _table(self.buffer, found.start + 4 * number, self.reading)

    def _place(self, index: int) -> int | None:
        entry = 4 + 2 * index
        if entry + 2 > self.offsets_bytes:
            return None
        offset = _unpack(self.buffer, "H", self.offsets + entry)
        return self.position + offset if offset else None


def root(buffer: memoryview) -> Table:
    """The root table of a buffer."""
    return _table(buffer, 0, Reading())


def _table(buffer: memoryview, place: int, reading: Reading) -> Table:
    """The table that the offset at a place leads to."""
    position = _follow(buffer, place)
    offsets = position - _unpack(buffer, "i", position)
    return Table(buffer, position, offsets, _unpack(buffer, "H", offsets), reading)


def _follow(buffer: memoryview, place: int) -> int:
    return place + _unpack(buffer, "I", place)


def _unpack(buffer: memoryview, code: str, place: int) -> int:
    layout = _FORMATS[code]
    if place < 0 or place + layout.size > len(buffer):
        raise DamagedError(f"lead to byte {place:,}")
    value: int = layout.unpack_from(buffer, place)[0]
    return value
