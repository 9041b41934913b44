"""A reader of FlatBuffers tables that trusts nothing: every offset and length is checked against the file's end.

Layout: https://flatbuffers.dev/internals/ (little endian; a table points back to its vtable of field offsets).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_ELEMENTS = 1_000_000
"""No vector that is walked element by element has more in a real model."""


class DamagedError(Exception):
    """An offset or length leads out of the file; the message says where."""


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

    def scalar(self, index: int, code: str, default: int = 0) -> int:
        """The integer field at an index of the schema; ``code`` is its struct format."""
        place = self._place(index)
        return default if place is None else _unpack(self.buffer, code, place)

    def table(self, index: int) -> "Table | None":
        """The table a field points to."""
        place = self._place(index)
        return None if place is None else Table(self.buffer, _follow(self.buffer, place))

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
        raw = self.buffer[found.start : found.start + count * size]
        return struct.unpack(f"<{count}{code}", raw)

    def tables(self, index: int) -> Iterator["Table"]:
        """The tables of a vector."""
        found = self.vector(index, element_bytes=4)
        if found.length > _MAX_ELEMENTS:
            raise DamagedError(f"a list of {found.length:,} elements")
        for number in range(found.length):
            yield Table(self.buffer, _follow(self.buffer, found.start + 4 * number))

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
    return Table(buffer, _follow(buffer, 0))


def _follow(buffer: memoryview, place: int) -> int:
    return place + _unpack(buffer, "I", place)


def _unpack(buffer: memoryview, code: str, place: int) -> int:
    size = struct.calcsize("<" + code)
    if place < 0 or place + size > len(buffer):
        raise DamagedError(f"byte {place:,}")
    value: int = struct.unpack_from("<" + code, buffer, place)[0]
    return value
