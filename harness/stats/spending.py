"""Boundaries of a test that may be looked at after every block, its error spent look by look.

The boundary on the normal scale comes from the recursive integration of Armitage, McPherson and Rowe ("Repeated
significance tests on accumulating data", J. R. Stat. Soc. A 132, 1969) with the error spent linearly in the number of
blocks (Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983). For an unknown
variance each look's nominal level is carried over to Student's t with the degrees of freedom of that look (Jennison
and Turnbull, "Group Sequential Methods", 2000, section 4.4).
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.records.limit_test import FIRST_LOOK

Array = NDArray[np.float64]

_FEWEST: Final = 3
"""Blocks that must count, of those there are at a look."""
_FAIL_SHARE: Final = 0.5
"""Of the error that is granted for a false alarm. Carried over to t, the boundary of many looks spends up to a quarter
more than planned (simulated with the t statistic of normal blocks); and a rate that is promised is to be kept by a
margin that 2,000 simulated sessions can show."""
_PASS_SHARE: Final = 0.9
"""Likewise for a pass: at a twentieth, the t boundary spends a tenth more."""
_POINTS: Final = 400
_REACH: Final = 9.0
"""Standard deviations below zero at which the integrals are cut."""
_HIGHEST: Final = 12.0


@dataclass(frozen=True)
class Boundaries:
    """Critical values of Student's t, both positive. Element i belongs to ``fewest + i`` blocks that count.

    ``first`` is the block after which one first looks.
    """

    first: int
    fewest: int
    fail: Array
    """Above it the mean lies beyond the limit."""
    passes: Array
    """Below its negative the mean lies within the limit."""
    reserve: float = 0.0
    """Standard errors beyond a boundary at which a mean crosses it with the chance 1 - miss."""

    @property
    def last(self) -> int:
        """The largest number of blocks."""
        return self.fewest + len(self.fail) - 1


@cache
def boundaries(alpha: float, miss: float, most: int) -> Boundaries:
    """For at most ``most`` blocks, a look after each from the sixth on.

    ``alpha`` bounds the chance that a metric at its limit fails, ``miss`` that it passes, both over all looks.
    Raises ValueError for rates outside (0, 0.5] or fewer blocks than a first look needs.
    """
    for rate in (alpha, miss):
        if not 0.0 < rate <= 0.5:
            raise ValueError(f"an error rate of {rate} is not within 0 and 0.5")
    if most < FIRST_LOOK:
        raise ValueError(f"{most} blocks are fewer than the {FIRST_LOOK} of a first look")
    looks = np.arange(FIRST_LOOK, most + 1, dtype=np.float64)
    return Boundaries(
        first=FIRST_LOOK,
        fewest=_FEWEST,
        fail=_as_t(_normal_boundary(looks / most, alpha * _FAIL_SHARE), looks),
        passes=_as_t(_normal_boundary(looks / most, miss * _PASS_SHARE), looks),
        reserve=_reserve(miss),
    )


def one_look(alpha: float, miss: float, blocks: int, *, degrees: float | None = None) -> Boundaries:
    """For a single look at at least two ``blocks``: quantiles of Student's t, of one degree less unless given."""
    from scipy.special import stdtrit

    degrees = blocks - 1.0 if degrees is None else degrees
    fail, passes = (-np.atleast_1d(stdtrit(degrees, rate)).astype(np.float64) for rate in (alpha, miss))
    return Boundaries(first=blocks, fewest=blocks, fail=fail, passes=passes, reserve=_reserve(miss))


def last_look(alpha: float, miss: float, blocks: int) -> Boundaries:
    """For a single look at the end of at least two ``blocks``, of which two must count."""
    looks = [one_look(alpha, miss, counted) for counted in range(2, blocks + 1)]
    fail, passes = (np.concatenate([getattr(look, name) for look in looks]) for name in ("fail", "passes"))
    return Boundaries(first=blocks, fewest=2, fail=fail, passes=passes, reserve=_reserve(miss))


def _reserve(miss: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(miss))


def _as_t(normal: Array, looks: Array) -> Array:
    """The same nominal level, look by look, for the t statistic of so many blocks."""
    from scipy.special import ndtr, stdtrit

    # At the first look fewer blocks may count than there are: the same level, with their degrees of freedom.
    counted = np.concatenate([np.arange(_FEWEST, looks[0]), looks])
    levels = ndtr(-np.concatenate([np.full(len(counted) - len(looks), normal[0]), normal]))
    t: Array = -stdtrit(counted - 1.0, levels)
    return t


def _normal_boundary(times: Array, error: float) -> Array:
    """Upper boundary of a standardised Brownian motion seen at ``times`` (shares of the whole, rising to 1)."""
    from scipy.special import ndtri

    found = np.empty_like(times)
    found[0] = -ndtri(error * times[0])
    nodes, weights = _nodes(found[0] * np.sqrt(times[0]), times[0])
    mass = weights * _density(nodes / np.sqrt(times[0])) / np.sqrt(times[0])
    for look in range(1, len(times)):
        step = np.sqrt(times[look] - times[look - 1])
        spent = error * (times[look] - times[look - 1])
        edge = _edge(nodes, mass, step=step, spent=spent)
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
