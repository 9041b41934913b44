"""speech_commands: spoken words in twelve classes, as MLPerf Tiny's keyword spotting takes them (arXiv:1804.03209).

Ten words, silence and unknown, which is all other words. Silence is cut from the recordings of background noise. Clips
come from the archive, or from the folder where that was unpacked.
"""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

import numpy as np

from harness.pipeline.cache import lock
from harness.pipeline.model.data.download import find_or_download
from harness.pipeline.model.data.fingerprint import data_fingerprint
from harness.pipeline.model.data.preprocessing import speech_features
from harness.pipeline.model.data.published import SPEECH_COMMANDS, SPEECH_COMMANDS_LISTS, FoundFiles, cache_folder
from harness.pipeline.model.data.raw_samples import KEPT_RAW, file_of
from harness.pipeline.model.data.splitting import CALIBRATION, differ_from
from harness.pipeline.model.data.wav_files import CLIP, clip, samples_of
from harness.pipeline.model.dataset import DataRequest, Dataset
from harness.records.errors import BuildError
from harness.records.files import replacing

_MOST_BYTES: Final = 1 << 24
Array = np.ndarray[Any, np.dtype[Any]]
Part = Literal["train", "calibration", "test"]
PARTS: Final[tuple[Part, ...]] = ("train", "calibration", "test")
WORDS: Final = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
SILENCE: Final = len(WORDS)
UNKNOWN: Final = len(WORDS) + 1
"""The classes after those of the words; the order is that of MLPerf Tiny."""
NOISE: Final = "_background_noise_/"
_STRETCHES: Final[dict[Part, tuple[float, float]]] = {
    "train": (0.0, 0.8),
    "calibration": (0.8, 0.9),
    "test": (0.9, 1.0),
}
"""Of each recording of noise."""
_STEP: Final = CLIP // 2
Clips = dict[str, tuple[Array, int]]


@dataclass
class _Clips:
    """What is kept of a part while clips come in: features and class by name, and the clips where they are kept."""

    features: Clips = field(default_factory=dict)
    raw: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """All clips by name (word/file.wav), and those that the publisher set aside."""

    clips: tuple[str, ...]
    validation: frozenset[str]
    testing: frozenset[str]


def load(wanted: DataRequest) -> Dataset:
    """Inputs (n, 49, 10, 1) of cepstral features and labels 0..11. Raises BuildError.

    Features are computed once and kept in the cache.
    """
    found = find_or_download(SPEECH_COMMANDS)
    path = cache_folder(SPEECH_COMMANDS) / f"features-{data_fingerprint('speech_commands')[:16]}-{wanted.seed}.npz"
    with lock(path):
        arrays = _read_features(path)
        if arrays is None:
            arrays = _arrays(found, wanted.seed)
            _write_features(arrays, path)
    train, calibration, test = (arrays[part] for part in PARTS)
    own = differ_from(train, test, calibration)
    return Dataset(
        name="Speech Commands v0.02",
        calibration_inputs=calibration[differ_from(calibration, test)],
        test_inputs=test,
        test_labels=arrays["test_labels"],
        train_inputs=train[own],
        train_labels=arrays["train_labels"][own],
        preprocessing=file_of(speech_features),
        raw_test=tuple(arrays["raw"]),
    )


def _arrays(found: FoundFiles, seed: int) -> dict[str, Array]:
    """Features and labels by part, and the first test clips, in an order of chance."""
    heard = _read_clips(found, seed)
    arrays: dict[str, Array] = {}
    for part in PARTS:
        clips = heard[part].features
        if not clips:
            raise BuildError(f"{found.folder}: no clip is there for the {part} part")
        order = draw(clips, len(clips), seed=seed)
        arrays[part] = np.stack([clips[name][0] for name in order])
        arrays[f"{part}_labels"] = np.array([clips[name][1] for name in order], np.int64)
        if part == "test":
            arrays["raw"] = np.stack([heard[part].raw[name] for name in order[:KEPT_RAW]])
    return arrays


def _read_clips(found: FoundFiles, seed: int) -> dict[Part, _Clips]:
    """All clips that are used, turned into features as they are read."""
    heard = {part: _Clips() for part in PARTS}

    def hear(name: str, part: Part, samples: Array, label: int) -> None:
        heard[part].features[name] = (speech_features.preprocess(samples), label)
        if part == "test":
            heard[part].raw[name] = samples

    spoken = split_clips(list_clips(found), seed=seed)
    for name, content in read_files(found, lambda name: name in spoken or _is_noise(name)):
        samples = samples_of(content, f"{found.folder}: {name}")
        if _is_noise(name):
            for cut, part, silence in cut_silence(name, samples):
                hear(cut, part, silence, SILENCE)
        else:
            part, label = spoken[name]
            hear(name, part, clip(samples), label)
    return heard


