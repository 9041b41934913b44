"""What stands beside an exported model: calibration, test and raw samples as .npz files, and how they are processed.

A data set is held against the model it goes with first: each misfit is one line.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.pipeline.model.data.labels import check_anomalies, several_labels, shown_labels
from harness.pipeline.model.dataset import Dataset
from harness.pipeline.model.export.exported import ExportedModel, Port
from harness.pipeline.model.export.open_sizes import read_inputs
from harness.pipeline.model.job import CALIBRATION, RAW, SAMPLES, TEST
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]
_MAY_BECOME = {"f": "f", "i": "fiu", "u": "fiu", "b": "fiub"}
"""numpy's kinds of numbers, and what each may be turned into."""
PREPROCESSING: Final = "preprocessing.py"
"""A copy of the data set's own file, so that what is kept does not point into a checkout that may go."""
_CHECKED: Final = 16
_MADE_UP: Final = 100
"""Random samples that calibrate a model without data."""
_INDICES: Final = 100
"""Wide integers are mostly indices into a table: below 100, as what is made up for the board."""


@dataclass(frozen=True)
class WrittenData:
    """Samples to compare models on, by input name; why no accuracy is claimed, if so.

    ``unscored``: just because the outputs alone say nothing of the labels.
    """

    samples: dict[str, Array]
    accuracy_reason: str | None
    unscored: bool


def write_data(dataset: Dataset, exported: ExportedModel, folder: Path, label: str) -> WrittenData:
    """Write a data set's parts as the model takes them. Raises BuildError for data that does not fit it."""
    if len(exported.inputs) != 1:
        raise BuildError(f"{label}: a Dataset serves models with one input, and this one has {len(exported.inputs)}")
    (port,) = exported.inputs
    calibration = cast_samples(dataset.calibration_inputs, port, part="calibration", label=label)
    test = cast_samples(dataset.test_inputs, port, part="test", label=label)
    if not len(test):
        raise BuildError(f"{label}: its test data is empty: outputs and accuracy are checked on it")
    labels = class_labels(dataset, exported, n=len(test), label=label)
    np.savez(folder / CALIBRATION, allow_pickle=False, **{port.name: calibration})
    np.savez(folder / TEST, allow_pickle=False, i0=test, labels=labels)
    if dataset.raw_test is not None:
        _write_raw(dataset.raw_test, folder / RAW, label)
    if dataset.preprocessing is not None:
        shutil.copyfile(dataset.preprocessing, folder / PREPROCESSING)
    reason = dataset.accuracy_reason or why_not_scored(dataset, exported, labels)
    unscored = dataset.accuracy_reason is None and reason is not None
    return WrittenData({port.name: test}, reason, unscored)


def write_given_samples(path: Path, exported: ExportedModel, folder: Path, label: str) -> dict[str, Array]:
    """Write real samples without labels, to calibrate and to check outputs on; gives them by input name.

    Raises BuildError.
    """
    arrays = read_inputs(path)
    if len(arrays) != len(exported.inputs):
        raise BuildError(f"{label}: the samples hold {len(arrays)} arrays, and it has {len(exported.inputs)} inputs")
    samples = {
        port.name: cast_samples(array, port, part="sample", label=label)
        for port, array in zip(exported.inputs, arrays, strict=True)
    }
    np.savez(folder / CALIBRATION, allow_pickle=False, **samples)
    np.savez(folder / SAMPLES, allow_pickle=False, **samples)
    return samples


def write_random_data(exported: ExportedModel, folder: Path, *, seed: int, label: str) -> dict[str, Array]:
    """Write seeded random calibration samples; gives them by input name. Raises BuildError.

    Where a table's size is known, the first of them are what outputs are checked on too.
    """
    rng = np.random.default_rng(seed)
    samples = {port.name: _random_samples(rng, port, label) for port in exported.inputs}
    np.savez(folder / CALIBRATION, allow_pickle=False, **samples)
    if any(port.entries is not None for port in exported.inputs):
        np.savez(folder / SAMPLES, allow_pickle=False, **{name: one[:_CHECKED] for name, one in samples.items()})
    return samples


