"""What decides a data set's content, as one hash for the keys of builds. Without numpy."""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from harness.pipeline.cache import key
from harness.pipeline.model.data.file_hashes import HashedFile, hash_of
from harness.pipeline.model.data.named import DATASETS, NamedDataset
from harness.pipeline.model.data.own_files import own_files
from harness.pipeline.model.data.published import Published, find
from harness.pipeline.model.data.spelling import OwnWord, parse_data_word
from harness.pipeline.source_hashes import harness_source_hashes
from harness.records.errors import BuildError, CandidateSpecError

_ROOM: Final = "harness.pipeline.model.data"


def data_fingerprint(word: str, *, base_dir: str | None = None) -> str:
    """Changes when the data that a word stands for would: its files, its package's version, the code that reads it.

    The folder where files lie does not count. Published files that are not here yet count as what they will be when
    they are downloaded. Raises BuildError for a word that stands for nothing, and for files that cannot be read.
    """
    try:
        parsed = parse_data_word(word, base_dir)
    except CandidateSpecError as error:
        raise BuildError(str(error)) from error
    if isinstance(parsed, OwnWord):
        files = [HashedFile(name, path) for name, path in own_files(parsed.path)]
        return key(["own", hash_of(files), _code(f"{_ROOM}.own")])
    named = DATASETS[parsed.name]
    return key([str(parsed), _published(named.published), _version(named), _code(named.loader)])


def _published(published: Published | None) -> str | None:
    if published is None:
        return None
    found = find(published)
    if found is None:
        return key([[file.name, file.digest] for file in published.downloads])
    # With the publisher's own algorithm, files that were downloaded count as they did before they were.
    algorithm = published.downloads[0].algorithm
    return hash_of((HashedFile(name, found.path(name)) for name in found.content()), algorithm=algorithm)


def _version(named: NamedDataset) -> str | None:
    if named.distribution:
        with suppress(PackageNotFoundError):
            return version(named.distribution)
    return None


def _code(module: str) -> dict[str, str]:
    return harness_source_hashes(module, (_ROOM, "harness.pipeline.model.dataset"))