def _is_noise(name: str) -> bool:
    return name.startswith(NOISE) and name.endswith(".wav")


def _write_features(arrays: dict[str, Array], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            np.savez(stream, allow_pickle=False, **arrays)
    except OSError as error:
        raise BuildError(f"{path} cannot be written: {error.strerror or error}") from error


def _read_features(path: Path) -> dict[str, Array] | None:
    """What was kept; None where there is nothing, or nothing whole."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            return {name: held[name] for name in (*PARTS, "train_labels", "test_labels", "raw")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def split_clips(listed: Listing, *, seed: int) -> dict[str, tuple[Part, int]]:
    """Part and class of each spoken clip that is used, by its name. Raises BuildError.

    Testing clips are the publisher's, calibration clips are some of its validation list, others are for training.
    Unknown words are as many in each part as one word is on average.
    """
    found: dict[str, tuple[Part, int]] = {}
    for part in PARTS:
        names = [name for name in listed.clips if _part(name, listed) == part and not name.startswith(NOISE)]
        spoken = [name for name in names if _class(name) != UNKNOWN]
        if not spoken:
            raise BuildError(f"speech_commands: no clip of {', '.join(WORDS)} is there for the {part} part")
        unknown = draw((name for name in names if _class(name) == UNKNOWN), -(-len(spoken) // len(WORDS)), seed=seed)
        used = draw([*spoken, *unknown], CALIBRATION, seed=seed) if part == "calibration" else [*spoken, *unknown]
        found |= {name: (part, _class(name)) for name in used}
    return found


def _part(name: str, listed: Listing) -> Part:
    if name in listed.testing:
        return "test"
    return "calibration" if name in listed.validation else "train"


def _class(name: str) -> int:
    word = name.partition("/")[0]
    return WORDS.index(word) if word in WORDS else UNKNOWN


def draw(names: Iterable[str], count: int, *, seed: int) -> list[str]:
    """Some of the names in an order of chance, which does not depend on the one they come in."""
    from hashlib import sha256

    return sorted(names, key=lambda name: sha256(f"{seed} {name}".encode()).digest())[:count]


def cut_silence(name: str, samples: Array) -> Iterator[tuple[str, Part, Array]]:
    """Clips cut from a recording of noise: names, parts and samples. Each part has a stretch of its own."""
    for part, (start, end) in _STRETCHES.items():
        last = int(end * len(samples)) - CLIP
        for at in range(int(start * len(samples)), last + 1, _STEP):
            yield f"{name} {at}", part, samples[at : at + CLIP]


def list_clips(found: FoundFiles) -> Listing:
    """What there is. Raises BuildError."""
    clips: list[str] = []
    lists: dict[str, frozenset[str]] = {}

    def wanted(name: str) -> bool:
        if name.endswith(".wav") and len(PurePosixPath(name).parts) == 2:
            clips.append(name)
        return name in SPEECH_COMMANDS_LISTS

    for name, content in read_files(found, wanted):
        lists[name] = frozenset(content.decode("ascii", "replace").split())
    missing = [name for name in SPEECH_COMMANDS_LISTS if name not in lists]
    if missing or not clips:
        raise BuildError(
            f"{_where(found)} has no {' and no '.join([*missing, *(['.wav files'] if not clips else [])])}"
        )
    return Listing(tuple(sorted(clips)), *(lists[name] for name in SPEECH_COMMANDS_LISTS))


def read_files(found: FoundFiles, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files that are wanted, each name being asked about once. Raises BuildError."""
    try:
        yield from _in_folder(found, wanted) if found.unpacked else _in_archive(found, wanted)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise BuildError(f"{_where(found)} cannot be read: {error}: remove it and build again") from error


def _in_folder(found: FoundFiles, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for name in found.content():
        if wanted(name):
            with found.path(name).open("rb") as stream:
                yield name, stream.read(_MOST_BYTES)


def _in_archive(found: FoundFiles, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """In the order of the archive, which is read as a stream; nothing of it is unpacked onto the disk."""
    with tarfile.open(found.path(found.names[0]), "r|gz") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isfile() and wanted(name) and (stream := archive.extractfile(member)):
                yield name, stream.read(_MOST_BYTES)


def _where(found: FoundFiles) -> str:
    return str(found.folder if found.unpacked else found.path(found.names[0]))
