"""A .npz of the user's: train_x, train_y, test_x, test_y, and calibration_x where it is not to be cut from train_x."""

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.pipeline.model.data.user_data_files import UserDataParts
from harness.records.errors import BuildError
from harness.records.text import shorten

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

_VALIDATION = ("validation", "valid", "val")
"""A part of that name is tested on where there is no test part, and calibrates where there is."""
_ASKED = "test_x and test_y, with train_x and train_y or calibration_x"


def read_npz(path: Path) -> UserDataParts:
    """The arrays of a file, by our names or by those of keras' files (x_train...). Raises BuildError."""
    arrays = _arrays(path)
    test, test_labels = _one(arrays, "test_x"), _one(arrays, "test_y")
    train, calibration = _one(arrays, "train_x"), _one(arrays, "calibration_x")
    for name in _VALIDATION:
        held, labels = _one(arrays, f"{name}_x"), _one(arrays, f"{name}_y")
        if test is None and test_labels is None:
            test, test_labels = held, labels
        elif calibration is None:
            calibration = held
    if test is None or test_labels is None:
        raise BuildError(f"{path} holds {_list_names(arrays)}, where {_ASKED} were expected")
    if train is None and calibration is None:
        raise BuildError(f"{path} has no calibration data: integer recipes need train_x or calibration_x")
    return UserDataParts(
        path=path,
        test=test,
        test_labels=test_labels,
        train=train,
        train_labels=_one(arrays, "train_y"),
        calibration=calibration,
    )


def _arrays(path: Path) -> "dict[str, Array]":
    try:
        # Opened here, because numpy leaves a file open that turns out to be no archive.
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise BuildError(f"{path} is one array, no .npz: save {_ASKED} by numpy.savez")
            with archive:
                return {name: archive[name] for name in archive.files if _one_of_ours(name)}
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        what = shorten(str(error))
        raise BuildError(f"{path} cannot be read as a .npz of plain numbers: {what}") from error


def _one_of_ours(name: str) -> bool:
    part, _, axis = name.partition("_")
    return {part, axis} & {"x", "y"} != set()


def _one(arrays: "dict[str, Array]", name: str) -> "Array | None":
    part, _, axis = name.partition("_")
    return arrays.get(name, arrays.get(f"{axis}_{part}"))


def _list_names(arrays: "dict[str, Array]") -> str:
    return ", ".join(sorted(arrays)[:8]) or "none of our arrays"
