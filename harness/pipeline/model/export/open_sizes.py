"""Sizes that a model leaves open become those of real samples; without samples they are refused."""

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.records.errors import BuildError
from harness.records.text import shorten

Shape = tuple[int, ...]
_INPUT = re.compile(r"i[0-9]+")


def fixed_shape(stated: tuple[int | None, ...], shapes: Sequence[Shape] | None, index: int, whose: str) -> Shape:
    """A batch of one and every size known, open ones as in the shape of one sample. Raises BuildError.

    ``whose`` begins the message, e.g. 'model: input "x"'.
    """
    if not stated or stated[0] not in (None, 1):
        raise BuildError(f"{whose} has shape {stated}, where a batch of None or 1 was expected")
    sizes = stated[1:]
    if None not in sizes:
        return (1, *(size for size in sizes if size is not None))
    if shapes is None or index >= len(shapes):
        raise BuildError(
            f"{whose} has shape {stated}, whose open sizes decide what is measured: give real samples, whose shapes "
            "they get, with samples=, --samples or data=, or export it with fixed sizes"
        )
    sample = shapes[index]
    if len(sample) != len(sizes) or any(size not in (None, own) for size, own in zip(sizes, sample, strict=True)):
        raise BuildError(f"{whose} has shape {stated}, which samples of shape {sample} do not fit")
    return (1, *sample)


def describe_open_size(name: str, stated: tuple[int | None, ...], fixed: Shape) -> str:
    """The sentence on an input whose open sizes became those of its samples."""
    before = "x".join("?" if size is None else str(size) for size in stated)
    return f'its input "{name}" is open ({before}) and measured at {"x".join(map(str, fixed))}, as its samples are'


def read_inputs(path: Path) -> "list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]":
    """The arrays i0, i1... of an .npz, or the one of an .npy, samples on the first axis.

    Arrays of other names beside them, such as labels, are left out: they say what is right of each sample.
    Raises BuildError.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"i0": loaded}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BuildError(f"the samples {path} cannot be read as arrays: {shorten(str(error))}") from error
    held = ", ".join(sorted(arrays))
    arrays = {name: array for name, array in arrays.items() if _INPUT.fullmatch(name)}
    names = [f"i{index}" for index in range(len(arrays))]
    lengths = {len(array) if array.ndim else 0 for array in arrays.values()}
    if sorted(arrays) != sorted(names) or len(lengths) != 1:
        raise BuildError(f"the samples {path} hold {held}, where i0, i1..., as many of each, were expected")
    if not len(arrays["i0"]):
        raise BuildError(f"the samples {path} are empty")
    return [arrays[name] for name in names]
