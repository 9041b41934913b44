"""The data sets that have a name, and what users write for data: such a name with arguments, or a path of their own.

Without numpy, since every collection of benchmarks imports this. A new data set is one file with a ``load``, and its
entry in ``DATASETS``.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.pipeline.model.data.published import CIFAR10, FASHION_MNIST, SPEECH_COMMANDS, Published
from harness.pipeline.recipes.recipe_grammar import Call, NoWordsError, parse_word
from harness.records.errors import CandidateSpecError
from harness.records.files import expand_home, real_path
from harness.records.nearest import did_you_mean

_ROOM: Final = "harness.pipeline.model.data"
_FILE: Final = ".npz"
_LARGEST: Final = 2**32 - 1


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


DATASETS: Final[dict[str, NamedDataset]] = {
    "digits": NamedDataset(f"{_ROOM}.digits", distribution="scikit-learn"),
    "fashion_mnist": NamedDataset(f"{_ROOM}.fashion_mnist", published=FASHION_MNIST),
    "cifar10": NamedDataset(f"{_ROOM}.cifar10", published=CIFAR10),
    "speech_commands": NamedDataset(f"{_ROOM}.speech_commands", published=SPEECH_COMMANDS),
    "synthetic": NamedDataset(f"{_ROOM}.synthetic", arguments={"seed": 0}),
}


@dataclass(frozen=True)
class NamedWord:
    """A name of DATASETS with all its arguments; str() is its one spelling."""

    name: str
    arguments: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return str(Call(self.name, tuple(value for _, value in self.arguments)))


@dataclass(frozen=True)
class UserDataWord:
    """A file or folder of the user's; str() is its absolute path."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


def check_data_word(word: str, base_dir: str | None = None) -> str:
    """The one spelling of what was written for data: a name with its arguments, or an absolute path.

    Relative paths are looked for in ``base_dir`` (None: the working directory). A name goes before a path of the same
    spelling: write "./digits" for a folder. Raises CandidateSpecError for what does not exist or cannot be data.
    """
    return str(parse_data_word(word, base_dir))


def parse_data_word(word: str, base_dir: str | None = None) -> NamedWord | UserDataWord:
    """As ``check_data_word``, in parts."""
    if not isinstance(word, str) or not word.strip():
        raise CandidateSpecError(f"data is {word!r}, where {_known_names()} or a path was expected")
    try:
        call = parse_word(word)
    except NoWordsError:
        call = None
    if call is not None and call.name in DATASETS:
        return _parse_named(call, word)
    return _parse_path(word, base_dir)


def _parse_named(call: Call, word: str) -> NamedWord:
    defaults = DATASETS[call.name].arguments
    if len(call.positional) > len(defaults) or not {name for name, _ in call.keywords} <= set(defaults):
        takes = f"takes {', '.join(defaults)}" if defaults else "takes no argument"
        raise CandidateSpecError(f'data "{word}": {call.name} {takes}')
    positional = dict(zip(defaults, call.positional, strict=False))
    twice = positional.keys() & dict(call.keywords).keys()
    if twice:
        raise CandidateSpecError(f'data "{word}" gives {", ".join(sorted(twice))} twice')
    given = defaults | positional | dict(call.keywords)
    return NamedWord(call.name, tuple((name, _whole(name, value, word)) for name, value in given.items()))


def _whole(name: str, value: object, word: str) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise CandidateSpecError(f'data "{word}": {name} is {value!r}, where a whole number from 0 was expected')
    return value


def _parse_path(word: str, base_dir: str | None) -> UserDataWord:
    try:
        path = real_path(Path(base_dir or ".") / expand_home(word))
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise CandidateSpecError(f"data {ascii(word)[:200]} cannot be looked at: {error}") from error
    if is_file and path.suffix != _FILE:
        raise CandidateSpecError(f"data {path} is no .npz file and no folder: docs/data.md says what may stand in them")
    if is_folder or is_file:
        return UserDataWord(path)
    raise CandidateSpecError(_nothing_there(" ".join(word.split()), path))


def _nothing_there(word: str, path: Path) -> str:
    if "/" in word or path.suffix == _FILE:
        return f'data file or folder "{word}" does not exist: looked for {path}'
    hint = did_you_mean(word.partition("(")[0], DATASETS, after=" ")
    return f'data "{word}" is neither a data set nor a path: {hint}there are {_known_names()}'


def _known_names() -> str:
    return ", ".join(DATASETS)
