"""Emulated boards: what tells one, and what is not claimed of it."""

from dataclasses import replace
from typing import Final

from harness.records.board import BoardFacts
from harness.records.device import DeviceProfile
from harness.records.entry import Entry, Measurement
from harness.records.metrics import METRICS
from harness.records.settings import Settings

EMULATED: Final = "emulated: correctness only"
"""Its label, wherever the device is named."""
WITHHELD: Final = "the board is emulated: its speed says nothing"
_SOURCE: Final = "emulation"
_TRIAL_S: Final = 300.0
_ENTRY_S: Final = 900.0
"""Seconds that are waited for: an emulated board is some hundred times slower than a real one."""
_SPEED: Final = ("s", "1/s", "B/s", "J", "W")
"""Units of metrics that a processor's speed has a part in."""


def is_emulated(profile: DeviceProfile, facts: BoardFacts) -> bool:
    """Whether its speed is an emulator's: as the profile says, and where that is silent as the board itself does."""
    said = profile.hardware.emulated
    return facts.emulated is not None if said is None else said


def is_of_speed(metric: str) -> bool:
    """Whether a processor's speed has a part in a metric: time, rates, power, energy; so for one that is not known."""
    return metric not in METRICS or METRICS[metric].unit in _SPEED


def with_least_measuring(settings: Settings) -> Settings:
    """Settings of one inference in one trial, however long an emulator takes for it."""
    return replace(
        settings,
        trials=1,
        warmup_runs=0,
        num_runs=1,
        min_secs=0.0,
        max_secs=max(settings.max_secs, _TRIAL_S),
        time_limit_s=max(settings.time_limit_s, _ENTRY_S),
    )


def withhold_speed(entry: Entry) -> Entry:
    """The entry without any figure that speed has a part in: such a metric is unknown, with the reason.

    So none gets into a limit, a comparison, the history or a chart. Outputs, accuracy, sizes and memory stay; the
    latter is judged by its value, as one process of each entry tells it.
    """
    baseline = entry.baseline and entry.baseline.model_copy(
        update={
            "measurements": [_withheld(one) for one in entry.baseline.measurements],
            "ratios": [ratio for ratio in entry.baseline.ratios if not is_of_speed(ratio.metric)],
            "carry_over": [],
        }
    )
    return entry.model_copy(
        update={
            "measurements": [_withheld(one) for one in entry.measurements],
            "trials": [],
            "figures": [],
            "operators": None,
            "warm_up": None,
            "baseline": baseline,
        }
    )


def is_withheld(measurement: Measurement | None) -> bool:
    """Whether a metric is unknown because the board was emulated."""
    return measurement is not None and measurement.value is None and measurement.source == _SOURCE


def _withheld(one: Measurement) -> Measurement:
    if not is_of_speed(one.metric):
        return one
    return Measurement(metric=one.metric, unit=one.unit, better=one.better, value=None, source=_SOURCE, reason=WITHHELD)
