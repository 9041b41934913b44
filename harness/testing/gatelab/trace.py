"""When the processes of a session run, and what noise that changes with time does to each of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]

PROCESSES_A_BLOCK: Final = 4
"""Two of either arm in both designs: the trials of an ABBA, or two pairs that take turns."""
SLICES_S: Final = 0.15
"""How long the slices of a process last together."""
PARTS_OF_A_TRIAL: Final = 4
"""Windows by which time within a whole trial is followed."""


@dataclass(frozen=True)
class Trace:
    """The processes of many metrics, all run in the same order.

    ``candidate`` (processes,) tells the arm. ``windows`` (processes, n) numbers the stretches of time, each of
    ``window_s`` seconds, that a process runs in. ``trial_s`` is what the rates of noises that speak of trials refer
    to, ``session_s`` how long a whole session may take.
    """

    rng: np.random.Generator
    metrics: int
    candidate: Flags
    windows: Indices
    window_s: float
    trial_s: float
    session_s: float

    @property
    def shape(self) -> tuple[int, int]:
        """(metrics, processes)."""
        return self.metrics, len(self.candidate)

    @property
    def blocks(self) -> Indices:
        """The block, and so the parent process, of each process: (processes,)."""
        return np.arange(len(self.candidate)) // PROCESSES_A_BLOCK

    @property
    def times(self) -> Array:
        """When each window begins, in seconds."""
        times: Array = np.arange(self.windows.size, dtype=np.float64) * self.window_s
        return times

    def average(self, weather: Array) -> Array:
        """What changes with time, (metrics, windows), as each process sees it: the mean over its own windows."""
        if self.windows.shape[1] == 1:
            return weather[:, self.windows[:, 0]]
        seen: Array = sum(weather[:, column] for column in self.windows.T) / self.windows.shape[1]
        return seen


def turns_of_slices(rng: np.random.Generator, metrics: int, pairs: int, *, slice_s: float, trial_s: float) -> Trace:
    """Pairs of processes, the candidate's first, that take turns; the order is random in each two slices."""
    each = max(1, round(SLICES_S / slice_s))
    second = (rng.random((pairs, each)) < 0.5).astype(np.int64)
    places = 2 * np.arange(pairs * each).reshape(pairs, each)
    windows = np.stack([places + second, places + 1 - second], axis=1).reshape(2 * pairs, each)
    return Trace(rng, metrics, np.tile([True, False], pairs), windows, slice_s, trial_s, windows.size * slice_s)
