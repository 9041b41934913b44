"""What an arm's slice takes over from the slice before it, where two arms take turns; a trial's is in `stats`."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Final

import numpy as np

from harness.records.board import Trial, Turns
from harness.records.entry import CarryOver
from harness.stats import t_quantile

CONFIDENCE: Final = 0.95
BOUND: Final = 0.005
"""Of the ratio: what the arms may differ by in it before it is told."""
AFTER_OTHER: Final = 0.75
"""Of an arm's slices in a random order within each two: those that come second, and half of those that come first."""


def carry_over(trials: Sequence[Trial]) -> list[CarryOver]:
    """For each arm: the share by which its slices are slower after the other arm's than after its own.

    Of the slices that come first in their two, as only they follow either arm; of each process the difference of
    their mean log medians, and over processes its mean with Student's interval. Arms with fewer than two processes
    that tell are left out.
    """
    found = []
    for arm in ("candidate", "baseline"):
        told = [t.turns for t in trials if t.kind == "slices" and t.arm == arm and t.turns is not None]
        known = [one for turns in told if (one := _difference(turns, arm)) is not None]
        if len(known) > 1:
            half = t_quantile(CONFIDENCE, len(known) - 1) * stdev(known) / sqrt(len(known))
            mean = fmean(known)
            found.append(CarryOver(arm=arm, share=mean, low=mean - half, high=mean + half, processes=len(known)))
    return found


def carry_over_sentence(found: Sequence[CarryOver]) -> str:
    """What it does to the ratio, where that is beyond BOUND and beyond chance; else empty."""
    known = {one.arm: one for one in found}
    if len(known) < 2:
        return ""
    own, other = known["candidate"], known["baseline"]
    bias = AFTER_OTHER * (own.share - other.share)
    error = AFTER_OTHER * sqrt(((own.high - own.low) / 2) ** 2 + ((other.high - other.low) / 2) ** 2)
    if abs(bias) <= BOUND or abs(bias) <= error:
        return ""
    return (
        f"an arm's slice depends on the other's before it: the ratio by turns is off by about {100 * bias:.1f} % "
        f"+- {100 * error:.1f} %"
    )


def _difference(turns: Turns, arm: str) -> float | None:
    first = [one for one in turns.slices if one.order % 2 == 0 and one.after is not None]
    own = [np.log(one.median_ns) for one in first if one.after == arm]
    other = [np.log(one.median_ns) for one in first if one.after != arm]
    return float(np.mean(other) - np.mean(own)) if own and other else None
