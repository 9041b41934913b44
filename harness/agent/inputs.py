"""What a model is fed: seeded random values, or samples from an npz file, never unpickled."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, List, Optional, Sequence, Tuple

from edge_agent.interpreters import TensorDetails, TrialFailedError

if TYPE_CHECKING:
    from edge_agent.interfaces import Array

INDEX_RANGE = 100
"""Wide integers are mostly indices into a table: below 100 where no table is known, as in LiteRT's benchmark_model."""


def random_sample(tensors: List[TensorDetails], seed: int, below: Sequence[Optional[int]] = ()) -> List[Array]:
    """One value for each input: floats in [0, 1), 8 and 16 bit integers over their range, wider ones 0..99.

    ``below`` gives for each input the size of the table that it looks into, where the host read one in the graph.
    """
    import numpy as np

    generator = np.random.RandomState(seed % 2**32)
    limits = list(below) if len(below) == len(tensors) else [None] * len(tensors)
    return [_random(generator, tensor, limit) for tensor, limit in zip(tensors, limits)]


def _random(generator: object, tensor: TensorDetails, below: Optional[int]) -> Array:
    import numpy as np

    if not isinstance(generator, np.random.RandomState):
        raise TypeError("a RandomState is needed")
    if tensor.dtype == "string":
        return np.full(tensor.shape, b"", dtype=np.object_)
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "b":
        return generator.random_sample(tensor.shape) < 0.5
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        low, high = _integer_range(dtype.itemsize, int(bounds.min), int(bounds.max), below)
        return generator.randint(low, high + 1, size=tensor.shape, dtype=np.int64).astype(dtype)
    return np.asarray(generator.random_sample(tensor.shape)).astype(dtype)


def _integer_range(size: int, lowest: int, highest: int, below: Optional[int]) -> Tuple[int, int]:
    if below is None and size <= 2:
        return lowest, highest
    return 0, min(highest, (INDEX_RANGE if below is None else below) - 1)


def read_samples(path: Path, prefix: str, limit: int, first: int = 0) -> List[List[Array]]:
    """Up to ``limit`` samples from ``first`` on, each a list of tensors, from PREFIX0, PREFIX1... of an npz file.

    Only the samples asked for are read, so that a large file does not show in a memory figure.
    """
    try:
        with zipfile.ZipFile(str(path)) as archive:
            if not archive.namelist():
                return [[]]  # the one sample of a model without inputs
            names = sorted(
                (name for name in archive.namelist() if _is_member(name, prefix)),
                key=lambda name: int(name[len(prefix) : -len(".npy")]),
            )
            columns = [_read_rows(archive, name, limit, first) for name in names]
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise TrialFailedError("the samples %s cannot be read: %s" % (path.name, error)) from error
    if not columns or any(len(column) != len(columns[0]) for column in columns):
        raise TrialFailedError("the samples %s hold no arrays %s0... of one length" % (path.name, prefix))
    return [list(row) for row in zip(*columns)]


def read_raw(path: Path) -> List[Array]:
    """The raw samples r0, r1... of an npz file, each of its own shape, read-only."""
    import numpy as np

    try:
        with np.load(str(path), allow_pickle=False) as archive:
            raws: List[Array] = [archive["r%d" % at] for at in range(len(archive.files))]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise TrialFailedError("the raw samples %s cannot be read: %s" % (path.name, error)) from error
    if not raws:
        raise TrialFailedError("the raw samples %s are none" % path.name)
    for raw in raws:
        raw.setflags(write=False)
    return raws


def _is_member(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name.endswith(".npy") and name[len(prefix) : -len(".npy")].isdigit()


def _read_rows(archive: zipfile.ZipFile, name: str, limit: int, first: int) -> List[Array]:
    import numpy as np

    with archive.open(name) as file:
        shape, dtype = _read_header(file, name)
        count = min(max(0, shape[0] - first), limit)
        per_row = int(np.prod(shape[1:], dtype=np.int64))
        if first:
            file.seek(first * per_row * dtype.itemsize, 1)
        data = file.read(count * per_row * dtype.itemsize)
    rows = np.frombuffer(data, dtype=dtype).reshape((count, *shape[1:]))
    return [rows[at] for at in range(count)]


def _read_header(file: IO[bytes], name: str) -> Tuple[Tuple[int, ...], Any]:
    import numpy as np

    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject or fortran or not shape:
        raise ValueError("%s is no plain array with the sample as its first axis" % name)
    return shape, dtype
