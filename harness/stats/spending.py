"""Boundaries of a test that may be looked at after every block, its error spent look by look.

The boundary on the normal scale comes from the recursive integration of Armitage, McPherson and Rowe ("Repeated
significance tests on accumulating data", J. R. Stat. Soc. A 132, 1969) with the error spent by a function of the number
of blocks (Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983). For an unknown
variance each look's nominal level is carried over to Student's t with the degrees of freedom of that look (Jennison
and Turnbull, "Group Sequential Methods", 2000, section 4.4).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.records.limit_test import FIRST_LOOK, LARGEST_FACTOR, fewest_to_fail, fewest_to_pass

Array = NDArray[np.float64]

_FAIL_SHARE: Final = 0.5
"""Of the error that is granted for a false alarm: a rate that is promised is to be kept by a margin that 2,000
simulated sessions can show, in noise that is not normal too. It costs 5 % more blocks at most."""
_PASS_SHARE: Final = 0.9
"""Likewise for a pass: at a twentieth, the t boundary spends a tenth more."""
_SIGN_SHARE: Final = 20.0
"""Times alpha: the level of the sign test that a FAIL must pass beside its boundary. At a level this much weaker it
costs under 1 % more blocks, and a mean that a few blocks carry against the others does not fail a limit."""
_FAIL_RATE: Final = 2.0
"""Of the exponential by which the error towards FAIL is spent (Hwang, Shih and DeCani, "Group sequential designs using
a family of type I error probability spending functions", Stat. Med. 9, 1990): the larger, the earlier."""
_LATE_FAIL_POWER: Final = 5.0
"""Likewise of a power sensor's windows, as Kim and DeMets spend it: three is about O'Brien and Fleming's."""
_WINDOW_FAIL_SHARE: Final = 0.8
"""Likewise of the error of a power sensor's windows, whose means of a hundred readings are near to normal."""
_PASS_POWER: Final = 0.3
"""Of the share of the blocks by which that towards PASS is spent (Kim and DeMets, "Design and analysis of group
sequential tests based on the type I error spending rate function", Biometrika 74, 1987): the smaller, the earlier."""
_POINTS: Final = 400
_REACH: Final = 9.0
"""Standard deviations below zero at which the integrals are cut."""
_HIGHEST: Final = 12.0


@dataclass(frozen=True)
class Boundaries:
    """Critical values of Student's t, both positive. Element i belongs to ``first + i`` blocks.

    ``first`` is the number of blocks after which one first looks. ``fail_from`` and ``pass_from`` are those from which
    on a boundary decides alone; before, its value is the level of its first look, and the interval must also clear the
    limit by a margin, for what so few processes may not have shown (``unseen``).
    """

    first: int
    fail: Array
    """Above it the mean lies beyond the limit."""
    passes: Array
    """Below its negative the mean lies within the limit."""
    fail_margins: Array
    pass_margins: Array
    beyond: Array
    """Blocks that must themselves lie beyond the limit for a FAIL, where the effects are skewed downwards."""
    fail_from: int = 0
    pass_from: int = 0
    reserve: float = 0.0
    """Standard errors beyond a boundary at which a mean crosses it with the chance 1 - miss."""

    @property
    def last(self) -> int:
        """The largest number of blocks."""
        return self.first + len(self.fail) - 1

    def from_look(self, first: int) -> "Boundaries":
        """The looks from so many blocks on, which may be none."""
        skipped = max(0, first - self.first)
        fields = ("fail", "passes", "fail_margins", "pass_margins", "beyond")
        return replace(self, first=self.first + skipped, **{name: getattr(self, name)[skipped:] for name in fields})


@cache
def boundaries(alpha: float, miss: float, most: int, *, processes: int = 2, lost: int = 1) -> Boundaries:
    """For at most ``most`` blocks, a look after each from the first on at which a verdict is possible.

    ``alpha`` bounds the chance that a metric at its limit fails, ``miss`` that it passes, both over all looks. A block
    has so many ``processes`` an arm; ``lost`` is how many degrees of freedom the estimate takes. Raises ValueError for
    rates outside (0, 0.5] or fewer blocks than a first look needs.
    """
    for rate in (alpha, miss):
        if not 0.0 < rate <= 0.5:
            raise ValueError(f"an error rate of {rate} is not within 0 and 0.5")
    if most < FIRST_LOOK:
        raise ValueError(f"{most} blocks are fewer than the {FIRST_LOOK} of a first look")
    looks = np.arange(FIRST_LOOK, most + 1, dtype=np.float64)
    fail_from, pass_from = fewest_to_fail(alpha), fewest_to_pass(miss, processes)
    return Boundaries(
        first=FIRST_LOOK,
        fail=_spent(looks, alpha * _FAIL_SHARE, _towards_fail, fail_from, lost),
        passes=_spent(looks, miss * _PASS_SHARE, _towards_pass, pass_from, lost),
        fail_margins=np.where(looks < fail_from, unseen(alpha, looks * processes), 0.0),
        pass_margins=np.where(looks < pass_from, unseen(miss, looks * processes), 0.0),
        beyond=np.where(looks < fail_from, 0.0, _fewest_beyond(alpha * _SIGN_SHARE, looks)),
        fail_from=fail_from,
        pass_from=pass_from,
        reserve=_reserve(miss),
    )


@cache
def window_boundaries(alpha: float, miss: float, most: int, *, lost: int = 1) -> Boundaries:
    """The same for blocks of a power sensor's windows, one process of seconds an arm: few, and each is dear.

    Most of the error towards FAIL is kept for the last looks. A PASS does not promise that a slow minority of processes
    would have been seen: that takes 29 windows, and latencies tell of it. Raises as ``boundaries`` does.
    """
    found = boundaries(alpha, miss, most, processes=1, lost=lost)
    looks = np.arange(found.first, most + 1, dtype=np.float64)
    return replace(
        found,
        fail=_spent(looks, alpha * _WINDOW_FAIL_SHARE, _late_towards_fail, found.fail_from, lost),
        passes=_spent(looks, miss * _PASS_SHARE, _towards_pass, found.first, lost),
        pass_margins=np.zeros_like(found.pass_margins),
        pass_from=found.first,
    )


def unseen(rate: float, processes: Array) -> Array:
    """By how much, on the logarithmic scale, processes that were not seen may move the mean.

    A share q of all processes escapes so many of them with the chance (1 - q) ** processes; the largest that does so
    with the chance ``rate``, each process of it LARGEST_FACTOR times as slow or as fast as the others.
    """
    shift: Array = (1.0 - rate ** (1.0 / np.maximum(processes, 1.0))) * log(LARGEST_FACTOR)
    return shift


def _towards_fail(times: Array) -> Array:
    spent: Array = np.expm1(-_FAIL_RATE * times) / np.expm1(-_FAIL_RATE)
    return spent


def _late_towards_fail(times: Array) -> Array:
    spent: Array = times**_LATE_FAIL_POWER
    return spent


def _towards_pass(times: Array) -> Array:
    spent: Array = times**_PASS_POWER
    return spent


def _spent(looks: Array, error: float, spending: Callable[[Array], Array], fewest: int, lost: int) -> Array:
    """The boundary on t that spends an error from ``fewest`` blocks on."""
    from scipy.special import ndtr, stdtrit

    levels = np.full_like(looks, error)
    possible = looks >= fewest
    if possible.any():
        times = looks[possible] / looks[-1]
        levels[possible] = ndtr(-_normal_boundary(times, error * spending(times)))
        levels[~possible] = levels[possible][0]
    # The same nominal level, look by look, for the t statistic of so many blocks.
    boundary: Array = -stdtrit(looks - lost, levels)
    return boundary


def one_look(
    alpha: float, miss: float, blocks: int, *, degrees: float | None = None, processes: int | None = None
) -> Boundaries:
    """For a single look at at least two ``blocks``: quantiles of Student's t, of one degree less unless given.

    With ``processes`` an arm and block, what so few may not have shown is allowed for as in ``boundaries``.
    """
    from scipy.special import stdtrit

    degrees = blocks - 1.0 if degrees is None else degrees
    fail, passes = (-np.atleast_1d(stdtrit(degrees, rate)).astype(np.float64) for rate in (alpha, miss))
    looks = np.array([float(blocks)])
    fail_from, pass_from = (0, 0) if processes is None else (fewest_to_fail(alpha), fewest_to_pass(miss, processes))
    return Boundaries(
        first=blocks,
        fail=fail,
        passes=passes,
        fail_margins=np.where(looks < fail_from, unseen(alpha, looks * (processes or 1)), 0.0),
        pass_margins=np.where(looks < pass_from, unseen(miss, looks * (processes or 1)), 0.0),
        beyond=np.zeros_like(looks),
        fail_from=fail_from,
        pass_from=pass_from,
        reserve=_reserve(miss),
    )


def _fewest_beyond(level: float, looks: Array) -> Array:
    """Of so many blocks, how many lie beyond their median with at most the chance ``level``: the sign test."""
    from scipy.stats import binom

    fewest: Array = np.asarray(binom.isf(min(level, 1.0), looks, 0.5)) + 1.0
    return fewest


def _reserve(miss: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(miss))


def _normal_boundary(times: Array, spent: Array) -> Array:
    """Upper boundary of a standardised Brownian motion seen at ``times`` (shares of the whole, rising to 1).

    ``spent`` is the chance of having crossed it by then.
    """
    from scipy.special import ndtri

    found = np.empty_like(times)
    found[0] = -ndtri(spent[0])
    nodes, weights = _nodes(found[0] * np.sqrt(times[0]), times[0])
    mass = weights * _density(nodes / np.sqrt(times[0])) / np.sqrt(times[0])
    for look in range(1, len(times)):
        step = np.sqrt(times[look] - times[look - 1])
        edge = _edge(nodes, mass, step=step, spent=float(spent[look] - spent[look - 1]))
        found[look] = edge / np.sqrt(times[look])
        following, weights = _nodes(edge, times[look])
        moved = _density((following[:, np.newaxis] - nodes) / step) @ mass / step
        nodes, mass = following, weights * moved
    return found


def _edge(nodes: Array, mass: Array, *, step: float, spent: float) -> float:
    """The height above which exactly ``spent`` of the paths that went on so far will lie."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def excess(height: float) -> float:
        return float(np.sum(mass * ndtr((nodes - height) / step))) - spent

    return float(brentq(excess, 0.0, _HIGHEST, xtol=1e-10))


def _nodes(edge: float, time: float) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights from far below up to the boundary."""
    low = -_REACH * np.sqrt(time)
    nodes, weights = _legendre()
    half = (edge - low) / 2.0
    return low + half * (nodes + 1.0), weights * half


@cache
def _legendre() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    return nodes, weights


def _density(x: Array) -> Array:
    density: Array = np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)
    return density
