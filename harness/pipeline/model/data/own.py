"""Data of the user's own: a .npz, or a folder with a subfolder for each class."""

from dataclasses import replace
from pathlib import Path

from harness.pipeline.model.data.own_assembling import assembled
from harness.pipeline.model.data.own_folder import read_folder
from harness.pipeline.model.data.own_npz import read_npz
from harness.pipeline.model.data.wanted import Wanted
from harness.pipeline.model.dataset import Dataset
from harness.records.errors import BuildError


def load(path: Path, wanted: Wanted) -> Dataset:
    """The data set of a file or folder, in the shape its samples have. Raises BuildError, one line with the path."""
    try:
        parts = read_folder(path, wanted) if path.is_dir() else read_npz(path)
        return replace(assembled(parts, wanted), name=path.name)
    except MemoryError as error:
        raise BuildError(f"{path}: its samples do not fit into this machine's memory: give fewer") from error
