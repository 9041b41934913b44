"""fashion_mnist: 70,000 pictures of clothes, 28 x 28 grey levels, ten classes (arXiv:1708.07747).

Its files are in the IDX format of MNIST (yann.lecun.com/exdb/mnist): a big-endian header, then bytes.
"""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.pipeline.model.data.download import find_or_download
from harness.pipeline.model.data.published import FASHION_MNIST
from harness.pipeline.model.data.raw_samples import picture_dataset
from harness.pipeline.model.dataset import DataRequest, Dataset
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]

_BYTES: Final = 8
"""The format's code for unsigned bytes."""
_MOST_BYTES: Final = 1 << 30
CLASSES: Final = 10
_SIDE: Final = 28


def load(wanted: DataRequest) -> Dataset:
    """Inputs (n, 28, 28, 1) in 0..1 and labels 0..9; its own 10,000 test samples. Raises BuildError."""
    found = find_or_download(FASHION_MNIST)
    read = {}
    for part in ("train", "t10k"):
        images = read_idx(found.path(f"{part}-images-idx3-ubyte.gz"), sizes=(_SIDE, _SIDE))
        labels = read_idx(found.path(f"{part}-labels-idx1-ubyte.gz"), sizes=())
        if len(labels) != len(images) or labels.max() >= CLASSES:
            raise BuildError(f"{found.folder}: the {part} labels are not {len(images)} classes 0 to {CLASSES - 1}")
        read[part] = (images, labels.astype(np.int64))
    return picture_dataset("Fashion-MNIST", train=read["train"], test=read["t10k"], wanted=wanted)


def read_idx(path: Path, *, sizes: tuple[int, ...]) -> Array:
    """The samples of a gzipped file, uint8 of shape (n, *sizes). Raises BuildError, one line with the path."""
    try:
        with gzip.open(path) as stream:
            return _read(stream, sizes)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise BuildError(f"{path} cannot be read as gzipped IDX: {error}: replace it by the published file") from error


def _read(stream: gzip.GzipFile, sizes: tuple[int, ...]) -> Array:
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
