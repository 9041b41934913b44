"""The figures that people see: geometric means over processes with an interval, of one arm or of both by turns.

They are those that the gate judges (``harness.stats.limit_test``): the mean logarithm of a block's trials is one
number, blocks count alike, and where both arms took turns the effect of the order is taken out by regression. Of both
arms that is done in the same blocks, so that the ratio of their figures is the ratio's own figure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, hypot, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.records.entry import TrialMetrics, TrialSummary
from harness.records.limit_test import FIRST_LOOK, RunSpread
from harness.records.metrics import METRICS
from harness.stats.intervals import mean_interval, t_quantile
from harness.stats.observations import (
    Observation,
    interleaved,
    is_interleaved,
    is_usable,
    observations,
    orientation,
    per_trial,
    sensor_windows,
)
from harness.stats.quantiles import finite_array, quantile
from harness.stats.sequential import order_fitted, serial_inflation

Array = NDArray[np.float64]

CONFIDENCE: Final = 0.95
_FEWEST_APART: Final = 2
"""Degrees of freedom of either figure from which on the ratio of two has ends."""
FEWEST_DEGREES: Final = 3
"""Of a spread from run to run: known by fewer it says next to nothing."""
FEWEST: Final = 4
"""Blocks from which on they are what an interval is over, else trials; and of either, from which on it is Student's.
With fewer, t has tails beyond all sense: the ends are then the least and the largest figure."""


@dataclass(frozen=True)
class Estimate:
    """A geometric mean in the figures' unit, or a ratio of two; ``low`` and ``high`` are None for one unit.

    ``confidence`` is that of the ends, None without them. ``trials`` are the processes behind it, one arm's. ``error``
    is the standard error of its logarithm with ``degrees`` of freedom; both are 0 for one unit.
    """

    value: float
    low: float | None
    high: float | None
    confidence: float | None
    trials: int
    error: float
    degrees: float


def geometric_mean(figures: Sequence[float]) -> Estimate:
    """The geometric mean of positive figures, one a process, in the order they were measured; each is a unit.

    Raises ValueError for none, or for figures that are not positive.
    """
    if not figures or min(figures) <= 0.0:
        raise ValueError("a geometric mean needs positive figures")
    return _estimate([[figure] for figure in figures], np.zeros(len(figures)))


def mean_over_trials(figures: Sequence[float]) -> Estimate:
    """The geometric mean of figures, one a trial; the arithmetic one where some are not positive.

    Memory need not grow, and a sensor may read no watts. Raises ValueError for no figures.
    """
    if not figures or min(figures) > 0.0:
        return geometric_mean(figures)
    mean, error, degrees = _fit(np.array(figures), np.zeros(len(figures)), serial=True)
    ends = mean_interval(figures, CONFIDENCE)
    if ends is None:
        return Estimate(mean, None, None, None, len(figures), error, degrees)
    return Estimate(mean, ends.low, ends.high, ends.confidence, len(figures), error, degrees)


def figure_of(
    metric: str, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics], arm: str = "candidate"
) -> Estimate | None:
    """One arm's figure of a metric from what a results file keeps of trials.

    None where no trial that counts has one, or one has a figure that is not positive, such as memory that did not grow.
    """
    blocks = observations(metric, trials, figures)
    own = [one.figure for block in blocks for one in block if one.arm == arm and not one.void]
    known = [figure for figure in own if figure is not None]
    if not known or min(known) <= 0.0:
        return None
    windows = per_trial(sensor_windows(metric, figures), arm)
    found = _arm_estimate(blocks, arm)
    return multiplied(found, geometric_mean(windows)) if windows else found


def multiplied(found: Estimate, factor: Estimate) -> Estimate:
    """The figure with the error of a factor that is in it, and was known apart, in its interval.

    On the logarithmic scale errors of independent factors add up in quadrature, and so do what either end is off.
    As it is where either has no interval: of a single window's scatter nothing is known.
    """
    if found.low is None or found.high is None or factor.low is None or factor.high is None:
        return found
    down = hypot(log(found.value / found.low), log(factor.value / factor.low))
    up = hypot(log(found.high / found.value), log(factor.high / factor.value))
    error = hypot(found.error, factor.error)
    parts = sum(one.error**4 / one.degrees for one in (found, factor))
    degrees = error**4 / parts if parts else min(found.degrees, factor.degrees)
    low, high = found.value * exp(-down), found.value * exp(up)
    return replace(found, low=low, high=high, error=error, degrees=degrees)


def median_over_trials(
    metric: str, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics], arm: str = "candidate"
) -> float | None:
    """What the first estimator gave: the median over the arm's trials that count; None without one."""
    kept = per_trial(observations(metric, trials, figures), arm) if METRICS[metric].kind is not None else []
    return quantile(kept, 0.5) if kept else None


def _arm_estimate(blocks: Sequence[Sequence[Observation]], arm: str) -> Estimate:
    """One arm's figure. Raises ValueError where no trial of it counts.

    Where arms took turns, of the blocks in which both count; else of the blocks in which all of the arm's trials do,
    or, where those are fewer than FEWEST, of its trials.
    """
    together = [block for block in blocks if is_interleaved(block)]
    if together:
        turns = np.array([orientation(block) for block in together])
        return _estimate([_figures(block, arm) for block in together], turns)
    own = [[one for one in block if one.arm == arm] for block in blocks]
    whole = [_figures(block, arm) for block in own if is_usable(block)]
    if len(whole) >= FEWEST:
        return _estimate(whole, np.zeros(len(whole)))
    return geometric_mean(per_trial(blocks, arm))


