"""What a board has to keep to while it measures, so that it counts as fit: heat, clocks, set-up, and quiet."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.records.board import BoardFacts, Trial
from harness.records.device import DeviceProfile
from harness.records.emulation import is_emulated

CLOCKS_THAT_BOOST = ("x86_64", "amd64", "i686", "i386")
"""Architectures whose clock moves by design even under the performance governor."""


@dataclass(frozen=True)
class FitnessRule:
    """What the board has to keep to: a temperature (None: any), a steady clock or not, the set-up it was opened with.

    ``clock_khz``, ``policies_khz`` and ``devices_hz`` are the clocks that trials are held against, where one is known;
    without, a trial's own at its start. What is None or empty is not known, and nothing is held against it.
    """

    max_temp_c: float | None
    steady_clock: bool
    clock_khz: int | None = None
    policies_khz: tuple[tuple[str, int], ...] = ()
    devices_hz: tuple[tuple[str, int], ...] = ()
    governor: str | None = None
    caps_khz: tuple[int, ...] = ()
    power_mode: str | None = None
    device_bounds: tuple[str, ...] = ()
    alone: bool = False
    """Whether the board is there for measuring, so that what others take of it counts; neither this machine is, nor an
    emulated one, whose speed is nobody's figure."""
    own_processors: bool = False
    """Whether its processors are its own, so that waiting for one counts; a simulated board's are this machine's."""


def fitness_rule(profile: DeviceProfile, facts: BoardFacts) -> FitnessRule:
    """The rule for a board: the profile's limit, a steady clock where the governor promises one, and its set-up."""
    governor = profile.tuning.governor or facts.governor
    # A simulated board has the clock of the one it stands in for, on whatever processor it runs.
    boosts = facts.arch in CLOCKS_THAT_BOOST and facts.simulated is None
    steady = governor == "performance" and not boosts
    alone = not (_is_this_machine(profile, facts) or is_emulated(profile, facts))
    return FitnessRule(
        max_temp_c=profile.limits.max_temp_c,
        steady_clock=steady,
        governor=facts.governor,
        caps_khz=facts.clock_caps_khz,
        power_mode=facts.power_mode,
        device_bounds=facts.device_clocks,
        alone=alone,
        own_processors=alone and facts.simulated is None,
    )


def _is_this_machine(profile: DeviceProfile, facts: BoardFacts) -> bool:
    """Whether the host itself is measured, which has other work beside; never one whose /proc is made up."""
    if facts.simulated is not None:
        return False
    if profile.connection.transport == "local":
        return True
    ours = (platform.node(), platform.release(), platform.machine(), os.cpu_count())
    return (facts.hostname, facts.kernel, facts.arch, facts.cpu_count) == ours


def holding_clock(rule: FitnessRule, trials: Sequence[Trial]) -> FitnessRule:
    """The rule with the clocks of the first latency trial that tells them, so that a lasting drop is seen too."""
    timed = [trial for trial in trials if trial.kind == "latency" and trial.telemetry is not None]
    for trial in sorted(timed, key=lambda one: one.index):
        if trial.telemetry is None or not trial.telemetry.freq_before_khz:
            continue
        found = trial.telemetry.conditions
        return replace(
            rule,
            clock_khz=trial.telemetry.freq_before_khz,
            policies_khz=tuple((one.name, one.khz[0]) for one in found.clocks if one.khz) if found else (),
            devices_hz=tuple((one.name, one.hz_before) for one in found.devices if one.held) if found else (),
        )
    return rule
