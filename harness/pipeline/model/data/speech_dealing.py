"""Which clips of Speech Commands go to which part, and as what class."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import numpy as np

from harness.pipeline.model.data.speech_clips import Listing
from harness.pipeline.model.data.splitting import CALIBRATION
from harness.pipeline.model.data.wav_files import CLIP
from harness.records.errors import BuildError

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


def dealt(listed: Listing, *, seed: int) -> dict[str, tuple[Part, int]]:
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
        unknown = drawn((name for name in names if _class(name) == UNKNOWN), -(-len(spoken) // len(WORDS)), seed=seed)
        used = drawn([*spoken, *unknown], CALIBRATION, seed=seed) if part == "calibration" else [*spoken, *unknown]
        found |= {name: (part, _class(name)) for name in used}
    return found


def drawn(names: Iterable[str], count: int, *, seed: int) -> list[str]:
    """Some of the names in an order of chance, which does not depend on the one they come in."""
    from hashlib import sha256

    return sorted(names, key=lambda name: sha256(f"{seed} {name}".encode()).digest())[:count]


def silences(name: str, samples: Array) -> Iterator[tuple[str, Part, Array]]:
    """Clips cut from a recording of noise: names, parts and samples. Each part has a stretch of its own."""
    for part, (start, end) in _STRETCHES.items():
        last = int(end * len(samples)) - CLIP
        for at in range(int(start * len(samples)), last + 1, _STEP):
            yield f"{name} {at}", part, samples[at : at + CLIP]


def _part(name: str, listed: Listing) -> Part:
    if name in listed.testing:
        return "test"
    return "calibration" if name in listed.validation else "train"


def _class(name: str) -> int:
    word = name.partition("/")[0]
    return WORDS.index(word) if word in WORDS else UNKNOWN
