"""Which files make up data of the user's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

ARRAYS: Final = frozenset({".npy"})
SOUNDS: Final = frozenset({".wav"})
PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
KINDS: Final = (ARRAYS, SOUNDS, PICTURES)


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
