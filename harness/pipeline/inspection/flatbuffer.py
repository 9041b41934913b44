"""A reader of FlatBuffers tables that trusts nothing: every offset and length is checked against the file's end.

Offsets may lead to one place many times, so a small file can describe endless lists: what is read is counted too.

Layout: https://flatbuffers.dev/internals/ (little endian; a table points back to its vtable of field offsets).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_ELEMENTS: Final = 300_000
"""Tables and numbers read from one file; the largest models that run on boards have some ten thousand."""


class DamagedError(Exception):
    """An offset or length leads out of the file; the message says where."""


class Reading:
    """How much was read of one file, so that reading it ends."""

    def __init__(self, most: int = MOST_ELEMENTS) -> None:
        self._left = most

    def spend(self, elements: int) -> None:
        """Count elements that are about to be read; raises DamagedError past the most."""
        self._left -= elements
        if self._left < 0:
            raise DamagedError("more tensors and operators than any model has")


@dataclass(frozen=True)
class Vector:
    """A vector's first element and number of elements, known to lie within the buffer."""

    start: int
    length: int


@dataclass(frozen=True)
class Table:
    """A table at a position of a buffer."""

    buffer: memoryview
    position: int
    reading: Reading

    def scalar(self, index: int, code: str, default: int = 0) -> int:
        """The integer field at an index of the schema; ``code`` is its struct format."""
        place = self._place(index)
        return default if place is None else _unpack(self.buffer, code, place)

    def table(self, index: int) -> "Table | None":
        """The table a field points to."""
        place = self._place(index)
        return None if place is None else Table(self.buffer, _follow(self.buffer, place), self.reading)

    def vector(self, index: int, *, element_bytes: int) -> Vector:
        """The vector a field points to; an absent one is empty."""
        place = self._place(index)
        if place is None:
            return Vector(0, 0)
        target = _follow(self.buffer, place)
        length = _unpack(self.buffer, "I", target)
        end = target + 4 + length * element_bytes
        if end > len(self.buffer):
            raise DamagedError(f"data up to byte {end:,}")
        return Vector(target + 4, length)

    def text(self, index: int, *, limit: int) -> str:
        """The string a field points to, cut to a limit, with only printable characters."""
        found = self.vector(index, element_bytes=1)
        raw = bytes(self.buffer[found.start : found.start + min(found.length, limit)])
        return "".join(char if char.isprintable() else "?" for char in raw.decode("utf-8", "replace"))

    def numbers(self, index: int, code: str, *, limit: int = 64) -> tuple[int | float, ...]:
        """The first numbers of a vector."""
        size = struct.calcsize("<" + code)
        found = self.vector(index, element_bytes=size)
        count = min(found.length, limit)
        self.reading.spend(count)
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
            yield Table(self.buffer, _follow(self.buffer, found.start + 4 * number), self.reading)

    def _place(self, index: int) -> int | None:
        vtable = self.position - _unpack(self.buffer, "i", self.position)
        size = _unpack(self.buffer, "H", vtable)
        entry = 4 + 2 * index
        if entry + 2 > size:
            return None
        offset = _unpack(self.buffer, "H", vtable + entry)
        return self.position + offset if offset else None


def root(buffer: memoryview) -> Table:
    """The root table of a buffer."""
    return Table(buffer, _follow(buffer, 0), Reading())


def _follow(buffer: memoryview, place: int) -> int:
    return place + _unpack(buffer, "I", place)


def _unpack(buffer: memoryview, code: str, place: int) -> int:
    size = struct.calcsize("<" + code)
    if place < 0 or place + size > len(buffer):
        raise DamagedError(f"byte {place:,}")
    value: int = struct.unpack_from("<" + code, buffer, place)[0]
    return value
