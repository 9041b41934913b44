"""A folder of the user's: a subfolder for each class, with .npy arrays, .wav clips or pictures in it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness.pipeline.model.data.splitting import split_indices
from harness.pipeline.model.data.user_data_files import ARRAYS, KINDS, SOUNDS, UserDataParts, is_sample
from harness.pipeline.model.data.wav_files import read_wav
from harness.pipeline.model.dataset import DataRequest
from harness.records.errors import BuildError
from harness.records.text import shorten

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]
    Samples = tuple[Array, Array]

_TRAIN: Final = ("train", "training")
_VALIDATION: Final = ("validation", "valid", "val")
_TEST: Final = ("test", "testing")
"""What folders are called that hold parts, not classes."""
_LISTED_CHARS: Final = 80
_TEST_SHARE: Final = 5
"""One sample of so many is for testing, where the folder has no parts of its own."""


def read_folder(path: Path, wanted: DataRequest) -> UserDataParts:
    """The samples of a folder; classes are numbered by name. Raises BuildError.

    A folder that has just ``train`` and ``test`` in it, each with the same classes, is taken as it is dealt. With a
    ``validation`` beside them, that calibrates; without a ``test``, it is tested on. Another is dealt here, class by
    class.
    """
    if wanted.score == "auc":
        raise BuildError(
            f"{path} is a folder of classes, and this model finds anomalies: give a .npz with test_y 0 or 1"
        )
    roots = _parts(path)
    classes = [folder.name for folder in _subfolders(roots.get("train", path))]
    if len(classes) < 2:
        raise BuildError(f"{path} has {len(classes)} classes: make a subfolder for each, with its samples in it")
    files = {part: _files_by_class(root, classes) for part, root in roots.items()}
    read = _reader([file for part in files.values() for of_class in part for file in of_class], path)
    if "train" not in files:
        train, test = _split(files["all"], read, path, seed=wanted.seed)
        return UserDataParts(path, test[0], test[1], train[0], train[1], sounds=read is read_wav)
    train, test = (_samples(files[part], read, path) for part in ("train", "test"))
    calibration = _samples(files["calibration"], read, path)[0] if "calibration" in files else None
    return UserDataParts(path, test[0], test[1], train[0], train[1], calibration, sounds=read is read_wav)


def _parts(path: Path) -> dict[str, Path]:
    """The folders of a data set that was dealt already, by the part each serves as; else the whole as "all"."""
    folders = {folder.name.lower(): folder for folder in _subfolders(path)}

    def one(names: tuple[str, ...]) -> Path | None:
        return next((folders[name] for name in names if name in folders), None)

    train, validation, test = one(_TRAIN), one(_VALIDATION), one(_TEST)
    known = [part for part in (train, validation, test) if part is not None]
    if train is None or len(known) < 2 or len(known) != len(folders):
        return {"all": path}
    if test is None or validation is None:
        return {"train": train, "test": next(part for part in (test, validation) if part is not None)}
    return {"train": train, "calibration": validation, "test": test}


def _subfolders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))


def _files_by_class(root: Path, classes: list[str]) -> list[list[Path]]:
    found = [folder.name for folder in _subfolders(root)]
    if found != classes:
        raise BuildError(
            f"{root} has the classes {shorten(', '.join(found), _LISTED_CHARS)}, "
            f"where {shorten(', '.join(classes), _LISTED_CHARS)} were expected"
        )
    by_class = []
    for name in classes:
        files = sorted(file for file in (root / name).iterdir() if is_sample(file) and not file.name.startswith("."))
        if not files:
            raise BuildError(f"{root / name} has no sample: .npy, .wav, .png, .jpg and .bmp files are read")
        by_class.append(files)
    return by_class


def _reader(files: list[Path], path: Path) -> "Callable[[Path], Array]":
    """What reads all files: they are of one kind."""
    kinds = [kind for kind in KINDS if any(file.suffix.lower() in kind for file in files)]
    if len(kinds) > 1:
        raise BuildError(
            f"{path} mixes {', '.join(sorted(min(kind) for kind in kinds))} files: give samples of one kind"
        )
    if kinds[0] == ARRAYS:
        return _read_array
    if kinds[0] == SOUNDS:
        return read_wav
    return _read_picture


def _read_array(file: Path) -> "Array":
    try:
        return np.asarray(np.load(file, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise BuildError(f"{file} cannot be read as an array of plain numbers: {shorten(str(error))}") from error


def _read_picture(file: Path) -> "Array":
    """Its pixels, uint8 of shape (height, width, channels)."""
    import tensorflow as tf  # of what is installed with the harness, it alone decodes pictures

    try:
        pixels = tf.io.decode_image(file.read_bytes(), expand_animations=False).numpy()
    except (OSError, tf.errors.InvalidArgumentError) as error:
        raise BuildError(f"{file} cannot be read as a picture: {shorten(str(error))}") from error
    return np.asarray(pixels)


def _samples(by_class: list[list[Path]], read: "Callable[[Path], Array]", path: Path) -> "Samples":
    """All samples in one array, with their labels."""
    files = [file for files in by_class for file in files]
    labels = np.repeat(np.arange(len(by_class)), [len(files) for files in by_class])
    first = read(files[0])
    samples = np.empty((len(files), *first.shape), first.dtype)
    for at, file in enumerate(files):
        sample = read(file)
        if sample.shape != first.shape or sample.dtype != first.dtype:
            raise BuildError(
                f"{path}: {file.relative_to(path)} is {sample.dtype} of shape {sample.shape}, "
                f"{files[0].relative_to(path)} {first.dtype} of shape {first.shape}: bring them to one"
            )
        samples[at] = sample
    return samples, labels.astype(np.int64)


def _split(
    by_class: list[list[Path]], read: "Callable[[Path], Array]", path: Path, *, seed: int
) -> "tuple[Samples, Samples]":
    """Train and test, a fifth of each class."""
    train, test = [], []
    for files in by_class:
        if len(files) < 2:
            raise BuildError(f"{files[0].parent} has one sample: give two or more, for training and for testing")
        chosen, rest = split_indices(len(files), max(1, len(files) // _TEST_SHARE), seed=seed)
        test.append([files[at] for at in chosen])
        train.append([files[at] for at in rest])
    return _samples(train, read, path), _samples(test, read, path)
