"""Gates in use elsewhere, on the same traces: each says for every metric whether it would raise an alarm.

They compare two runs one after the other, as they are used: the first trials of a trace are the old version, the
following ones the new. Times are arrays of shape (metrics, trials).
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

TRIALS_EACH: Final = 20
"""Trials of the old and of the new version."""
_LEVEL: Final = 0.05
_THRESHOLD: Final = 0.02
_COMPARE_FAIL: Final = 0.05


def compare_fail_median(old: Array, new: Array) -> Flags:
    """pytest-benchmark --benchmark-compare-fail=median:5%."""
    slower: Flags = np.median(new, axis=1) > np.median(old, axis=1) * (1.0 + _COMPARE_FAIL)
    return slower


def fixed_threshold(old: Array, new: Array) -> Flags:
    """The mean may be 2 % slower."""
    slower: Flags = new.mean(axis=1) > old.mean(axis=1) * (1.0 + _THRESHOLD)
    return slower


def welch(old: Array, new: Array) -> Flags:
    """Welch's t-test at 5 %, one-sided: the new version is slower."""
    from scipy.stats import ttest_ind

    p = np.asarray(ttest_ind(new, old, axis=1, equal_var=False, alternative="greater").pvalue)
    flags: Flags = p < _LEVEL
    return flags


def mann_whitney(old: Array, new: Array) -> Flags:
    """google/benchmark's compare.py: a two-sided U test at 5 %, and the new version's median is slower."""
    from scipy.stats import mannwhitneyu

    p = np.asarray(mannwhitneyu(new, old, axis=1, alternative="two-sided", method="asymptotic").pvalue)
    flags: Flags = (p < _LEVEL) & (np.median(new, axis=1) > np.median(old, axis=1))
    return flags


COMPETITORS: Final[dict[str, Callable[[Array, Array], Flags]]] = {
    "pytest-benchmark compare-fail median:5%": compare_fail_median,
    "fixed threshold of 2 %": fixed_threshold,
    "Welch t-test at 5 %": welch,
    "Mann-Whitney at 5 % (google/benchmark compare)": mann_whitney,
}
