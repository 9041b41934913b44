"""speech_commands: spoken words in twelve classes, as MLPerf Tiny's keyword spotting takes them (arXiv:1804.03209).

Ten words, silence and unknown, which is all other words. Silence is cut from the recordings of background noise.
"""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.pipeline.cache import lock
from harness.pipeline.model.data.fetching import found_or_fetched
from harness.pipeline.model.data.fingerprint import data_fingerprint
from harness.pipeline.model.data.preprocessing import speech_features
from harness.pipeline.model.data.published import SPEECH_COMMANDS, Found, cache_folder
from harness.pipeline.model.data.raw_samples import KEPT_RAW, file_of
from harness.pipeline.model.data.speech_clips import contents, listing
from harness.pipeline.model.data.speech_dealing import NOISE, PARTS, SILENCE, Part, dealt, drawn, silences
from harness.pipeline.model.data.splitting import unlike
from harness.pipeline.model.data.wanted import Wanted
from harness.pipeline.model.data.wav_files import clip, samples_of
from harness.pipeline.model.dataset import Dataset
from harness.records.errors import BuildError
from harness.records.files import replacing

Array = np.ndarray[Any, np.dtype[Any]]
Clips = dict[str, tuple[Array, int]]


@dataclass
class _Heard:
    """What is kept of a part while clips come in: features and class by name, and the clips where they are kept."""

    features: Clips = field(default_factory=dict)
    raw: dict[str, Array] = field(default_factory=dict)


def load(wanted: Wanted) -> Dataset:
    """Inputs (n, 49, 10, 1) of cepstral features and labels 0..11. Raises BuildError.

    Features are computed once and kept in the cache.
    """
    found = found_or_fetched(SPEECH_COMMANDS)
    path = cache_folder(SPEECH_COMMANDS) / f"features-{data_fingerprint('speech_commands')[:16]}-{wanted.seed}.npz"
    with lock(path):
        arrays = _kept(path)
        if arrays is None:
            arrays = _arrays(found, wanted.seed)
            _keep(arrays, path)
    train, calibration, test = (arrays[part] for part in PARTS)
    own = unlike(train, test, calibration)
    return Dataset(
        name="Speech Commands v0.02",
        calibration_inputs=calibration[unlike(calibration, test)],
        test_inputs=test,
        test_labels=arrays["test_labels"],
        train_inputs=train[own],
        train_labels=arrays["train_labels"][own],
        preprocessing=file_of(speech_features),
        raw_test=tuple(arrays["raw"]),
    )


def _arrays(found: Found, seed: int) -> dict[str, Array]:
    """Features and labels by part, and the first test clips, in an order of chance."""
    heard = _heard(found, seed)
    arrays: dict[str, Array] = {}
    for part in PARTS:
        clips = heard[part].features
        if not clips:
            raise BuildError(f"{found.folder}: no clip is there for the {part} part")
        order = drawn(clips, len(clips), seed=seed)
        arrays[part] = np.stack([clips[name][0] for name in order])
        arrays[f"{part}_labels"] = np.array([clips[name][1] for name in order], np.int64)
        if part == "test":
            arrays["raw"] = np.stack([heard[part].raw[name] for name in order[:KEPT_RAW]])
    return arrays


def _heard(found: Found, seed: int) -> dict[Part, _Heard]:
    """All clips that are used, turned into features as they are read."""
    heard = {part: _Heard() for part in PARTS}

    def hear(name: str, part: Part, samples: Array, label: int) -> None:
        heard[part].features[name] = (speech_features.preprocess(samples), label)
        if part == "test":
            heard[part].raw[name] = samples

    spoken = dealt(listing(found), seed=seed)
    for name, content in contents(found, lambda name: name in spoken or _is_noise(name)):
        samples = samples_of(content, f"{found.folder}: {name}")
        if _is_noise(name):
            for cut, part, silence in silences(name, samples):
                hear(cut, part, silence, SILENCE)
        else:
            part, label = spoken[name]
            hear(name, part, clip(samples), label)
    return heard


def _is_noise(name: str) -> bool:
    return name.startswith(NOISE) and name.endswith(".wav")


def _keep(arrays: dict[str, Array], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            np.savez(stream, allow_pickle=False, **arrays)
    except OSError as error:
        raise BuildError(f"{path} cannot be written: {error.strerror or error}") from error


def _kept(path: Path) -> dict[str, Array] | None:
    """What was kept; None where there is nothing, or nothing whole."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            return {name: held[name] for name in (*PARTS, "train_labels", "test_labels", "raw")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
