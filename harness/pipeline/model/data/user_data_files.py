"""Which files make up data of the user's own, and what is read from them. Without numpy, as keys of builds need it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

ARRAYS: Final = frozenset({".npy"})
SOUNDS: Final = frozenset({".wav"})
PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
KINDS: Final = (ARRAYS, SOUNDS, PICTURES)


@dataclass(frozen=True)
class UserDataParts:
    """Raw samples by part, samples first; labels beside them. ``sounds``: they are clips of 16 kHz."""

    path: Path
    test: "Array"
    test_labels: "Array"
    train: "Array | None" = None
    train_labels: "Array | None" = None
    calibration: "Array | None" = None
    sounds: bool = False

    def inputs(self) -> "dict[str, Array]":
        """The parts that were given, by the name they have in messages."""
        parts = {"train": self.train, "calibration": self.calibration, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}


def user_data_files(path: Path) -> Iterator[tuple[str, Path]]:
    """A .npz itself, or the samples below a folder, by their names within it."""
    if path.is_file():
        yield "", path
        return
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.is_file() and is_sample(file) and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), file


def is_sample(file: Path) -> bool:
    """Whether a file is of a kind that samples come as."""
    return any(file.suffix.lower() in kind for kind in KINDS)
