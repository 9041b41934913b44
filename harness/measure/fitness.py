"""What a board has to keep to while it measures, so that it counts as fit: a temperature, and a steady clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.records.board import BoardFacts, Trial
from harness.records.device import DeviceProfile

CLOCKS_THAT_BOOST = ("x86_64", "amd64", "i686", "i386")
"""Architectures whose clock moves by design even under the performance governor."""


@dataclass(frozen=True)
class FitnessRule:
    """What the board has to keep to: a temperature (None: any), and a steady clock or not.

    ``clock_khz`` is the clock that trials are held against, None: each trial's own at its start.
    """

    max_temp_c: float | None
    steady_clock: bool
    clock_khz: int | None = None


def fitness_rule(profile: DeviceProfile, facts: BoardFacts) -> FitnessRule:
    """The rule for a board: the profile's limit, and a steady clock where the governor promises one."""
    governor = profile.tuning.governor or facts.governor
    # A simulated board has the clock of the one it stands in for, on whatever processor it runs.
    boosts = facts.arch in CLOCKS_THAT_BOOST and facts.simulated is None
    steady = governor == "performance" and not boosts
    return FitnessRule(max_temp_c=profile.limits.max_temp_c, steady_clock=steady)


def holding_clock(rule: FitnessRule, trials: Sequence[Trial]) -> FitnessRule:
    """The rule with the clock at the start of the first latency trial, so that a lasting drop is seen too."""
    clocks = [
        (trial.index, trial.telemetry.freq_before_khz)
        for trial in trials
        if trial.kind == "latency" and trial.telemetry is not None and trial.telemetry.freq_before_khz
    ]
    return replace(rule, clock_khz=min(clocks)[1]) if clocks else rule
