"""How samples are dealt to parts that do not overlap."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness.records.errors import BuildError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

CALIBRATION: Final = 200
"""Samples that set the ranges of integer recipes: a few hundred are as good as all."""
_SHARE: Final = 10
"""At most one in so many training samples goes to calibration."""


def calibration_size(count: int) -> int:
    """How many of ``count`` training samples are set aside for calibration."""
    return min(CALIBRATION, max(1, count // _SHARE))


def split_indices(count: int, size: int, *, seed: int) -> "tuple[Array, Array]":
    """Indices 0..count-1 in two parts, in their order: ``size`` drawn at random, and the rest."""
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[:size]), np.sort(order[size:])


def fingerprints(samples: "Array") -> "Array":
    """A hash of each sample's bytes, by which equal ones are found: shape (n,), dtype S32."""
    from hashlib import blake2b

    rows = (blake2b(np.ascontiguousarray(sample).tobytes(), digest_size=16).hexdigest() for sample in samples)
    return np.fromiter(rows, dtype="S32", count=len(samples))


def differ_from(samples: "Array", *others: "Array") -> "Array":
    """Which samples equal none of ``others``, as a mask of shape (n,)."""
    known = np.concatenate([fingerprints(other) for other in others])
    return np.isin(fingerprints(samples), known, invert=True)


def split_without_overlap(train: "Array", test: "Array", *, seed: int) -> "tuple[Array, Array]":
    """Indices of training samples for training and for calibration, none equal to a test sample or to each other's.

    Raises BuildError where nothing is left.
    """
    own = np.flatnonzero(differ_from(train, test))
    chosen, rest = split_indices(len(own), calibration_size(len(own)), seed=seed)
    calibration, rest = own[chosen], own[rest]
    kept = rest[differ_from(train[rest], train[calibration])]
    if not len(kept) or not len(calibration):
        raise BuildError(f"of {len(train)} training samples none is left that is not in another part: give more")
    return kept, calibration
