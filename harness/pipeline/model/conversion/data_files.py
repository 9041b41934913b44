"""What stands beside an exported model: calibration, test and raw samples as .npz files, and how they are processed."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.pipeline.model.conversion.data_checks import class_labels, fitted, why_not_scored
from harness.pipeline.model.conversion.exported import Exported, Port
from harness.pipeline.model.conversion.open_sizes import read_inputs
from harness.pipeline.model.dataset import Dataset
from harness.pipeline.model.job import CALIBRATION, RAW, SAMPLES, TEST
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]

PREPROCESSING: Final = "preprocessing.py"
"""A copy of the data set's own file, so that what is kept does not point into a checkout that may go."""
_CHECKED: Final = 16
_MADE_UP: Final = 100
"""Random samples that calibrate a model without data."""
_INDICES: Final = 100
"""Wide integers are mostly indices into a table: below 100, as what is made up for the board."""


@dataclass(frozen=True)
class Written:
    """Samples to compare models on, by input name; why no accuracy is claimed, if so."""

    samples: dict[str, Array]
    accuracy_reason: str | None


def write_data(dataset: Dataset, exported: Exported, folder: Path, label: str) -> Written:
    """Write a data set's parts as the model takes them. Raises BuildError for data that does not fit it."""
    if len(exported.inputs) != 1:
        raise BuildError(f"{label}: a Dataset serves models with one input, and this one has {len(exported.inputs)}")
    (port,) = exported.inputs
    calibration = fitted(dataset.calibration_inputs, port, part="calibration", label=label)
    test = fitted(dataset.test_inputs, port, part="test", label=label)
    if not len(test):
        raise BuildError(f"{label}: its test data is empty: outputs and accuracy are checked on it")
    labels = class_labels(dataset, exported, n=len(test), label=label)
    np.savez(folder / CALIBRATION, allow_pickle=False, **{port.name: calibration})
    np.savez(folder / TEST, allow_pickle=False, i0=test, labels=labels)
    if dataset.raw_test is not None:
        _write_raw(dataset.raw_test, folder / RAW, label)
    if dataset.preprocessing is not None:
        shutil.copyfile(dataset.preprocessing, folder / PREPROCESSING)
    return Written({port.name: test}, dataset.accuracy_reason or why_not_scored(dataset, exported, labels))


def write_given_samples(path: Path, exported: Exported, folder: Path, label: str) -> dict[str, Array]:
    """Write real samples without labels, to calibrate and to check outputs on; gives them by input name.

    Raises BuildError.
    """
    arrays = read_inputs(path)
    if len(arrays) != len(exported.inputs):
        raise BuildError(f"{label}: the samples hold {len(arrays)} arrays, and it has {len(exported.inputs)} inputs")
    samples = {
        port.name: fitted(array, port, part="sample", label=label)
        for port, array in zip(exported.inputs, arrays, strict=True)
    }
    np.savez(folder / CALIBRATION, allow_pickle=False, **samples)
    np.savez(folder / SAMPLES, allow_pickle=False, **samples)
    return samples


def write_made_up_data(exported: Exported, folder: Path, *, seed: int, label: str) -> dict[str, Array]:
    """Write seeded random calibration samples; gives them by input name. Raises BuildError.

    Where a table's size is known, the first of them are what outputs are checked on too.
    """
    rng = np.random.default_rng(seed)
    samples = {port.name: _made_up(rng, port, label) for port in exported.inputs}
    np.savez(folder / CALIBRATION, allow_pickle=False, **samples)
    if any(port.entries is not None for port in exported.inputs):
        np.savez(folder / SAMPLES, allow_pickle=False, **{name: one[:_CHECKED] for name, one in samples.items()})
    return samples


def _write_raw(raw: Iterable[Array], path: Path, label: str) -> None:
    arrays = {f"r{index}": np.asarray(one) for index, one in enumerate(raw)}
    objects = [name for name, array in arrays.items() if array.dtype.hasobject]
    if objects:
        raise BuildError(
            f"{label}: its raw sample {objects[0].removeprefix('r')} is no plain array of numbers or bytes"
        )
    np.savez(path, allow_pickle=False, **arrays)


def _made_up(rng: np.random.Generator, port: Port, label: str) -> Array:
    """Floats in [0, 1), 8 and 16 bit integers over their range, wider ones 0..99: as what is made up for the board.

    Indices stay within the table that they look up in, where that is known.
    """
    shape = (_MADE_UP, *port.shape[1:])
    if port.kind not in "fiub":
        raise BuildError(f'{label}: input "{port.name}" is {port.dtype}, and samples of it cannot be made up')
    dtype = np.dtype(port.dtype)
    if port.entries is not None:
        return rng.integers(0, port.entries, shape).astype(dtype)
    if port.kind == "f":
        return rng.random(shape).astype(dtype)
    if port.kind == "b":
        return rng.random(shape) < 0.5
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if dtype.itemsize <= 2 else (0, _INDICES - 1)
    return rng.integers(low, high, shape, endpoint=True).astype(dtype)
