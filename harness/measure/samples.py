"""What one trial's samples say, in seconds."""

import numpy as np
from numpy.typing import NDArray

from harness.records.board import StageTimes, Trial
from harness.stats import quantile

PERCENTILES = {"p90": 0.90, "p99": 0.99}
"""Percentiles that need single clock reads."""

Seconds = NDArray[np.float64]


def batched_s(trial: Trial) -> Seconds:
    """Seconds for one inference from each clock read, each the mean of the trial's batch."""
    return np.asarray(trial.samples_ns, dtype=np.float64) / (1e9 * trial.batch)


def single_s(trial: Trial) -> Seconds:
    """Seconds of inferences with a clock read each: the samples themselves, or the pass with single reads."""
    if trial.batch == 1:
        return batched_s(trial)
    return np.asarray(trial.singles_ns, dtype=np.float64) / 1e9


def stage_median_s(times: StageTimes, stage: str) -> float:
    """The median over a trial's runs of one stage, or of "end_to_end"."""
    return quantile(np.asarray(getattr(times, f"{stage}_ns"), dtype=np.float64) / 1e9, 0.5)


def mean_s(trial: Trial) -> float:
    """The trial's mean seconds for one inference."""
    return float(batched_s(trial).mean())
