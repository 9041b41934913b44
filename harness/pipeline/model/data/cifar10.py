"""cifar10: 60,000 colour pictures of 32 x 32, ten classes, in the publisher's binary form.

Its pickled form, which keras.datasets keeps, is not read: unpickling runs what the file says.
"""

import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness.pipeline.model.data.download import find_or_download
from harness.pipeline.model.data.published import CIFAR10, CIFAR10_BATCHES, FoundFiles
from harness.pipeline.model.data.raw_samples import picture_dataset
from harness.pipeline.model.dataset import DataRequest, Dataset
from harness.records.errors import BuildError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]
    Samples = tuple[Array, Array]

CLASSES: Final = 10
_SIDE: Final = 32
_RECORD: Final = 1 + 3 * _SIDE * _SIDE
"""A label, then the red, green and blue plane (www.cs.toronto.edu/~kriz/cifar.html)."""
_MOST_RECORDS: Final = 10_000
_FOLDER: Final = "cifar-10-batches-bin"


def load(wanted: DataRequest) -> Dataset:
    """Inputs (n, 32, 32, 3) in 0..1 and labels 0..9; its own 10,000 test samples. Raises BuildError."""
    batches = _batches(find_or_download(CIFAR10))
    train = [batches[name] for name in CIFAR10_BATCHES[:-1]]
    images, labels = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
    return picture_dataset("CIFAR-10", train=(images, labels), test=batches[CIFAR10_BATCHES[-1]], wanted=wanted)


def _batches(found: FoundFiles) -> "dict[str, Samples]":
    if len(found.names) > 1:
        paths = {Path(name).name: found.path(name) for name in found.names}
        return _all_read(found.folder / _FOLDER, lambda name: paths[name].read_bytes())
    archive = found.path(found.names[0])
    try:
        with tarfile.open(archive, "r:gz") as tar:
            return _all_read(archive, lambda name: _member(tar, name))
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise BuildError(f"{archive} cannot be read: {error}: remove it and build again") from error


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    content = tar.extractfile(f"{_FOLDER}/{name}")
    return content.read(_RECORD * _MOST_RECORDS + 1) if content else b""


def _all_read(where: Path, read: Callable[[str], bytes]) -> "dict[str, Samples]":
    try:
        return {name: _samples(read(name), f"{where}: {name}") for name in CIFAR10_BATCHES}
    except (OSError, KeyError) as error:
        raise BuildError(f"{where} cannot be read: {error}: remove it and build again") from error


def _samples(content: bytes, name: str) -> "Samples":
    """The pictures, uint8 with channels last, and the labels of one batch."""
    count, rest = divmod(len(content), _RECORD)
    if rest or not 0 < count <= _MOST_RECORDS:
        raise BuildError(
            f"{name} has {len(content)} bytes, where up to {_MOST_RECORDS} records of {_RECORD} were expected"
        )
    records = np.frombuffer(content, np.uint8).reshape(count, _RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= CLASSES:
        raise BuildError(f"{name} holds the label {labels.max()}, where 0 to {CLASSES - 1} were expected")
    return records[:, 1:].reshape(count, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1), labels
