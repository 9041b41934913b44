"""The IDX format of MNIST and its kin (yann.lecun.com/exdb/mnist): a big-endian header, then bytes."""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness.records.errors import BuildError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

_BYTES: Final = 8
"""The format's code for unsigned bytes."""
_MOST_BYTES: Final = 1 << 30


def read_idx(path: Path, *, sizes: tuple[int, ...]) -> "Array":
    """The samples of a gzipped file, uint8 of shape (n, *sizes). Raises BuildError, one line with the path."""
    try:
        with gzip.open(path) as stream:
            return _read(stream, sizes)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise BuildError(f"{path} cannot be read as gzipped IDX: {error}: replace it by the published file") from error


def _read(stream: gzip.GzipFile, sizes: tuple[int, ...]) -> "Array":
    zero, code, axes = struct.unpack(">HBB", stream.read(4))
    if (zero, code, axes) != (0, _BYTES, 1 + len(sizes)):
        raise ValueError(f"its header is not that of bytes in {1 + len(sizes)} axes")
    count, *found = struct.unpack(f">{axes}I", stream.read(4 * axes))
    if tuple(found) != sizes:
        raise ValueError(f"its samples have shape {tuple(found)}, where {sizes} was expected")
    expected = count * prod(sizes)
    if not 0 < expected <= _MOST_BYTES:
        raise ValueError(f"it says that it holds {count} samples")
    content = stream.read(expected + 1)
    if len(content) != expected:
        raise ValueError(f"it says that it holds {count} samples and does not hold so many bytes")
    return np.frombuffer(content, np.uint8).reshape(count, *sizes)
