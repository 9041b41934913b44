"""Data sets that somebody publishes: their files, where these may already lie, and what is downloaded otherwise."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.records.cache_dir import default_cache_dir
from harness.records.files import expand_home


@dataclass(frozen=True)
class PublishedFile:
    """A file that can be downloaded, with the hash its publisher states (``algorithm`` as hashlib calls it)."""

    name: str
    url: str
    algorithm: str
    digest: str


@dataclass(frozen=True)
class Published:
    """A data set's files.

    ``forms`` are the sets of files it may lie there as, by name within a folder; the first complete one is taken.
    ``unpacked`` are files that show an unpacked archive. ``folders`` are where it may lie beside the cache, with ~
    and $KERAS_HOME. ``remedy`` says how else to come by it.
    """

    name: str
    downloads: tuple[PublishedFile, ...]
    forms: tuple[tuple[str, ...], ...]
    unpacked: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True)
class FoundFiles:
    """A complete set of files on this machine, by the names of the form they have."""

    folder: Path
    names: tuple[str, ...]

    unpacked: bool = False

    def path(self, name: str) -> Path:
        """A file's path."""
        return self.folder / name

    def content(self) -> tuple[str, ...]:
        """The names of all files that count, sorted: of an unpacked archive every file in its folder."""
        if not self.unpacked:
            return self.names
        root = str(self.folder)
        files = (os.path.join(where, name) for where, _, names in os.walk(root) for name in names)  # noqa: PTH118 - pathlib takes seconds for 100,000
        return tuple(sorted(Path(file).relative_to(root).as_posix() for file in files))


def cache_folder(published: Published) -> Path:
    """Where downloads go, and where users put files by hand."""
    return default_cache_dir() / "datasets" / published.name


def find(published: Published) -> FoundFiles | None:
    """The first complete set of a data set's files on this machine; None: there is none."""
    for folder in _places(published):
        for form in published.forms:
            if all((folder / name).is_file() for name in form):
                return FoundFiles(folder, form)
        if published.unpacked and all((folder / name).is_file() for name in published.unpacked):
            return FoundFiles(folder, published.unpacked, unpacked=True)
    return None


def _places(published: Published) -> Iterator[Path]:
    yield cache_folder(published)
    for place in published.folders:
        yield expand_home(place.replace("$KERAS_HOME", os.environ.get("KERAS_HOME", "~/.keras")))


def _fashion_file(name: str, digest: str) -> PublishedFile:
    """A file of Fashion-MNIST, from where keras.datasets takes it; hashes from its README."""
    origin = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
    return PublishedFile(name, origin + name, "md5", digest)


_FASHION_FILES: Final = (
    _fashion_file("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    _fashion_file("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
    _fashion_file("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
    _fashion_file("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
)

FASHION_MNIST: Final = Published(
    name="fashion_mnist",
    downloads=_FASHION_FILES,
    forms=(tuple(file.name for file in _FASHION_FILES),),
    folders=("$KERAS_HOME/datasets/fashion-mnist", "/usr/share/datasets/fashion-mnist"),
    remedy="apt-get install dataset-fashion-mnist",
)
"""Xiao, Rasul, Vollgraf: Fashion-MNIST (arXiv:1708.07747), MIT licence."""

CIFAR10_BATCHES: Final = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")

CIFAR10: Final = Published(
    name="cifar10",
    downloads=(
        PublishedFile(
            "cifar-10-binary.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "md5",
            "c32a1d4ab5d03f1284b67883e8d87530",  # as the publisher's page states it
        ),
    ),
    forms=(
        ("cifar-10-binary.tar.gz",),
        tuple(f"cifar-10-batches-bin/{name}" for name in CIFAR10_BATCHES),
    ),
    folders=("$KERAS_HOME/datasets",),
)
"""Krizhevsky: Learning multiple layers of features from tiny images, 2009. Its pickled form is never read."""

SPEECH_COMMANDS_LISTS: Final = ("validation_list.txt", "testing_list.txt")

SPEECH_COMMANDS: Final = Published(
    name="speech_commands",
    downloads=(
        PublishedFile(
            "speech_commands_v0.02.tar.gz",
            "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            "sha256",
            "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",  # as TensorFlow Datasets states it
        ),
    ),
    forms=(("speech_commands_v0.02.tar.gz",),),
    unpacked=SPEECH_COMMANDS_LISTS,
    folders=("$KERAS_HOME/datasets",),
)
"""Warden: Speech Commands (arXiv:1804.03209), version 2, CC BY 4.0."""
