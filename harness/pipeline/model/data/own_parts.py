"""What was read from data of the user's own, before it is known to be good."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class OwnParts:
    """Raw samples by part, samples first; labels beside them. ``sounds``: they are clips of 16 kHz."""

    path: Path
    test: Array
    test_labels: Array
    train: Array | None = None
    train_labels: Array | None = None
    calibration: Array | None = None
    sounds: bool = False

    def inputs(self) -> dict[str, Array]:
        """The parts that were given, by the name they have in messages."""
        parts = {"train": self.train, "calibration": self.calibration, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}
