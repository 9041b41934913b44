"""Whether times fall into two speeds: a board that a neighbour, a governor or a bus slows for a while."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.records.board import TwoSpeeds

LEAST_APART: Final = 1.1
LEAST_SHARE: Final = 0.05
"""Of the time and of the inferences, at either speed: what is rarer is an outlier, such as waiting for a processor."""
LEAST_EXPLAINED: Final = 0.85
"""Of the variance of the logarithms that lies between the speeds: 0.64 where one normal distribution is cut in two,
0.75 of an even one."""
FEWEST: Final = 20


def two_speeds(trials: Sequence[NDArray[np.float64]]) -> TwoSpeeds | None:
    """The two speeds of a board, from positive seconds of inferences of one model, trial by trial; None for one speed.

    Time at a speed is the sum of its inferences' seconds. The cut is where most of the variance of the logarithms lies
    between both sides (Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on Systems,
    Man, and Cybernetics 9, 1979).
    """
    seconds = np.sort(np.concatenate([np.asarray(one, dtype=np.float64) for one in trials]))
    if seconds.size < FEWEST:
        return None
    logs, counts = np.log(seconds), np.arange(1, seconds.size)
    below = np.cumsum(logs)[:-1] / counts
    above = (logs.sum() - np.cumsum(logs)[:-1]) / (seconds.size - counts)
    between = counts * (seconds.size - counts) / seconds.size**2 * (above - below) ** 2
    cut = int(between.argmax()) + 1
    found = TwoSpeeds(
        fast_s=float(np.median(seconds[:cut])),
        slow_s=float(np.median(seconds[cut:])),
        slow_share=float(seconds[cut:].sum() / seconds.sum()),
    )
    clear = between.max() >= LEAST_EXPLAINED * logs.var() and found.factor >= LEAST_APART
    shares = (found.slow_share, 1.0 - cut / seconds.size)
    return found if clear and all(LEAST_SHARE <= share <= 1.0 - LEAST_SHARE for share in shares) else None
