"""Spoken clips: 16-bit mono at 16 kHz."""

import io
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness.records.errors import BuildError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

RATE: Final = 16_000
"""Samples a second."""
CLIP: Final = RATE
"""Samples of a clip: one second."""


def read_wav(file: Path) -> "Array":
    """A file's first second, with silence after a shorter one: int16 of shape (16000,). Raises BuildError."""
    try:
        return clip(samples_of(file.read_bytes(), str(file)))
    except OSError as error:
        raise BuildError(f"{file} cannot be read: {error.strerror or error}") from error


def samples_of(content: bytes, name: str) -> "Array":
    """All samples of a .wav file's content: int16 of shape (n,). Raises BuildError that says its name."""
    try:
        with wave.open(io.BytesIO(content)) as sound:
            form = (sound.getnchannels(), 8 * sound.getsampwidth(), sound.getframerate())
            frames = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:
        raise BuildError(f"{name} cannot be read as a .wav: {error}") from error
    if form != (1, 16, RATE):
        raise BuildError(f"{name} has {form[0]} channels of {form[1]} bits at {form[2]} Hz: make it 1 of 16 at {RATE}")
    return np.frombuffer(frames[: len(frames) // 2 * 2], dtype="<i2").astype(np.int16)


def clip(samples: "Array") -> "Array":
    """The first second, with silence after a shorter one."""
    held = np.zeros(CLIP, np.int16)
    held[: len(samples)] = samples[:CLIP]
    return held
