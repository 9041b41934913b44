"""From raw samples to a model's inputs, by the very functions that boards run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

KEPT_RAW: Final = 100
"""Raw test samples that a data set hands on."""


def preprocessed(raw: Sequence[Array] | Array, preprocess: "Callable[[Any], Any]") -> Array:
    """All samples preprocessed one by one into one array, samples first: float32, or uint8 where bytes stay bytes."""
    first = np.asarray(preprocess(raw[0]))
    inputs = np.empty((len(raw), *first.shape), np.uint8 if first.dtype == np.uint8 else np.float32)
    for at, sample in enumerate(raw):
        inputs[at] = preprocess(sample)
    return inputs


def file_of(preprocessing: ModuleType) -> Path:
    """The file of a module of ``data.preprocessing``."""
    return Path(str(preprocessing.__file__))


def first_raw(raw: Sequence[Array] | Array) -> tuple[Array, ...]:
    """The raw samples that a data set hands on."""
    return tuple(np.array(sample) for sample in raw[:KEPT_RAW])
