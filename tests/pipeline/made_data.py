"""Small files of data sets, made as their publishers make theirs, and a cache of the test's own."""

import gzip
import io
import struct
import tarfile
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.dataset import Dataset
from harness.records.errors import BuildError


def own_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Sends caches into a folder; gives the one that data sets are kept in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    return folder / "cache" / "edge-harness" / "datasets"


def loaded(word: str | Path, **given: Any) -> Dataset:
    """A data set by word, of no particular shape unless it is given."""
    return load_dataset(str(word), **{"shape": None, "classes": None, **given})


def refusal(word: str | Path, **given: Any) -> str:
    """What is said of data that cannot serve: one line, short enough for a table."""
    with pytest.raises(BuildError) as caught:
        loaded(word, **given)
    message = str(caught.value)
    assert "\n" not in message and "Traceback" not in message
    return message


def overlaps(dataset: Dataset) -> set[bytes]:
    """The samples that stand in more than one part."""
    parts = [dataset.train_inputs, dataset.calibration_inputs, dataset.test_inputs]
    kept: list[set[bytes]] = [{sample.tobytes() for sample in part} for part in parts if part is not None]
    return {one for at, first in enumerate(kept) for second in kept[at + 1 :] for one in first & second}


def write_idx(path: Path, values: Any) -> None:
    """An array of bytes, gzipped."""
    array = np.asarray(values, np.uint8)
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


def write_fashion(folder: Path, *, train: int = 40, test: int = 20, seed: int = 1) -> None:
    """Fashion-MNIST's four files with noise in them."""
    rng = np.random.default_rng(seed)
    for part, count in (("train", train), ("t10k", test)):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", rng.integers(0, 256, (count, 28, 28)))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(count) % 10)


def cifar_batch(count: int, seed: int) -> bytes:
    """Records of noise as in CIFAR-10's binary batches."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 3072), np.uint8)
    return np.hstack([(np.arange(count, dtype=np.uint8) % 10)[:, np.newaxis], pixels]).tobytes()


def write_tar(path: Path, files: Mapping[str, bytes]) -> None:
    """A gzipped archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Files by their names below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def wav(samples: Any, *, rate: int = 16_000, channels: int = 1) -> bytes:
    """A .wav file of 16-bit samples."""
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(np.asarray(samples, "<i2").tobytes())
    return held.getvalue()


def noise_clip(seed: int, count: int = 16_000) -> Any:
    """Loud noise, int16."""
    return np.random.default_rng(seed).integers(-9000, 9000, count).astype(np.int16)