def ratio_of(metric: str, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics]) -> Estimate | None:
    """Candidate over baseline in a metric, of arms that took turns; None where they did not."""
    found = ratio_by_turns(observations(metric, trials, figures, relative=True))
    watts = ratio_by_turns(sensor_windows(metric, figures))
    return found if found is None or watts is None else multiplied(found, watts)


def ratio_by_turns(blocks: Sequence[Sequence[Observation]]) -> Estimate | None:
    """Candidate over baseline from blocks in which both took turns; None without one, no ends under FEWEST blocks."""
    found = interleaved(blocks)
    effects = found.effects[0]
    if effects.size == 0:
        return None
    mean, error, degrees = _fit(effects, found.turns, serial=False)
    trials = sum(len(_figures(block, "candidate")) for block in blocks if is_interleaved(block))
    if effects.size < FEWEST:
        return Estimate(exp(mean), None, None, None, trials, error, degrees)
    half = t_quantile(CONFIDENCE, degrees) * error
    return Estimate(exp(mean), exp(mean - half), exp(mean + half), CONFIDENCE, trials, error, degrees)


def ratio_apart(own: Estimate, other: Estimate, *, confidence: float = CONFIDENCE) -> Estimate:
    """The ratio of two figures that were measured one after the other; no ends where one is of one unit or of two.

    From two that differ a spread may be known to within a factor of thirty: only where they agree there are ends.

    What both would share in a common block does not drop out. Source: Welch's t interval (Biometrika 34, 1947) on
    logarithms, hence a ratio of geometric means.
    """
    value, trials = own.value / other.value, min(own.trials, other.trials)
    fewest, variance = min(own.degrees, other.degrees), own.error**2 + other.error**2
    if fewest > 0 and variance == 0.0:
        return Estimate(value, value, value, confidence, trials, 0.0, fewest)
    if fewest < _FEWEST_APART:
        return Estimate(value, None, None, None, trials, 0.0, 0.0)
    degrees = variance**2 / (own.error**4 / own.degrees + other.error**4 / other.degrees)
    half = t_quantile(confidence, degrees) * sqrt(variance)
    ends = value * exp(-half), value * exp(half)
    return Estimate(value, *ends, confidence, trials, sqrt(variance), degrees)


def run_spread(groups: Iterable[Sequence[float]]) -> RunSpread | None:
    """The spread from run to run of positive figures, one a run, grouped by what they are of; None for too few.

    The pooled standard deviation of their logarithms, so that groups need have nothing in common but the board.
    """
    logs = [np.log(finite_array(values)) for values in groups if len(values) > 1]
    degrees = sum(one.size - 1 for one in logs)
    if degrees < FEWEST_DEGREES:
        return None
    return RunSpread(sd=sqrt(sum(float(((one - one.mean()) ** 2).sum()) for one in logs) / degrees), degrees=degrees)


def _figures(block: Sequence[Observation], arm: str) -> list[float]:
    return [one.figure for one in block if one.arm == arm and one.figure is not None]


def _estimate(blocks: Sequence[Sequence[float]], turns: Array) -> Estimate:
    """Of one figure a process, block by block; ``turns`` as in ``Blocks``."""
    trials = [figure for block in blocks for figure in block]
    # About the first figure, so that figures which are all alike give exactly what they are.
    first = trials[0]
    logs = [[log(figure / first) for figure in block] for block in blocks]
    if len(blocks) < FEWEST:
        logs, turns = [[one] for block in logs for one in block], np.zeros(len(trials))
    mean, error, degrees = _fit(np.array([sum(block) / len(block) for block in logs]), turns, serial=True)
    value = first * exp(mean)
    if len(logs) == 1:
        return Estimate(value, None, None, None, len(trials), error, degrees)
    if len(logs) < FEWEST:
        return Estimate(value, min(trials), max(trials), 1.0 - 0.5 ** (len(logs) - 1), len(trials), error, degrees)
    half = t_quantile(CONFIDENCE, degrees) * error
    return Estimate(value, value * exp(-half), value * exp(half), CONFIDENCE, len(trials), error, degrees)


def _fit(effects: Array, turns: Array, *, serial: bool) -> tuple[float, float, int]:
    """Mean effect, its standard error and degrees of freedom, by least squares; as the gate fits it.

    ``serial``: what neighbours share has not dropped out, and widens the error, where there are as many as the gate
    looks at; of fewer a resemblance is mostly chance.
    """
    n, fitted = effects.size, bool(order_fitted(turns)[-1])
    uneven = float(turns.sum()) if fitted else 0.0
    order = (n * float(turns @ effects) - uneven * float(effects.sum())) / (n * n - uneven * uneven) if fitted else 0.0
    mean = (float(effects.sum()) - order * uneven) / n
    degrees = n - 1 - fitted
    if degrees == 0:
        return mean, 0.0, 0
    left = effects - mean - order * turns
    error = sqrt(float(left @ left) / degrees / (n * (1.0 - (uneven / n) ** 2)))
    widened = serial and n >= FIRST_LOOK
    return mean, error * (float(serial_inflation(left[np.newaxis, :])[0, -1]) if widened else 1.0), degrees
