"""The data sets that have a name. Without numpy, since every collection of benchmarks imports this."""

from dataclasses import dataclass, field
from typing import Final

from harness.pipeline.model.data.published import CIFAR10, FASHION_MNIST, SPEECH_COMMANDS, Published


@dataclass(frozen=True)
class NamedDataset:
    """Where a data set comes from.

    ``loader`` is a module with ``load(Wanted, **arguments) -> Dataset``. ``arguments`` are whole numbers from 0,
    by name, with what each is where it is left out. ``published`` are the files it is read from; ``distribution`` is
    the Python package it comes with, whose version decides what it holds.
    """

    loader: str
    arguments: dict[str, int] = field(default_factory=dict)
    published: Published | None = None
    distribution: str | None = None


_ROOM: Final = "harness.pipeline.model.data"

DATASETS: Final[dict[str, NamedDataset]] = {
    "digits": NamedDataset(f"{_ROOM}.digits", distribution="scikit-learn"),
    "fashion_mnist": NamedDataset(f"{_ROOM}.fashion_mnist", published=FASHION_MNIST),
    "cifar10": NamedDataset(f"{_ROOM}.cifar10", published=CIFAR10),
    "speech_commands": NamedDataset(f"{_ROOM}.speech_commands", published=SPEECH_COMMANDS),
    "synthetic": NamedDataset(f"{_ROOM}.synthetic", arguments={"seed": 0}),
}
