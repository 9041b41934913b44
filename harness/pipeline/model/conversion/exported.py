"""What an exported model is: named inputs and outputs of known sizes, and what it was exported from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

SERVING = "serving_default"
"""The signature that is exported, and looked for first in a SavedModel of the user's."""


@dataclass(frozen=True)
class Port:
    """One input or output of an exported model; ``shape`` has the batch of one in front, ``dtype`` is numpy's name."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    entries: int | None = None
    """Of an input of indices: how many entries the table has that it looks up in; None: not known."""

    @property
    def kind(self) -> str:
        """The letter numpy has for its kind of values: f i u b, or another for what cannot be computed with."""
        import numpy as np

        return "S" if self.dtype == "string" else np.dtype(self.dtype).kind


@dataclass(frozen=True)
class Exported:
    """A SavedModel with a batch of one. ``original`` runs what it was made from: inputs by name to outputs by name.

    ``original_eps`` is the step at 1 of the numbers the original computes in, where they are coarser than its outputs.
    ``notes`` are sentences on what was changed.
    """

    folder: Path
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    original: Callable[[Mapping[str, Array]], Mapping[str, Array]]
    original_eps: float = 0.0
    notes: tuple[str, ...] = ()