def cast_samples(values: object, port: Port, *, part: str, label: str) -> Array:
    """A part's inputs in the input's own dtype: shape (n, *sizes). Raises BuildError for what does not fit or is lost.

    Whole numbers may go into any input that can hold them, floats only into inputs of floats.
    """
    array = np.asarray(values)
    if array.ndim == 0 or array.shape[1:] != port.shape[1:]:
        sizes = ", ".join(map(str, ("n", *port.shape[1:])))
        raise BuildError(f"{label}: its {part} data has shape {array.shape}, where ({sizes}) was expected")
    if port.kind not in _MAY_BECOME.get(array.dtype.kind, ""):
        raise BuildError(
            f'{label}: its {part} data is {_dtype_text(array)}, where input "{port.name}" takes {port.dtype}'
        )
    wanted = np.dtype(port.dtype)
    with np.errstate(over="ignore"):
        cast = array.astype(wanted)
    if wanted.kind == "f" and not np.isfinite(cast).all():
        broken = int((~np.isfinite(cast.reshape(len(cast), -1))).any(axis=1).argmax())
        raise BuildError(f"{label}: its {part} data holds NaN, or numbers beyond {wanted}, in sample {broken}")
    if wanted.kind != "f" and not np.array_equal(cast, array):
        raise BuildError(f"{label}: its {part} data goes from {array.min()} to {array.max()}, beyond {wanted}")
    return cast


def class_labels(dataset: Dataset, exported: ExportedModel, *, n: int, label: str) -> Array:
    """The test labels as int64, one for each of ``n`` samples, or one for each output of the model, 0 or 1.

    Raises BuildError for what cannot be labels here.
    """
    labels = np.asarray(dataset.test_labels)
    if labels.ndim == 2 and dataset.score == "top1" and labels.shape == (n, _classes(exported)):
        return several_labels(labels, f"{label}: its test part's array of labels")
    if labels.shape != (n,):
        hint = ": give each sample's class index" if labels.ndim > 1 else ""
        raise BuildError(f"{label}: its {n} test inputs have labels of shape {labels.shape}, not ({n},){hint}")
    if labels.dtype.kind not in "fiub" or not np.array_equal(labels, whole := labels.astype(np.int64)):
        raise BuildError(f"{label}: its test labels are {_dtype_text(labels)}, where whole numbers were expected")
    if dataset.score == "auc":
        check_anomalies(whole, f"{label}: its test labels hold")
    elif (classes := _classes(exported)) is not None:
        _check_classes(whole, classes, label)
    return whole


def why_not_scored(dataset: Dataset, exported: ExportedModel, labels: Array) -> str | None:
    """Why this model's outputs say nothing on the data set's labels; None where they do."""
    outputs = exported.outputs
    if len(outputs) != 1:
        return f"the model has {len(outputs)} outputs, and which of them names the class is not known"
    if dataset.score == "auc":
        rebuilt, given = outputs[0].shape, exported.inputs[0].shape
        if rebuilt != given:
            return f"the model's output has shape {rebuilt}, which is no reconstruction of its input {given}"
    elif prod(outputs[0].shape) < 2 and not np.isin(labels, (0, 1)).all():
        return "the model's output is one number, and labels beyond 0 and 1 are no two classes"
    return None


def _classes(exported: ExportedModel) -> int | None:
    """How many classes the one output tells apart; None where it names none."""
    sizes = [prod(port.shape) for port in exported.outputs]
    return sizes[0] if len(sizes) == 1 and sizes[0] > 1 else None


def _check_classes(labels: Array, classes: int, label: str) -> None:
    beyond = sorted({int(one) for one in labels[(labels < 0) | (labels >= classes)]})
    if beyond:
        raise BuildError(
            f"{label}: its test labels hold {shown_labels(beyond)}, "
            f"where the model tells classes 0 to {classes - 1} apart"
        )


def _dtype_text(array: Array) -> str:
    return "no numbers" if array.dtype.kind not in "fiubc" else str(array.dtype)


def _write_raw(raw: Iterable[Array], path: Path, label: str) -> None:
    arrays = {f"r{index}": np.asarray(one) for index, one in enumerate(raw)}
    objects = [name for name, array in arrays.items() if array.dtype.hasobject]
    if objects:
        raise BuildError(
            f"{label}: its raw sample {objects[0].removeprefix('r')} is no plain array of numbers or bytes"
        )
    np.savez(path, allow_pickle=False, **arrays)


def _random_samples(rng: np.random.Generator, port: Port, label: str) -> Array:
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
