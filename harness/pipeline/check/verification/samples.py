"""In a limited process: samples from a file or from a seed, as a model's inputs take them."""

import re
import sys
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.pipeline.check.verification.litert import Array, RefusedError, describe_refusal, type_name
from harness.records.artifact import TensorInfo

LABELS = "labels"
INPUT = re.compile(r"i[0-9]+")
_KEPT_BYTES = 64 * 2**20
"""Kept samples and outputs travel to the board: at most so much of each."""


INDEX_RANGE = 100
"""Wide integers are mostly indices into a table: below 100 where no table is known, as in benchmark_model."""
_PLAIN_BYTES = 2
"""Integers that are no wider are mostly values of their own."""


class BadSamplesError(Exception):
    """The samples do not fit the model; the message says why."""


@dataclass(frozen=True)
class Samples:
    """One array an input, shape (samples, *tensor shape), as given and as the model takes them; labels, or None."""

    given: tuple[Array, ...]
    fed: tuple[Array, ...]
    labels: Array | None

    def __len__(self) -> int:
        return len(self.fed[0]) if self.fed else 1

    def sample(self, index: int) -> list[Array]:
        """One sample as the model takes it."""
        return [array[index] for array in self.fed]

    def fitting(self) -> int:
        """How many stay under the size that is kept."""
        largest = max((array[0].nbytes for array in self.fed), default=0)
        return max(1, _KEPT_BYTES // largest) if largest else sys.maxsize if self.fed else 1


def read_samples(path: str, tensors: tuple[TensorInfo, ...], *, truth: bool = False) -> Samples:
    """Samples from an .npz (i0, i1..., perhaps labels) or .npy file. Raises BadSamplesError.

    With ``truth`` arrays of other names are left for whoever scores: they are a user's own.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"i0": loaded}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadSamplesError(f"cannot be read as arrays: {describe_refusal(error)}") from error
    labels = arrays.pop(LABELS, None)
    names = [f"i{index}" for index in range(len(tensors))]
    given_names = sorted(arrays)
    if truth:
        arrays = {name: array for name, array in arrays.items() if INPUT.fullmatch(name)}
        labels = None
    if sorted(arrays) != sorted(names):
        raise BadSamplesError(f"they hold {', '.join(given_names)}, where i0 to i{len(tensors) - 1} were expected")
    given = tuple(_reshape(arrays[name], tensor) for name, tensor in zip(names, tensors, strict=True))
    if len({len(array) for array in given}) > 1 or not all(len(array) for array in given):
        raise BadSamplesError("its arrays are empty or differ in length")
    if labels is not None and (labels.ndim not in (1, 2) or len(labels) != len(given[0])):
        raise BadSamplesError(f"its labels have shape {labels.shape}, where ({len(given[0])},) was expected")
    return Samples(
        given, tuple(_quantize_input(array, tensor) for array, tensor in zip(given, tensors, strict=True)), labels
    )


def random_samples(tensors: tuple[TensorInfo, ...], *, count: int, seed: int) -> Samples:
    """Seeded random samples: floats in [0, 1), truths, integers of 8 and 16 bits over their whole range.

    Wider ones are mostly indices: below the size of the table they look into where the graph tells it, else below
    ``INDEX_RANGE``; the agent draws by the same rule on the board. Raises RefusedError.
    """
    rng = np.random.default_rng(seed)
    sizes = [int(np.prod(tensor.shape)) * np.dtype(_plain(tensor)).itemsize for tensor in tensors]
    count = min([count, *(max(1, _KEPT_BYTES // max(1, size)) for size in sizes)])
    made = tuple(_random(rng, tensor, count) for tensor in tensors)
    return Samples(made, made, None)


def _plain(tensor: TensorInfo) -> str:
    """A type that numbers can be made up for."""
    if tensor.dtype == "string" or np.dtype(tensor.dtype).kind not in "fbiu":
        raise RefusedError(f"random inputs of type {tensor.dtype} cannot be made up: give samples")
    return tensor.dtype


def _random(rng: np.random.Generator, tensor: TensorInfo, count: int) -> Array:
    dtype, shape = np.dtype(tensor.dtype), (count, *tensor.shape)
    try:
        if dtype.kind == "f":
            return rng.random(shape, dtype=np.float32).astype(dtype)
        if dtype.kind == "b":
            return rng.integers(0, 2, shape).astype(dtype)
        low, high = _integer_range(dtype, tensor.below)
        return rng.integers(low, high, shape, dtype=dtype.type, endpoint=True)
    except MemoryError as error:
        raise RefusedError(f"an input of shape {tensor.shape} does not fit into this process' memory") from error


def _integer_range(dtype: "np.dtype[Any]", below: int | None) -> tuple[int, int]:
    """The least and the largest whole number to make up."""
    bounds = np.iinfo(dtype)
    if below is None and dtype.itemsize <= _PLAIN_BYTES:
        return int(bounds.min), int(bounds.max)
    return 0, min(int(bounds.max), max(0, (INDEX_RANGE if below is None else below) - 1))


def _reshape(array: Array, tensor: TensorInfo) -> Array:
    """One input's samples as (samples, *tensor shape); the batch of one may be left out."""
    shape = tensor.shape
    if array.shape[1:] == shape[1:] and shape[:1] == (1,):
        array = array[:, np.newaxis]
    if array.shape[1:] != shape:
        raise BadSamplesError(f"they have shape {array.shape}, where (n, {', '.join(map(str, shape))}) was expected")
    return array


def _quantize_input(array: Array, tensor: TensorInfo) -> Array:
    """Samples in the tensor's own type: floats for a quantised one as the agent quantises them on the board."""
    if type_name(array.dtype) == tensor.dtype:
        return array
    wanted = np.dtype(np.object_ if tensor.dtype == "string" else tensor.dtype)
    if array.dtype.kind == "f" and wanted.kind in "iu" and tensor.scale > 0:
        if not np.isfinite(array).all():
            raise BadSamplesError(f"they hold NaN or infinity, where {tensor.name} is quantised")
        bounds = np.iinfo(wanted)
        steps: Array = np.rint(array.astype(np.float32) / np.float32(tensor.scale)) + np.float32(tensor.zero_point)
        return np.clip(steps, np.float32(bounds.min), np.float32(bounds.max)).astype(wanted)
    if array.dtype.kind == "f" and wanted.kind == "f":
        return array.astype(wanted)
    raise BadSamplesError(f"they are {type_name(array.dtype)}, where {tensor.dtype} was expected")
